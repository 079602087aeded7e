// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands on the screen, and what keys do.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::draw::draw;
use super::state::State;
use crate::format::View;
use crate::record::{Completer, NoLookups, NoSets, Rows};
use crate::spec::{Buckets, Field, FieldType, Layout, Sample, Statistic};

fn field(name: &str, offset: u32, size: u32, kind: FieldType) -> Field {
    Field {
        name: name.into(),
        offset,
        size,
        kind,
        absent_bit: None,
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    }
}

/// Name, calls, and how many values are in the buckets `< 10`, `[10, 20)` and `>= 20`.
fn view(rows: &[(&str, u64, [u64; 3])]) -> View {
    let buckets = Buckets::Edges([10, 20].into());
    let fields = vec![
        field("comm", 0, 16, FieldType::Text { limit: None }),
        field("calls", 16, 8, FieldType::Unsigned),
        field("size", 24, 24, FieldType::Histogram(Arc::new(buckets.clone()))),
    ];
    let statistics = vec![Statistic::Count, Statistic::Histogram(buckets)];
    let sample = Sample { table: None, keys: 1, statistics, top: None, cumulative: false };
    let layout = Layout { size: 48, fields, sample: Some(sample), ..Layout::default() };
    let mut completer = Completer::new(&layout, &NoSets);
    let rows = rows.iter().map(|(name, calls, counts)| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(16, 0);
        [*calls].iter().chain(counts).for_each(|number| bytes.extend(number.to_ne_bytes()));
        completer.complete_row(bytes, &mut NoLookups)
    });
    View::new(&layout, &Rows { rows: rows.collect(), ..Rows::default() })
}

fn usual() -> View {
    view(&[("cat", 3, [0, 3, 0]), ("sshd\x1b[2J", 1234, [1200, 30, 4]), ("ls", 70, [70, 0, 0])])
}

fn press(state: &mut State, code: KeyCode) {
    state.press(KeyEvent::new(code, KeyModifiers::NONE));
}

/// The lines of the screen, without what ends them.
fn screen(state: &mut State, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut page = 0;
    terminal.draw(|frame| page = draw(frame, state, false)).unwrap();
    state.page = page;
    let text = terminal.backend().to_string();
    text.lines().map(|line| line.trim_matches('"').trim_end().to_owned()).collect()
}

/// Tables, the chosen row's bars, and the keys; what a stranger wrote does nothing.
#[test]
fn the_screen() {
    let mut state = State::default();
    assert_eq!(screen(&mut state, 40, 3)[1], "nothing has been counted yet");
    state.take("reads", usual(), Duration::from_millis(1003));
    state.take("writes", view(&[]), Duration::from_secs(10));
    state.say(vec!["note: reads: be careful".to_owned()]);
    let expected = [
        " reads  writes   1s",
        r"comm         calls▼  size",
        r"sshd\x1b[2J   1,234  █▁▁",
        r"ls               70  █",
        r"cat               3   █",
        "",
        r"size comm=sshd\x1b[2J",
        "< 10      1,200 |@@@@@@@@@@@@@@@@@@@@@|",
        "[10, 20)     30 |@                    |",
        ">= 20         4 |@                    |",
        "note: reads: be careful",
        "q quit  ←→ sort  r reverse  p pause  ↑↓",
    ];
    assert_eq!(screen(&mut state, 39, 12), expected);
    press(&mut state, KeyCode::Tab);
    assert_eq!(screen(&mut state, 39, 12)[1..3], ["comm  calls▼  size", "nothing in this interval"]);
    press(&mut state, KeyCode::BackTab);
    // However small the window is.
    for (width, height) in [(1, 1), (5, 2), (200, 50), (10, 4)] {
        screen(&mut state, width, height);
    }
}

/// Columns are sorted by, rows are chosen and stay so, a pause keeps what is there.
#[test]
fn keys() {
    let mut state = State::default();
    state.take("reads", usual(), Duration::from_secs(1));
    let key = |state: &State| state.table().and_then(|table| table.view.key(table.row)).unwrap();
    press(&mut state, KeyCode::Down);
    assert_eq!(key(&state), " comm=ls");
    // It is the same row in another place.
    state.take("reads", view(&[("ls", 9, [0, 9, 0]), ("cat", 8, [0, 0, 8])]), Duration::from_secs(1));
    assert_eq!((key(&state), state.table().unwrap().row), (" comm=ls".into(), 0));
    press(&mut state, KeyCode::Char('r'));
    assert_eq!((key(&state), state.table().unwrap().row), (" comm=ls".into(), 1));
    assert!(screen(&mut state, 60, 10)[1].contains("calls▲"));
    press(&mut state, KeyCode::Left);
    assert!(screen(&mut state, 60, 10)[1].contains("comm▲"));
    press(&mut state, KeyCode::Home);
    assert_eq!(key(&state), " comm=cat");
    press(&mut state, KeyCode::Char('p'));
    state.take("reads", view(&[]), Duration::from_secs(1));
    assert_eq!(key(&state), " comm=cat");
    assert!(screen(&mut state, 60, 10)[0].ends_with("paused"));
    for code in [KeyCode::PageDown, KeyCode::PageUp, KeyCode::End, KeyCode::Up, KeyCode::F(1)] {
        press(&mut state, code);
    }
    assert!(!state.wants_end);
    state.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(state.wants_end);
}
