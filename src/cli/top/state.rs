// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `top` shows, and what keys do to it: nothing here draws or waits.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::format::{Sorting, View};

/// Rows that a page has until it is drawn.
const PAGE: usize = 10;

/// Everything on the screen.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tables: Vec<Table>,
    /// Which of them is shown.
    pub(super) current: usize,
    /// New samples are left aside.
    pub(super) is_paused: bool,
    /// There is something that has not been drawn.
    pub(super) is_new: bool,
    /// Lines that would stand on standard error.
    pub(super) said: Vec<String>,
    /// How many rows fitted when it was drawn last.
    pub(super) page: usize,
    pub(super) wants_end: bool,
}

/// One table of a probe.
#[derive(Debug)]
pub(super) struct Table {
    /// `reads`, `reads by_size`, `packets eth0`
    pub(super) title: String,
    pub(super) view: View,
    pub(super) interval: Duration,
    sorting: Option<Sorting>,
    /// The keys of the row that is chosen: it stays chosen wherever it goes.
    chosen: Option<String>,
    /// Where it was last.
    pub(super) row: usize,
}

impl Table {
    /// By what its rows are sorted.
    pub(super) fn sorting(&self) -> Sorting {
        self.sorting.unwrap_or_else(|| self.view.usual_sorting())
    }

    fn sort(&mut self, by: Sorting) {
        self.sorting = Some(by);
        self.show(self.view.clone());
    }

    fn show(&mut self, mut view: View) {
        view.sort(self.sorting.unwrap_or_else(|| view.usual_sorting()));
        let found = (0..view.len()).find(|row| self.chosen.is_some() && view.key(*row) == self.chosen);
        self.view = view;
        self.row = found.unwrap_or(self.row).min(self.view.len().saturating_sub(1));
    }

    fn choose(&mut self, row: usize) {
        self.row = row.min(self.view.len().saturating_sub(1));
        self.chosen = self.view.key(self.row);
    }
}

impl State {
    /// Lines that would stand on standard error.
    pub(super) fn say(&mut self, lines: Vec<String>) {
        self.is_new |= !lines.is_empty();
        self.said.extend(lines);
    }

    /// A sample of a table, which may be new.
    pub(super) fn take(&mut self, title: &str, view: View, interval: Duration) {
        self.is_new |= !self.is_paused;
        match self.tables.iter_mut().find(|table| table.title == title) {
            Some(_) if self.is_paused => {}
            Some(table) => {
                table.interval = interval;
                table.show(view);
            }
            None => {
                let title = title.to_owned();
                let mut table = Table { title, view: View::default(), interval, sorting: None, chosen: None, row: 0 };
                table.show(view);
                self.tables.push(table);
            }
        }
    }

    /// The one that is shown.
    pub(super) fn table(&self) -> Option<&Table> {
        self.tables.get(self.current)
    }

    /// Does what a key says.
    pub(super) fn press(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let (page, count) = (if self.page == 0 { PAGE } else { self.page }, self.tables.len());
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => self.wants_end = true,
            KeyCode::Char('q') | KeyCode::Esc => self.wants_end = true,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Tab if count > 0 => self.current = (self.current + 1) % count,
            KeyCode::BackTab if count > 0 => self.current = (self.current + count - 1) % count,
            code => {
                if let Some(table) = self.tables.get_mut(self.current) {
                    of_table(table, code, page);
                }
            }
        }
    }
}

fn of_table(table: &mut Table, code: KeyCode, page: usize) {
    let (Sorting { column, falling }, columns) = (table.sorting(), table.view.columns().max(1));
    match code {
        KeyCode::Right | KeyCode::Char('l' | '>') => table.sort(Sorting { column: (column + 1) % columns, falling }),
        KeyCode::Left | KeyCode::Char('h' | '<') => {
            table.sort(Sorting { column: (column + columns - 1) % columns, falling });
        }
        KeyCode::Char('r') => table.sort(Sorting { column, falling: !falling }),
        KeyCode::Down | KeyCode::Char('j') => table.choose(table.row + 1),
        KeyCode::Up | KeyCode::Char('k') => table.choose(table.row.saturating_sub(1)),
        KeyCode::PageDown => table.choose(table.row + page),
        KeyCode::PageUp => table.choose(table.row.saturating_sub(page)),
        KeyCode::Home | KeyCode::Char('g') => table.choose(0),
        KeyCode::End | KeyCode::Char('G') => table.choose(usize::MAX),
        _other => {}
    }
}
