// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table that fits the window: text to the left, numbers to the right, nothing wraps.
//!
//! ```text
//! comm             syscall      calls  took_avg
//! systemd-journ…   openat      12,345    3.4us
//! ```
//!
//! What does not fit: first text is cut, then names of columns, then the last columns are left out, and named below.

use unicode_width::UnicodeWidthStr as _;

/// Text is not cut to less than this.
const LEAST: usize = 8;
/// Between two columns.
const GAP: usize = 2;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// As it is shown, without anything that acts on a terminal.
    pub(super) text: String,
    /// What may become of it.
    pub(super) kind: CellKind,
}

/// What may become of a value that is too wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// A number, to the right, whole.
    Number,
    /// Nothing, which may stand among numbers and among text.
    Hole,
    /// Text of which the beginning is left.
    Text,
    /// Text of which the end is left: a path.
    Path,
}

/// The columns of a table by name, and its rows, each with one cell for each column.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// One column.
struct GridColumn {
    right: bool,
    width: usize,
    least: usize,
}

impl Grid {
    /// The header and a line for each row, without what is before the first column and without ends of lines; and the names of the
    /// columns for which there was no room. `room`: the columns of the window, if there are so few.
    pub(super) fn lines(&self, room: Option<usize>) -> (Vec<String>, &[String]) {
        let mut columns: Vec<GridColumn> = (0..self.names.len()).map(|index| self.column(index)).collect();
        let shown = room.map_or(columns.len(), |room| fit(&mut columns, room));
        columns.truncate(shown);
        let header = (0..shown).map(|at| (self.names[at].as_str(), CellKind::Text));
        let mut lines = vec![line(&columns, header)];
        for row in &self.rows {
            lines.push(line(&columns, row.iter().map(|cell| (cell.text.as_str(), cell.kind))));
        }
        (lines, &self.names[shown..])
    }

    fn column(&self, index: usize) -> GridColumn {
        let cells = || self.rows.iter().filter_map(|row| row.get(index));
        let right = cells().all(|cell| matches!(cell.kind, CellKind::Number | CellKind::Hole));
        let widest = cells().map(|cell| cell.text.width()).max().unwrap_or(0);
        let width = widest.max(self.names[index].width());
        let least = if right { widest.max(LEAST.min(width)) } else { LEAST.min(width) };
        GridColumn { right, width, least }
    }
}

/// Makes columns narrower until they fit; how many of them do.
fn fit(columns: &mut [GridColumn], room: usize) -> usize {
    let gaps = |count: usize| GAP * count.saturating_sub(1);
    let least = |count: usize| columns[..count].iter().map(|column| column.least).sum::<usize>() + gaps(count);
    let shown = (1..=columns.len()).rev().find(|count| least(*count) <= room).unwrap_or(columns.len().min(1));
    let columns = &mut columns[..shown];
    loop {
        let over = (columns.iter().map(|column| column.width).sum::<usize>() + gaps(shown)).saturating_sub(room);
        let spare = columns.iter_mut().filter(|column| column.width > column.least);
        match spare.max_by_key(|column| (!column.right, column.width)) {
            Some(widest) if over > 0 => widest.width -= 1,
            Some(_) | None => break,
        }
    }
    // One column alone, in a window that is narrower than text ever is.
    if let [only] = columns {
        only.width = only.width.min(room);
    }
    shown
}

fn line<'c>(columns: &[GridColumn], cells: impl Iterator<Item = (&'c str, CellKind)>) -> String {
    let mut line = String::new();
    for (index, (column, (text, kind))) in columns.iter().zip(cells).enumerate() {
        if index > 0 {
            line.push_str("  ");
        }
        let text = cut(text, column.width, kind);
        let space = column.width.saturating_sub(text.width());
        line.extend(std::iter::repeat_n(' ', if column.right { space } else { 0 }));
        line.push_str(&text);
        line.extend(std::iter::repeat_n(' ', if column.right { 0 } else { space }));
    }
    line.truncate(line.trim_end().len());
    line
}

/// At most `width` columns of a text: `/usr/lib/x8…`, of a path `…/libc.so.6`.
pub(super) fn cut(text: &str, width: usize, kind: CellKind) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let fits = |part: &str| part.width() <= room;
    // Where a part ends, or begins, at a whole character.
    let mut ends = text.char_indices().map(|(at, _)| at);
    match kind {
        CellKind::Path => ends.find(|at| fits(&text[*at..])).map_or("…".to_owned(), |at| format!("…{}", &text[at..])),
        CellKind::Number | CellKind::Hole | CellKind::Text => {
            let end = ends.take_while(|at| fits(&text[..*at])).last().unwrap_or(0);
            format!("{}…", &text[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let text = |text: &str| Cell { text: text.into(), kind: CellKind::Text };
        let path = |text: &str| Cell { text: text.into(), kind: CellKind::Path };
        let number = |text: &str| Cell { text: text.into(), kind: CellKind::Number };
        Grid {
            names: ["comm", "file", "calls", "bytes_read_by_them"].map(str::to_owned).into(),
            rows: vec![
                vec![text("systemd-journald"), path("/var/log/journal/system.journal"), number("12,345"), number("7")],
                vec![
                    text("日本語のプロセス"),
                    path("/x"),
                    Cell { text: "-".into(), kind: CellKind::Hole },
                    number("70"),
                ],
            ],
        }
    }

    /// As wide as it is where there is room, then cut, then without its last columns; never wider than the window.
    #[test]
    fn it_fits() {
        let grid = grid();
        let (lines, left_out) = grid.lines(None);
        let expected = [
            "comm              file                              calls  bytes_read_by_them",
            "systemd-journald  /var/log/journal/system.journal  12,345                   7",
            "日本語のプロセス  /x                                    -                  70",
        ];
        assert_eq!(lines, expected);
        assert!(left_out.is_empty());
        let (lines, left_out) = grid.lines(Some(40));
        let expected = [
            "comm      file       calls  bytes_read_…",
            "systemd…  …journal  12,345             7",
            "日本語…   /x             -            70",
        ];
        assert_eq!(lines, expected);
        assert!(left_out.is_empty());
        let (lines, left_out) = grid.lines(Some(20));
        assert_eq!(lines, ["comm       file", "systemd-…  ….journal", "日本語の…  /x"]);
        assert_eq!(left_out, ["calls", "bytes_read_by_them"]);
        for room in 1..120 {
            assert!(grid.lines(Some(room)).0.iter().all(|line| line.width() <= room), "{room}");
        }
    }
}
