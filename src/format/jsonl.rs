// SPDX-License-Identifier: MIT OR Apache-2.0
//! One JSON object a line:
//!
//! ```text
//! {"ts":"2026-11-21T07:40:00.123456789Z","probe":"opens","pid":1,"tid":1,"uid":0,"comm":"cat","path":"/etc/hosts"}
//! {"ts":"2026-11-21T07:40:01.000000000Z","probe":"opens","type":"lost","cause":"ring_full","count":880}
//! ```
//!
//! A text that is no UTF-8 is written with `\xff` for each odd byte and `\\` for each backslash, and has a sibling:
//! `"path":"/tmp/\\xff","path_escaped":true`. Without the sibling a string is what it reads like.

use std::io::Write as _;
use std::time::Duration;

use super::argv::argv;
use super::columns::{Column, Columns};
use super::endpoint::{json_endpoint, json_packet, json_sock};
use super::escape::{Style, hex, json_escape, json_style};
use super::human::decimal;
use super::notice::Notice;
use super::stack::json_stack;
use super::time::{Rfc3339, stamp};
use super::value::{buckets, hex_number, in_table, mac, uuid};
use super::writer::{FormatWriter, LineShape, WriteLines, begins_like};
use crate::record::{FieldValue, FullRecord, NamedNumber, PathRoom, Record, Rows};
use crate::spec::{Format, LossCause};

/// The format.
pub(super) const JSONL: FormatWriter = FormatWriter {
    format: Format::Jsonl,
    name: "jsonl",
    doc: "one JSON object a line",
    has_short_form: true,
    compile: |shape| Box::new(Jsonl::new(shape)),
    notice: |notice, unix_ns, _look, out| self::notice(notice, unix_ns, out),
    is_torn: |tail| begins_like(tail, STAMP) && !is_json(tail),
};

/// How each line begins, before the time.
const STAMP: &[u8] = b"{\"ts\":\"";

/// Writes JSON lines.
struct Jsonl {
    /// `{"ts":"…","probe":"opens"`.
    head: Rfc3339,
    /// `,"env":"prod"` for each label.
    labels: Vec<u8>,
    /// `,"table":"by_size"` of a sample, `,"cumulative":true` of one that never begins again.
    table: Vec<u8>,
    columns: Columns,
}

impl Jsonl {
    fn new(shape: &LineShape<'_>) -> Self {
        let mut probe = b"\",\"probe\":".to_vec();
        string(shape.probe.as_bytes(), &mut probe);
        let mut constant = Vec::new();
        for (name, value) in shape.labels {
            constant.extend(key(name));
            string(value.as_bytes(), &mut constant);
        }
        let cut = |name: &str| [key(&format!("{name}_truncated")).as_slice(), b"true"].concat();
        let escaped = |name: &str| [key(&format!("{name}_escaped")).as_slice(), b"true"].concat();
        let mut of_table = shape.layout.table().map_or_else(Vec::new, table);
        if shape.layout.sample.as_ref().is_some_and(|sample| sample.cumulative) {
            of_table.extend_from_slice(b",\"cumulative\":true");
        }
        Self {
            head: Rfc3339::between(STAMP, &probe),
            labels: constant,
            table: of_table,
            columns: Columns::new(shape.layout, key, cut, escaped),
        }
    }

    #[inline]
    fn head(&mut self, unix_ns: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.format(unix_ns));
    }

    #[inline]
    fn body(&self, record: FullRecord<'_>, out: &mut Vec<u8>) {
        let record = self.columns.record(record);
        columns(self.columns.process(), record, out);
        out.extend_from_slice(&self.labels);
        columns(self.columns.fields(), record, out);
        if record.is_short() {
            out.extend_from_slice(b",\"short_record\":true");
        }
    }
}

impl WriteLines for Jsonl {
    fn event(&mut self, record: FullRecord<'_>, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        self.body(record, out);
        out.extend_from_slice(b"}\n");
    }

    fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        for row in &rows.rows {
            self.head(unix_ns, out);
            out.extend_from_slice(b",\"type\":\"sample\",\"interval_ms\":");
            decimal(interval.as_millis(), out);
            out.extend_from_slice(&self.table);
            if rows.left_out > 0 {
                out.extend_from_slice(b",\"left_out\":");
                decimal(rows.left_out, out);
            }
            self.body(row.into(), out);
            out.extend_from_slice(b"}\n");
        }
    }

    fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        out.extend_from_slice(b",\"type\":\"lost\"");
        out.extend_from_slice(&self.labels);
        out.extend_from_slice(b",\"cause\":");
        string(cause.name().as_bytes(), out);
        out.extend_from_slice(b",\"count\":");
        decimal(count, out);
        out.extend_from_slice(b"}\n");
    }
}

/// Appends the line of a notice.
fn notice(notice: &Notice<'_>, unix_ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(Rfc3339::between(STAMP, b"\"").format(unix_ns));
    let probe = notice.probe.map(|probe| ("probe", probe));
    for (name, value) in probe.into_iter().chain([("type", notice.kind)]).chain(notice.given()) {
        out.extend_from_slice(&key(name));
        string(value.as_bytes(), out);
    }
    if let Some(count) = notice.count {
        out.extend_from_slice(b",\"count\":");
        decimal(count, out);
    }
    out.extend_from_slice(b"}\n");
}

/// True for a whole value.
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// `,"table":"by_size"`
fn table(name: &str) -> Vec<u8> {
    let mut pair = key("table");
    string(name.as_bytes(), &mut pair);
    pair
}

/// `,"name":`.
fn key(name: &str) -> Vec<u8> {
    let mut key = b",".to_vec();
    string(name.as_bytes(), &mut key);
    key.push(b':');
    key
}

#[inline]
fn columns<'a>(columns: impl Iterator<Item = Column<'a>>, record: Record<'a>, out: &mut Vec<u8>) {
    for Column { field, frame } in columns {
        let value = record.value(field);
        if matches!(value, FieldValue::Unset) {
            continue;
        }
        out.extend_from_slice(&frame.key);
        let is_escaped = write(value, out);
        if value.is_cut() {
            out.extend_from_slice(&frame.cut);
        }
        if is_escaped {
            out.extend_from_slice(&frame.escaped);
        }
    }
}

/// Appends one value; true where it is a text with bytes that had to be escaped.
#[inline]
fn write(value: FieldValue<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        FieldValue::Null => out.extend_from_slice(b"null"),
        FieldValue::Unset => {}
        FieldValue::Unsigned(number) => decimal(number, out),
        FieldValue::Signed(number) => decimal(number, out),
        FieldValue::Bool(true) => out.extend_from_slice(b"true"),
        FieldValue::Bool(false) => out.extend_from_slice(b"false"),
        FieldValue::Text(text) => return string(text.bytes, out),
        FieldValue::Hex(number) => quoted(out, |out| hex_number(number, out)),
        FieldValue::Argv(_)
        | FieldValue::Path(_)
        | FieldValue::Bytes(_)
        | FieldValue::CutBytes(_)
        | FieldValue::InTable(_)
        | FieldValue::Duration(_)
        | FieldValue::Time(_)
        | FieldValue::Mac(_)
        | FieldValue::Uuid(_)
        | FieldValue::Endpoint(_)
        | FieldValue::Sock(_)
        | FieldValue::Packet(_)
        | FieldValue::Histogram(_)
        | FieldValue::Stack(_)
        | FieldValue::Ipv4(_)
        | FieldValue::Ipv6(_)
        | FieldValue::Named(_) => return write_other(value, out),
    }
    false
}

/// The same for those that most events do not have, so that their code does not stand in the way.
#[inline(never)]
fn write_other(value: FieldValue<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        FieldValue::Named(NamedNumber { name: Some(name), .. }) => return string(name.as_bytes(), out),
        FieldValue::Argv(words) => {
            let style = json_style(words);
            out.push(b'"');
            argv(words, style, out);
            out.push(b'"');
            return style == Style::JsonEscaped;
        }
        FieldValue::Path(path) => return string(path.text(&mut [0; size_of::<PathRoom>()]), out),
        FieldValue::Bytes(bytes) | FieldValue::CutBytes(bytes) => quoted(out, |out| hex(bytes, out)),
        FieldValue::InTable(value) => quoted(out, |out| in_table(value, out)),
        FieldValue::Duration(ns) => decimal(ns, out),
        FieldValue::Time(unix_ns) => quoted(out, |out| out.extend_from_slice(&stamp(unix_ns))),
        FieldValue::Mac(bytes) => quoted(out, |out| mac(bytes, out)),
        FieldValue::Uuid(bytes) => quoted(out, |out| uuid(bytes, out)),
        FieldValue::Endpoint(end) => return json_endpoint(end, out),
        FieldValue::Sock(sock) => return json_sock(sock, out),
        FieldValue::Packet(packet) => json_packet(packet, out),
        FieldValue::Histogram(histogram) => buckets(histogram, out),
        FieldValue::Stack(frames) => json_stack(frames, out),
        // Writing to a Vec cannot fail.
        FieldValue::Ipv4(address) => drop(write!(out, "\"{address}\"")),
        FieldValue::Ipv6(address) => drop(write!(out, "\"{address}\"")),
        FieldValue::Named(NamedNumber { number, name: None }) => drop(write!(out, "\"{number}\"")),
        FieldValue::Null
        | FieldValue::Unset
        | FieldValue::Unsigned(_)
        | FieldValue::Signed(_)
        | FieldValue::Bool(_)
        | FieldValue::Text(_)
        | FieldValue::Hex(_) => {}
    }
    false
}

/// What needs no escapes, in quotes.
#[inline]
fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// True where it has bytes that had to be escaped.
#[inline]
fn string(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.push(b'"');
    let is_escaped = json_escape(text, out);
    out.push(b'"');
    is_escaped
}
