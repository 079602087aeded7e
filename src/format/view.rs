// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sample for a screen that is drawn again and again: sorted as its reader wants it, a histogram as a small curve in the table and
//! as bars beside it.

use std::cmp::Ordering;

use super::bars::bars;
use super::cell;
use super::columns::{Column, Columns};
use super::grid::{Cell, CellKind, Grid};
use super::human::HumanUnit;
use crate::record::{FieldValue, Histogram, Record, Rows};
use crate::spec::Layout;

/// What curves are drawn with.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of a curve.
const CURVE: usize = 16;

/// What was counted in an interval, in one table.
#[derive(Debug, Clone, Default)]
pub struct View {
    names: Vec<String>,
    /// How many of the columns are keys.
    keys: usize,
    rows: Vec<Vec<ViewCell>>,
    left_out: u64,
}

/// One value.
#[derive(Debug, Clone)]
struct ViewCell {
    cell: Cell,
    number: Option<i128>,
    histogram: Option<(Histogram, HumanUnit)>,
}

/// By which column rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sorting {
    /// Which one.
    pub column: usize,
    /// The largest first.
    pub falling: bool,
}

/// A table as lines of text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ViewLines {
    /// The names of the columns, with a mark at the one that rows are sorted by.
    pub header: String,
    /// One for each row.
    pub rows: Vec<String>,
    /// The columns for which there is no room.
    pub left_out: Vec<String>,
}

impl View {
    /// These rows of a layout.
    pub fn new(layout: &Layout, rows: &Rows) -> Self {
        let columns = Columns::new(layout, |_| Vec::new(), |_| "…".into(), |_| Vec::new());
        let keys = layout.sample.as_ref().map_or(0, |sample| sample.keys);
        let all: Vec<Column<'_>> = columns.process().chain(columns.fields()).collect();
        let row =
            |record: Record<'_>| all.iter().enumerate().map(|(at, column)| one(*column, record, at >= keys)).collect();
        let mut view = Self {
            names: all.iter().map(|column| cell::name(*column)).collect(),
            keys,
            rows: rows.rows.iter().map(|it| row(columns.record(it))).collect(),
            left_out: rows.left_out,
        };
        (0..view.names.len()).for_each(|column| view.draw_curves(column));
        view
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True where nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows `top` left out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How it is sorted when nobody has said: by its first value, the largest first.
    pub fn usual_sorting(&self) -> Sorting {
        let has_values = self.keys < self.names.len();
        Sorting { column: if has_values { self.keys } else { 0 }, falling: has_values }
    }

    /// Rows in this order; what is equal stays as it was.
    pub fn sort(&mut self, by: Sorting) {
        self.rows.sort_by(|one, other| {
            let (Some(one), Some(other)) = (one.get(by.column), other.get(by.column)) else { return Ordering::Equal };
            let order = one.number.cmp(&other.number).then_with(|| one.cell.text.cmp(&other.cell.text));
            if by.falling { order.reverse() } else { order }
        });
    }

    /// ` comm=cat pid=12`, what tells a row from others; `None` where there is no such row.
    pub fn key(&self, row: usize) -> Option<String> {
        let cells = self.rows.get(row)?.iter().zip(&self.names).take(self.keys);
        Some(cells.map(|(it, name)| format!(" {name}={}", it.cell.text)).collect())
    }

    /// As lines that fit into `room` columns.
    pub fn lines(&self, sorted: Sorting, room: usize) -> ViewLines {
        let mark = |(at, name): (usize, &String)| match (at == sorted.column, sorted.falling) {
            (false, _) => name.clone(),
            (true, true) => format!("{name}▼"),
            (true, false) => format!("{name}▲"),
        };
        let grid = Grid {
            names: self.names.iter().enumerate().map(mark).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(|it| it.cell.clone()).collect()).collect(),
        };
        let (mut lines, left_out) = grid.lines(Some(room));
        let rows = lines.split_off(1);
        ViewLines { header: lines.concat(), rows, left_out: left_out.to_vec() }
    }

    /// The histograms of a row: the name of each, and its bars in `room` columns.
    pub fn histograms(&self, row: usize, room: usize) -> Vec<(String, Vec<String>)> {
        let cells = self.rows.get(row).into_iter().flatten().zip(&self.names);
        let draw = |(it, name): (&ViewCell, &String)| {
            let (histogram, unit) = it.histogram.as_ref()?;
            Some((name.clone(), bars(histogram, *unit, Some(room))))
        };
        cells.filter_map(draw).collect()
    }

    /// Curves of one column, all with the same buckets.
    fn draw_curves(&mut self, column: usize) {
        let of = |row: &Vec<ViewCell>| row.get(column).and_then(|it| it.histogram.clone());
        let filled = |(histogram, _): &(Histogram, HumanUnit)| {
            let is_filled = |count: &u64| *count > 0;
            let counts = &histogram.counts;
            Some((counts.iter().position(is_filled)?, counts.iter().rposition(is_filled)? + 1))
        };
        let ranges: Vec<(usize, usize)> = self.rows.iter().filter_map(of).filter_map(|it| filled(&it)).collect();
        let (first, end) = ranges.iter().fold((usize::MAX, 0), |(first, end), it| (first.min(it.0), end.max(it.1)));
        for it in self.rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            let Some((histogram, _)) = &it.histogram else { continue };
            let counts = histogram.counts.get(first..end).unwrap_or_default();
            it.cell = Cell { text: curve(counts), kind: CellKind::Text };
        }
    }
}

fn one<'a>(column: Column<'a>, record: Record<'a>, is_count: bool) -> ViewCell {
    let value = record.value(column.field);
    let FieldValue::Histogram(histogram) = value else {
        return ViewCell { cell: cell::cell(column, record, is_count), number: value.number(), histogram: None };
    };
    let unit = if histogram.of_durations { HumanUnit::Ns } else { column.frame.unit };
    let total: i128 = histogram.counts.iter().map(|count| i128::from(*count)).sum();
    let cell = Cell { text: String::new(), kind: CellKind::Text };
    ViewCell { cell, number: Some(total), histogram: Some((histogram.clone(), unit)) }
}

/// `▁▂█▁`: neighbours share a column where there are too many.
fn curve(counts: &[u64]) -> String {
    let each = counts.len().div_ceil(CURVE).max(1);
    let sums: Vec<u128> = counts.chunks(each).map(|some| some.iter().map(|count| u128::from(*count)).sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let level = |sum: u128| match sum {
        0 => ' ',
        _ => LEVELS[((sum * LEVELS.len() as u128).div_ceil(most) as usize).clamp(1, LEVELS.len()) - 1],
    };
    sums.into_iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest is a whole column, the least is seen, nothing is nothing, and it never gets wider than it may.
    #[test]
    fn curves() {
        assert_eq!(curve(&[1, 0, 50, 100]), "▁ ▄█");
        assert_eq!(curve(&[]), "");
        assert_eq!(curve(&[0, 0]), "  ");
        assert_eq!(curve(&[u64::MAX; 100]).chars().count(), 15);
    }
}
