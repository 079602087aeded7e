// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line for each stack, from the outermost function to the innermost, and how often it was there: what flame graphs are drawn of.
//!
//! ```text
//! cat;main;copy_file;read;vfs_read;filemap_read 1
//! [lost];ring full 880
//! ```
//!
//! Lines are added up by who reads them: of a table that never begins again, a line has what has come since the one before.
//!
//! Of an event with two stacks the functions of the process stand before those of the kernel. An event counts once, the row of a sample by
//! its first value. What was lost stands beside the rest, so that a picture shows how much it is.

use std::collections::HashMap;
use std::time::Duration;

use super::columns::Columns;
use super::escape::{Style, escape};
use super::human::decimal;
use super::look::Look;
use super::notice::Notice;
use super::writer::{FormatWriter, LineShape, WriteLines};
use crate::record::{FieldValue, FullRecord, Record, RecordField, Rows, StackFrame};
use crate::spec::{Field, FieldType, Format, LossCause};

/// The format.
pub(super) const FOLDED: FormatWriter = FormatWriter {
    format: Format::Folded,
    name: "folded",
    doc: "call stacks and how often each was there, for flame graphs",
    has_short_form: true,
    compile: |shape| Box::new(Folded::new(shape)),
    notice: |_: &Notice<'_>, _, _: &Look, _| {},
    is_torn: |tail| tail.contains(&b';') && !is_whole(tail),
};

/// Writes stacks.
struct Folded {
    columns: Columns,
    probe: String,
    /// Where the name of the thread is among the fields, those of the process first.
    comm: Option<usize>,
    /// Where the stacks are: the process's first.
    stacks: Vec<usize>,
    /// Where the first value of a sample is.
    value: Option<usize>,
    /// Of a table that never begins again: how often each stack was written so far.
    written: Option<HashMap<Vec<u8>, u64>>,
}

impl Folded {
    fn new(shape: &LineShape<'_>) -> Self {
        let layout = shape.layout;
        let fields = || layout.process.iter().chain(&layout.fields).enumerate();
        let of = |user: bool| {
            let is_it = move |field: &Field| field.kind == FieldType::Stack { user };
            fields().filter(move |(_, field)| is_it(field)).map(|(at, _)| at)
        };
        let plain = |_: &str| Vec::new();
        Self {
            columns: Columns::new(layout, plain, plain, plain),
            probe: shape.probe.to_owned(),
            comm: fields().find(|(_, field)| field.name == "comm").map(|(at, _)| at),
            stacks: of(true).chain(of(false)).collect(),
            value: layout.sample.as_ref().map(|sample| layout.process.len() + sample.keys),
            written: layout.sample.as_ref().filter(|sample| sample.cumulative).map(|_| HashMap::new()),
        }
    }

    fn field(&self, at: usize) -> Option<&RecordField> {
        self.columns.process().chain(self.columns.fields()).nth(at).map(|column| column.field)
    }

    /// Writes the line up to its count, which is given back; nothing, and 0, where there is no stack.
    fn stack(&self, record: FullRecord<'_>, count: Option<u64>, out: &mut Vec<u8>) -> u64 {
        let record = self.columns.record(record);
        let stacks = || self.stacks.iter().filter_map(|at| stack(self.field(*at)?, record));
        let count = count.or_else(|| self.counted(record)).unwrap_or(0);
        if stacks().next().is_none() || count == 0 {
            return 0;
        }
        match self.comm.and_then(|at| self.field(at)).map(|field| record.value(field)) {
            Some(FieldValue::Text(text)) if !text.bytes.is_empty() => name(text.bytes, out),
            Some(_) | None => name(self.probe.as_bytes(), out),
        }
        for frame in stacks().flat_map(|frames| frames.iter().rev()) {
            out.push(b';');
            function(frame, out);
        }
        count
    }

    fn line(&self, record: FullRecord<'_>, count: Option<u64>, out: &mut Vec<u8>) {
        match self.stack(record, count, out) {
            0 => {}
            count => end(count, out),
        }
    }

    /// What each stack has more than was written.
    fn growth(&mut self, rows: &Rows) -> Vec<(Vec<u8>, u64)> {
        let mut totals: HashMap<Vec<u8>, u64> = HashMap::new();
        for row in &rows.rows {
            let mut line = Vec::new();
            let count = self.stack(row.into(), None, &mut line);
            let total = totals.entry(line).or_default();
            *total = total.saturating_add(count);
        }
        let Some(written) = &mut self.written else { return Vec::new() };
        let mut grown: Vec<(Vec<u8>, u64)> = Vec::new();
        for (line, total) in totals {
            let known = written.entry(line.clone()).or_default();
            if total > *known {
                grown.push((line, total - *known));
                *known = total;
            }
        }
        grown.sort();
        grown
    }

    /// The first value of a sample.
    fn counted(&self, record: Record<'_>) -> Option<u64> {
        let number = record.value(self.field(self.value?)?).number()?;
        Some(u64::try_from(number).unwrap_or(0))
    }
}

fn stack<'a>(field: &'a RecordField, record: Record<'a>) -> Option<&'a [StackFrame]> {
    match record.value(field) {
        FieldValue::Stack(frames) => Some(frames),
        _null => None,
    }
}

impl WriteLines for Folded {
    fn event(&mut self, record: FullRecord<'_>, _unix_ns: u64, out: &mut Vec<u8>) {
        self.line(record, Some(1), out);
    }

    fn sample(&mut self, rows: &Rows, _interval: Duration, _unix_ns: u64, out: &mut Vec<u8>) {
        if self.written.is_some() {
            for (line, count) in self.growth(rows) {
                out.extend_from_slice(&line);
                end(count, out);
            }
            return;
        }
        for row in &rows.rows {
            self.line(row.into(), None, out);
        }
    }

    fn lost(&mut self, cause: LossCause, count: u64, _unix_ns: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"[lost];");
        name(cause.name().replace('_', " ").as_bytes(), out);
        end(count, out);
    }
}

/// The function; what is unknown of a library is one with all that is unknown of it.
fn function(frame: &StackFrame, out: &mut Vec<u8>) {
    match (&frame.symbol, &frame.module) {
        (Some(symbol), _) => name(symbol.as_bytes(), out),
        (None, Some(module)) => {
            out.push(b'[');
            name(module.as_bytes(), out);
            out.push(b']');
        }
        (None, None) => out.extend_from_slice(b"[unknown]"),
    }
}

/// A name, in which `;` would end it.
fn name(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    escape(bytes, Style::Plain, out);
    out[start..].iter_mut().filter(|byte| **byte == b';').for_each(|byte| *byte = b':');
}

fn end(count: u64, out: &mut Vec<u8>) {
    out.push(b' ');
    decimal(count, out);
    out.push(b'\n');
}

/// True for a line that lacks at most a part of its number.
fn is_whole(line: &[u8]) -> bool {
    let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && line.iter().rev().nth(digits) == Some(&b' ')
}
