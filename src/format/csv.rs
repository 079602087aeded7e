// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comma-separated values, for spreadsheets and databases (RFC 4180, with `\n` at the end of a line):
//!
//! ```text
//! ts,probe,pid,tid,uid,comm,path
//! 2026-11-21T07:40:00.123456789Z,opens,1,1,0,cat,"/tmp/a,b"
//! ```
//!
//! The header stands at the beginning, and again wherever the columns change: where several probes write to one place. What was lost
//! is no row: the summary and the status tell. A value that is absent is empty, a text that was cut ends in `…`, a histogram is
//! its JSON. Control characters are written as in the format `text` (`\n`, `\x1b`), so a row is a line.

use std::sync::Arc;
use std::time::Duration;

use super::columns::{Column, Columns};
use super::escape::{Style, escape};
use super::human::{HumanUnit, decimal};
use super::text;
use super::time::Rfc3339;
use super::writer::{FormatWriter, LineShape, WriteLines};
use crate::record::{FieldValue, FullRecord, NamedNumber, PathRoom, Record, Rows};
use crate::spec::{Format, Layout, LossCause};

/// The format.
pub(super) const CSV: FormatWriter = FormatWriter {
    format: Format::Csv,
    name: "csv",
    doc: "comma-separated values with a header line",
    has_short_form: true,
    compile: |shape| Box::new(Csv::new(shape)),
    notice: |_, _, _, _| {},
    is_torn: begins_like_a_time,
};

/// Writes rows.
struct Csv {
    /// `2026-11-21T07:40:00.123456789Z,opens`
    head: Rfc3339,
    header: Arc<[u8]>,
    /// `,by_size` of a sample.
    table: Vec<u8>,
    /// Whether a sample's rows say how many are left out.
    has_top: bool,
    /// `,prod` for each label.
    labels: Vec<u8>,
    columns: Columns,
    cell: Vec<u8>,
}

impl Csv {
    fn new(shape: &LineShape<'_>) -> Self {
        let mut probe = Vec::new();
        push(shape.probe.as_bytes(), &mut probe);
        let mut labels = Vec::new();
        shape.labels.iter().for_each(|(_, value)| push(value.as_bytes(), &mut labels));
        let mut table = Vec::new();
        shape.layout.table().into_iter().for_each(|name| push(name.as_bytes(), &mut table));
        Self {
            head: Rfc3339::between(b"", &probe),
            header: header(shape).into(),
            table,
            has_top: has_top(shape.layout),
            labels,
            columns: Columns::new(shape.layout, |_| b",".into(), |_| "…".into(), |_| Vec::new()),
            cell: Vec::new(),
        }
    }

    fn cells<'a>(
        &'a self,
        columns: impl Iterator<Item = Column<'a>>,
        record: Record<'a>,
        cell: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        for column in columns {
            out.push(b',');
            cell.clear();
            let value = record.value(column.field);
            write(value, cell);
            if value.is_cut() && !matches!(value, FieldValue::Path(_)) {
                cell.extend_from_slice(&column.frame.cut);
            }
            // An empty text is not an absent one.
            if cell.is_empty() && value.is_present() { out.extend_from_slice(b"\"\"") } else { quoted(cell, out) }
        }
    }

    /// `of_sample`: its interval in milliseconds, and how many rows it leaves out.
    fn row(&mut self, record: FullRecord<'_>, unix_ns: u64, of_sample: Option<(u128, u64)>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.format(unix_ns));
        if let Some((interval_ms, left_out)) = of_sample {
            out.push(b',');
            decimal(interval_ms, out);
            out.extend_from_slice(&self.table);
            if self.has_top {
                out.push(b',');
                decimal(left_out, out);
            }
        }
        let mut cell = std::mem::take(&mut self.cell);
        let record = self.columns.record(record);
        self.cells(self.columns.process(), record, &mut cell, out);
        out.extend_from_slice(&self.labels);
        self.cells(self.columns.fields(), record, &mut cell, out);
        self.cell = cell;
        out.push(b'\n');
    }
}

impl WriteLines for Csv {
    fn header(&self) -> Option<Arc<[u8]>> {
        Some(Arc::clone(&self.header))
    }

    fn event(&mut self, record: FullRecord<'_>, unix_ns: u64, out: &mut Vec<u8>) {
        self.row(record, unix_ns, None, out);
    }

    fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        let of_sample = Some((interval.as_millis(), rows.left_out));
        rows.rows.iter().for_each(|row| self.row(row.into(), unix_ns, of_sample, out));
    }

    fn lost(&mut self, _: LossCause, _: u64, _: u64, _: &mut Vec<u8>) {}
}

/// Whether not every row may be reported.
fn has_top(layout: &Layout) -> bool {
    layout.sample.as_ref().is_some_and(|sample| sample.top.is_some())
}

/// `ts,probe,pid,tid,uid,comm,env,path`
fn header(shape: &LineShape<'_>) -> Vec<u8> {
    let layout = shape.layout;
    let mut out = b"ts,probe".to_vec();
    // Counters have no time of their own.
    if layout.time.is_none() {
        push(b"interval_ms", &mut out);
        layout.table().into_iter().for_each(|_| push(b"table", &mut out));
        if has_top(layout) {
            push(b"left_out", &mut out);
        }
    }
    let process = layout.process.iter().map(|field| &field.name);
    let labels = shape.labels.iter().map(|(name, _)| name);
    let fields = layout.fields.iter().map(|field| &field.name);
    process.chain(labels).chain(fields).for_each(|name| push(name.as_bytes(), &mut out));
    out.push(b'\n');
    out
}

/// `,text`
fn push(text: &[u8], out: &mut Vec<u8>) {
    let mut cell = Vec::new();
    escape(text, Style::Plain, &mut cell);
    out.push(b',');
    quoted(&cell, out);
}

/// In double quotes where it has to be, each of its own doubled.
fn quoted(cell: &[u8], out: &mut Vec<u8>) {
    let is_plain = !cell.iter().any(|byte| matches!(byte, b',' | b'"')) && cell.trim_ascii().len() == cell.len();
    if is_plain {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for byte in cell {
        out.extend_from_slice(if *byte == b'"' { b"\"\"" } else { std::slice::from_ref(byte) });
    }
    out.push(b'"');
}

/// Appends one value; nothing where there is none.
fn write(value: FieldValue<'_>, out: &mut Vec<u8>) {
    if let FieldValue::Text(text) = value {
        escape(text.bytes, Style::Plain, out);
    } else if let FieldValue::Path(path) = value {
        escape(path.text(&mut [0; size_of::<PathRoom>()]), Style::Plain, out);
    } else if let FieldValue::Named(NamedNumber { name: Some(name), .. }) = value {
        escape(name.as_bytes(), Style::Plain, out);
    } else if let FieldValue::Duration(ns) = value {
        // A number for machines.
        decimal(ns, out);
    } else {
        text::write(value, HumanUnit::None, out);
    }
}

/// `2026-11-21T07:40:00.123456789Z,…`, as far as it goes.
fn begins_like_a_time(text: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.iter().zip(b"0000-00-00T00:00:00.000000000Z,").all(fits)
}
