// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line an event, for grep and awk; also how a single value reads in the pretty format:
//!
//! ```text
//! ts=2026-11-21T07:40:00.123456789Z probe=opens pid=1 tid=1 uid=0 comm=cat path="/tmp/two words"
//! ```

use std::io::Write as _;
use std::time::Duration;

use super::argv::quoted_argv;
use super::columns::{Column, Columns};
use super::endpoint::{text_endpoint, text_packet, text_sock};
use super::escape::{hex, quoted_if_needed};
use super::human::{HumanUnit, decimal};
use super::notice::Notice;
use super::stack::text_stack;
use super::time::{Rfc3339, stamp};
use super::value::{buckets, hex_number, in_table, mac, uuid};
use super::writer::{FormatWriter, LineShape, WriteLines, begins_like};
use crate::record::{FieldValue, FullRecord, NamedNumber, PathRoom, Record, Rows};
use crate::spec::{Format, LossCause};

/// The format.
pub(super) const TEXT: FormatWriter = FormatWriter {
    format: Format::Text,
    name: "text",
    doc: "one line of `key=value`, for grep",
    has_short_form: true,
    compile: |shape| Box::new(Text::new(shape)),
    notice: |notice, unix_ns, _look, out| self::notice(notice, unix_ns, out),
    is_torn: |tail| begins_like(tail, STAMP),
};

/// How each line begins, before the time.
const STAMP: &[u8] = b"ts=";

/// Writes `key=value` lines.
struct Text {
    /// `ts=… probe=opens`.
    head: Rfc3339,
    /// ` env=prod` for each label.
    labels: Vec<u8>,
    /// ` table=by_size` of a sample.
    table: Vec<u8>,
    columns: Columns,
}

impl Text {
    fn new(shape: &LineShape<'_>) -> Self {
        let cut = |name: &str| [key(&format!("{name}_truncated")).as_slice(), b"true"].concat();
        Self {
            head: Rfc3339::between(STAMP, &pair("probe", shape.probe)),
            labels: shape.labels.iter().flat_map(|(name, value)| pair(name, value)).collect(),
            table: shape.layout.table().map_or_else(Vec::new, |table| pair("table", table)),
            // Here every backslash is doubled anyway.
            columns: Columns::new(shape.layout, key, cut, |_| Vec::new()),
        }
    }

    fn head(&mut self, unix_ns: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.format(unix_ns));
    }

    fn body(&self, record: FullRecord<'_>, out: &mut Vec<u8>) {
        let record = self.columns.record(record);
        columns(self.columns.process(), record, out);
        out.extend_from_slice(&self.labels);
        columns(self.columns.fields(), record, out);
        if record.is_short() {
            out.extend_from_slice(b" short_record=true");
        }
    }
}

impl WriteLines for Text {
    fn event(&mut self, record: FullRecord<'_>, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        self.body(record, out);
        out.push(b'\n');
    }

    fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        for row in &rows.rows {
            self.head(unix_ns, out);
            out.extend_from_slice(b" type=sample interval_ms=");
            decimal(interval.as_millis(), out);
            out.extend_from_slice(&self.table);
            if rows.left_out > 0 {
                out.extend_from_slice(b" left_out=");
                decimal(rows.left_out, out);
            }
            self.body(row.into(), out);
            out.push(b'\n');
        }
    }

    fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        out.extend_from_slice(b" type=lost");
        out.extend_from_slice(&self.labels);
        out.extend_from_slice(b" cause=");
        out.extend_from_slice(cause.name().as_bytes());
        out.extend_from_slice(b" count=");
        decimal(count, out);
        out.push(b'\n');
    }
}

/// Appends the line of a notice.
fn notice(notice: &Notice<'_>, unix_ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(Rfc3339::between(STAMP, b"").format(unix_ns));
    let probe = notice.probe.map(|probe| ("probe", probe));
    for (name, value) in probe.into_iter().chain([("type", notice.kind)]).chain(notice.given()) {
        out.extend_from_slice(&pair(name, value));
    }
    if let Some(count) = notice.count {
        out.extend_from_slice(b" count=");
        decimal(count, out);
    }
    out.push(b'\n');
}

/// ` name=`.
fn key(name: &str) -> Vec<u8> {
    let mut key = b" ".to_vec();
    quoted_if_needed(name.as_bytes(), &mut key);
    key.push(b'=');
    key
}

/// ` name=value`.
fn pair(name: &str, value: &str) -> Vec<u8> {
    let mut pair = key(name);
    quoted_if_needed(value.as_bytes(), &mut pair);
    pair
}

fn columns<'a>(columns: impl Iterator<Item = Column<'a>>, record: Record<'a>, out: &mut Vec<u8>) {
    for Column { field, frame } in columns {
        let value = record.value(field);
        if value.is_present() {
            out.extend_from_slice(&frame.key);
            write(value, HumanUnit::None, out);
            if value.is_cut() {
                out.extend_from_slice(&frame.cut);
            }
        }
    }
}

/// Appends one value as text, nothing where there is none; `unit` says how numbers are to be read.
pub(super) fn write(value: FieldValue<'_>, unit: HumanUnit, out: &mut Vec<u8>) {
    match value {
        FieldValue::Null | FieldValue::Unset => {}
        FieldValue::Unsigned(number) => unit.unsigned(number, out),
        FieldValue::Signed(number) => unit.signed(number, out),
        FieldValue::Bool(true) => out.extend_from_slice(b"true"),
        FieldValue::Bool(false) => out.extend_from_slice(b"false"),
        FieldValue::Text(text) => quoted_if_needed(text.bytes, out),
        FieldValue::Named(NamedNumber { name: Some(name), .. }) => quoted_if_needed(name.as_bytes(), out),
        FieldValue::Named(NamedNumber { number, name: None }) => decimal(number, out),
        FieldValue::Argv(words) => quoted_argv(words, out),
        FieldValue::Path(path) => quoted_if_needed(path.text(&mut [0; size_of::<PathRoom>()]), out),
        FieldValue::Bytes(bytes) | FieldValue::CutBytes(bytes) => hex(bytes, out),
        FieldValue::InTable(value) => in_table(value, out),
        FieldValue::Duration(ns) => HumanUnit::Ns.signed(ns, out),
        FieldValue::Time(unix_ns) => out.extend_from_slice(&stamp(unix_ns)),
        FieldValue::Mac(bytes) => mac(bytes, out),
        FieldValue::Uuid(bytes) => uuid(bytes, out),
        FieldValue::Endpoint(end) => text_endpoint(end, out),
        FieldValue::Sock(sock) => text_sock(sock, out),
        FieldValue::Packet(packet) => text_packet(packet, out),
        FieldValue::Histogram(histogram) => buckets(histogram, out),
        FieldValue::Stack(frames) => text_stack(frames, out),
        FieldValue::Hex(number) => hex_number(number, out),
        // Writing to a Vec cannot fail.
        FieldValue::Ipv4(address) => drop(write!(out, "{address}")),
        FieldValue::Ipv6(address) => drop(write!(out, "{address}")),
    }
}
