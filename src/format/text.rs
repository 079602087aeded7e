// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line an event, for grep and awk; also how a single value reads in the pretty format:
//!
//! ```text
//! ts=2026-11-21T07:40:00.123456789Z probe=opens pid=1 tid=1 uid=0 comm=cat path="/tmp/two words"
//! ```

use core::net::{Ipv4Addr, Ipv6Addr};
use std::io::Write as _;
use std::time::Duration;

use super::argv::quoted_argv;
use super::escape::{hex, quoted_if_needed};
use super::human::{Unit, decimal};
use super::notice::Notice;
use super::path::Room;
use super::time::Rfc3339;
use super::value::{Column, Plan, Read, Value};
use crate::spec::{Layout, LossCause};

/// Writes `key=value` lines.
pub(super) struct Text {
    stamp: Rfc3339,
    /// ` probe=opens`.
    probe: Vec<u8>,
    /// ` env=prod` for each label.
    labels: Vec<u8>,
    plan: Plan,
}

impl Text {
    pub(super) fn new(probe: &str, labels: &[(String, String)], layout: &Layout) -> Self {
        let cut = |name: &str| [key(&format!("{name}_truncated")).as_slice(), b"true"].concat();
        Self {
            stamp: Rfc3339::new(),
            probe: pair("probe", probe),
            labels: labels.iter().flat_map(|(name, value)| pair(name, value)).collect(),
            // Here every backslash is doubled anyway.
            plan: Plan::new(layout, key, cut, |_| Vec::new()),
        }
    }

    pub(super) fn event(&mut self, record: &[u8], unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        self.body(record, out);
        out.push(b'\n');
    }

    pub(super) fn sample(&mut self, rows: &[Vec<u8>], interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        for row in rows {
            self.head(unix_ns, out);
            out.extend_from_slice(b" type=sample interval_ms=");
            decimal(interval.as_millis(), out);
            self.body(row, out);
            out.push(b'\n');
        }
    }

    pub(super) fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        out.extend_from_slice(b" type=lost");
        out.extend_from_slice(&self.labels);
        out.extend_from_slice(b" cause=");
        out.extend_from_slice(cause.name().as_bytes());
        out.extend_from_slice(b" count=");
        decimal(count, out);
        out.push(b'\n');
    }

    fn head(&mut self, unix_ns: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"ts=");
        out.extend_from_slice(self.stamp.format(unix_ns));
        out.extend_from_slice(&self.probe);
    }

    fn body(&self, record: &[u8], out: &mut Vec<u8>) {
        let absent = self.plan.absent_mask(record);
        columns(&self.plan.process, record, absent, out);
        out.extend_from_slice(&self.labels);
        columns(&self.plan.fields, record, absent, out);
        if record.len() < self.plan.size {
            out.extend_from_slice(b" short_record=true");
        }
    }
}

/// Appends the line of a notice.
pub(super) fn notice(notice: &Notice<'_>, unix_ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"ts=");
    out.extend_from_slice(Rfc3339::new().format(unix_ns));
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

fn columns(columns: &[Column], record: &[u8], absent: u32, out: &mut Vec<u8>) {
    for column in columns {
        match column.read(record, absent) {
            Read::Value(found) => {
                out.extend_from_slice(&column.key);
                value(found, Unit::None, out);
                if found.is_cut() {
                    out.extend_from_slice(&column.cut);
                }
            }
            Read::Absent | Read::Unset => {}
        }
    }
}

/// Appends one value as text; `unit` says how numbers are to be read.
pub(super) fn value(value: Value<'_>, unit: Unit, out: &mut Vec<u8>) {
    match value {
        Value::Unsigned(number) => unit.unsigned(number, out),
        Value::Signed(number) => unit.signed(number, out),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Text(text, _) => quoted_if_needed(text, out),
        Value::Name(name) => quoted_if_needed(name.as_bytes(), out),
        Value::Argv(words) => quoted_argv(words, out),
        Value::Path(path) => quoted_if_needed(path.text(&mut [0; size_of::<Room>()]), out),
        Value::Bytes(bytes) => hex(bytes, out),
        Value::NoName(number) => decimal(number, out),
        // Writing to a Vec cannot fail.
        Value::Hex(number) => drop(write!(out, "{number:#x}")),
        Value::Ipv4(address) => drop(write!(out, "{}", Ipv4Addr::from(address))),
        Value::Ipv6(address) => drop(write!(out, "{}", Ipv6Addr::from(address))),
    }
}
