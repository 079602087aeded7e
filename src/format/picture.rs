// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was counted, for people: a table of the keys and numbers, then a picture of each histogram.
//!
//! ```text
//!     comm    calls  failed
//!     cat     1,234       3
//!     … and 37 more rows
//!     took comm=cat
//!       [4.1us, 8.19us)       77 |@@@                 |
//!       [8.19us, 16.4us)   1,234 |@@@@@@@@@@@@@@@@@@@@|
//! ```

use super::bars::bars;
use super::cell;
use super::columns::{Column, Columns};
use super::escape::quoted_if_needed;
use super::grid::{CellKind, Grid, cut};
use super::human::{HumanUnit, thousands};
use super::look::Width;
use super::paint::Paint;
use super::stack::pretty_stack;
use crate::record::{FieldValue, Record, Rows};
use crate::spec::{FieldType, Layout};

/// Before a table.
const INDENT: &str = "    ";
/// Before a bar.
const DEEPER: &str = "      ";

/// Draws the samples of one layout.
pub(super) struct Picture {
    paint: Paint,
    width: Width,
    table: Option<String>,
    /// How many of the columns are keys, whose numbers are no counts; `None` where nobody says.
    keys: Option<usize>,
    /// Which columns are histograms.
    histograms: Vec<bool>,
    /// Which are stacks.
    stacks: Vec<bool>,
}

impl Picture {
    pub(super) fn new(layout: &Layout, paint: Paint, width: Width) -> Self {
        let fields = || layout.process.iter().chain(&layout.fields);
        Self {
            paint,
            width,
            table: layout.table().map(str::to_owned),
            keys: layout.sample.as_ref().map(|sample| sample.keys),
            stacks: fields().map(|field| matches!(field.kind, FieldType::Stack { .. })).collect(),
            histograms: fields().map(|field| matches!(field.kind, FieldType::Histogram(_))).collect(),
        }
    }

    /// ` by_size`, the name of the table.
    pub(super) fn title(&self, out: &mut Vec<u8>) {
        if let Some(table) = &self.table {
            out.push(b' ');
            quoted_if_needed(table.as_bytes(), out);
        }
    }

    /// All that was counted in an interval; nothing where there was nothing.
    pub(super) fn write(&self, columns: &Columns, rows: &Rows, out: &mut Vec<u8>) {
        let records: Vec<Record<'_>> = rows.rows.iter().map(|row| columns.record(row)).collect();
        if records.is_empty() {
            return;
        }
        let columns: Vec<Column<'_>> = columns.process().chain(columns.fields()).collect();
        let keys = self.keys.unwrap_or(columns.len()).min(columns.len());
        let (pictures, numbers): (Vec<usize>, Vec<usize>) =
            (0..columns.len()).partition(|at| self.histograms.get(*at).is_some_and(|is| *is));
        if pictures.is_empty() || numbers.len() > keys {
            self.table(&columns, &numbers, &records, out);
        }
        if rows.left_out > 0 {
            let noun = if rows.left_out == 1 { "row" } else { "rows" };
            self.remark(&format!("… and {} more {noun}", thousands(rows.left_out)), out);
        }
        for at in pictures {
            for record in &records {
                self.histogram(&columns, at, keys, *record, out);
            }
        }
    }

    fn room(&self, indent: &str) -> Option<usize> {
        self.width.columns().map(|columns| columns.saturating_sub(indent.len()))
    }

    fn table(&self, columns: &[Column<'_>], shown: &[usize], records: &[Record<'_>], out: &mut Vec<u8>) {
        let is_stack = |at: &&usize| self.stacks.get(**at).is_some_and(|is| *is);
        let (stacks, shown): (Vec<usize>, Vec<usize>) = shown.iter().partition(is_stack);
        let name = |at: &usize| cell::name(columns[*at]);
        let is_count = |at: usize| self.keys.is_some_and(|keys| at >= keys);
        let row =
            |record: &Record<'_>| shown.iter().map(|at| cell::cell(columns[*at], *record, is_count(*at))).collect();
        let grid = Grid { names: shown.iter().map(name).collect(), rows: records.iter().map(row).collect() };
        let (lines, left_out) = grid.lines(self.room(INDENT));
        for (index, line) in lines.iter().enumerate() {
            let Some(record) = index.checked_sub(1).and_then(|row| records.get(row)) else {
                self.remark(line, out);
                continue;
            };
            push_line(INDENT, line, out);
            stacks.iter().for_each(|at| self.stack(columns[*at], *record, out));
        }
        if !left_out.is_empty() {
            self.remark(&format!("… no room for {}", left_out.join(", ")), out);
        }
    }

    /// Below its row, a line for each function.
    fn stack<'a>(&self, column: Column<'a>, record: Record<'a>, out: &mut Vec<u8>) {
        let FieldValue::Stack(frames) = record.value(column.field) else { return };
        let mut lines = Vec::new();
        pretty_stack(frames, &mut lines);
        for line in String::from_utf8_lossy(&lines).lines() {
            let room = self.width.columns();
            push_line("", &room.map_or_else(|| line.to_owned(), |room| cut(line, room, CellKind::Text)), out);
        }
    }

    /// A line that is not counted itself.
    fn remark(&self, line: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.paint.dim);
        out.extend_from_slice(INDENT.as_bytes());
        let line = self.room(INDENT).map_or_else(|| line.to_owned(), |room| cut(line, room, CellKind::Text));
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(self.paint.off);
        out.push(b'\n');
    }

    /// The keys of a row and its bars.
    fn histogram(&self, columns: &[Column<'_>], at: usize, keys: usize, record: Record<'_>, out: &mut Vec<u8>) {
        let column = columns[at];
        let mut heading = cell::name(column);
        for key in &columns[..keys] {
            heading += &format!(" {}={}", cell::name(*key), cell::cell(*key, record, false).text);
        }
        let mut lines = Vec::new();
        if let FieldValue::Histogram(histogram) = record.value(column.field) {
            let unit = if histogram.of_durations { HumanUnit::Ns } else { column.frame.unit };
            lines = bars(histogram, unit, self.room(DEEPER));
        }
        if lines.is_empty() {
            heading += ": nothing";
        }
        self.remark(&heading, out);
        lines.iter().for_each(|line| push_line(DEEPER, line, out));
    }
}

fn push_line(indent: &str, line: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(indent.as_bytes());
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}
