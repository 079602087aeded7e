// SPDX-License-Identifier: MIT OR Apache-2.0
//! The screen of `top`:
//!
//! ```text
//!  reads  sizes                                  1s
//!  comm      calls▼  took
//!  cat        1,234  ▁▂█▁
//!  sshd          77  █▂
//!  took comm=cat ────────────────────────────────────
//!  [4.1us, 8.19us)      77 |@@@                    |
//!  [8.19us, 16.4us)  1,234 |@@@@@@@@@@@@@@@@@@@@@@@|
//!  q quit  ←→ sort  r reverse  p pause  ↑↓ row  Tab table
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::{State, Table};
use crate::format::ViewLines;
use crate::words::shown;

/// Rows that the histograms of a chosen row may take.
const MOST_BARS: u16 = 14;
const KEYS: &str = "q quit  ←→ sort  r reverse  p pause  ↑↓ row  Tab table";

/// Draws everything; says how many rows fitted. `color`: the terminal shows colours.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, color: bool) -> usize {
    let said = u16::from(!state.said.is_empty());
    let areas =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(said), Constraint::Length(1)]);
    let [top, middle, notes, bottom] = areas.areas(frame.area());
    draw_title(frame, state, top, color);
    if let Some(said) = state.said.last() {
        frame.render_widget(Paragraph::new(shown(said).into_owned()), notes);
    }
    frame.render_widget(Paragraph::new(KEYS).dim(), bottom);
    match state.table() {
        Some(table) => draw_table(frame, table, middle, color),
        None => {
            frame.render_widget(Paragraph::new("nothing has been counted yet").dim(), middle);
            0
        }
    }
}

fn draw_title(frame: &mut Frame<'_>, state: &State, area: Rect, color: bool) {
    let mut spans: Vec<Span<'_>> = Vec::new();
    for (at, table) in state.tables.iter().enumerate() {
        let title = format!(" {} ", shown(&table.title));
        spans.push(if at == state.current { Span::from(title).reversed() } else { Span::from(title) });
    }
    if let Some(table) = state.table() {
        spans.push(Span::from(format!("  {:?}", rounded(table.interval))).dim());
    }
    if state.is_paused {
        let paused = Span::from("  paused").bold();
        spans.push(if color { paused.yellow() } else { paused });
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// To milliseconds, so that it reads well.
fn rounded(interval: std::time::Duration) -> std::time::Duration {
    let ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    std::time::Duration::from_millis(if ms > 990 { (ms + 50) / 100 * 100 } else { ms })
}

fn draw_table(frame: &mut Frame<'_>, table: &Table, area: Rect, color: bool) -> usize {
    let width = usize::from(area.width);
    let histograms = table.view.histograms(table.row, width);
    let bars: usize = histograms.iter().map(|(_, lines)| lines.len() + 1).sum();
    let bars = u16::try_from(bars).unwrap_or(u16::MAX).min(MOST_BARS).min(area.height / 2);
    let [above, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(bars)]).areas(area);
    let ViewLines { header, rows, left_out } = table.view.lines(table.sorting(), width);
    let mut notes = Vec::new();
    if table.view.is_empty() {
        notes.push("nothing in this interval".to_owned());
    }
    if !left_out.is_empty() {
        notes.push(format!("… no room for {}", left_out.join(", ")));
    }
    match table.view.left_out() {
        0 => {}
        1 => notes.push("… and 1 more row".to_owned()),
        more => notes.push(format!("… and {more} more rows")),
    }
    let room = usize::from(above.height).saturating_sub(1 + notes.len());
    let first = (table.row + 1).saturating_sub(room).min(rows.len().saturating_sub(room));
    let header = Line::from(header).bold();
    let mut lines = vec![if color { header.cyan() } else { header }];
    for (at, row) in rows.into_iter().enumerate().skip(first).take(room) {
        let style = if at == table.row { Style::new().reversed() } else { Style::new() };
        lines.push(Line::styled(row, style));
    }
    lines.extend(notes.into_iter().map(|note| Line::from(note).dim()));
    frame.render_widget(Paragraph::new(lines), above);
    let key = table.view.key(table.row).unwrap_or_default();
    let mut lines = Vec::new();
    for (name, bars) in histograms {
        lines.push(Line::from(format!("{name}{key}")).bold());
        lines.extend(bars.into_iter().map(Line::from));
    }
    frame.render_widget(Paragraph::new(lines), below);
    room
}
