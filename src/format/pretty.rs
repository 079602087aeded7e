// SPDX-License-Identifier: MIT OR Apache-2.0
//! For people at a terminal: one aligned line an event, a small table for an interval's counters.
//!
//! ```text
//! 08:40:00.123 opens        cat[4711]            path=/etc/hosts flags=0x8000
//! 08:40:01.000 eth0-packets in 1s
//!     protocol  packets    bytes
//!     tcp           120  48.2KiB
//! 08:40:01.004 opens        lost 880 events: ring full
//! ```
//!
//! Left out, because it would say nothing: `tid` where it equals `pid`, `uid` where it is 0, values that are absent. A text
//! that was cut ends in `…`.

use std::time::Duration;

use super::cell;
use super::columns::{Column, Columns};
use super::escape::quoted_if_needed;
use super::human::{HumanUnit, duration, thousands};
use super::look::Look;
use super::notice::Notice;
use super::paint::Paint;
use super::picture::Picture;
use super::stack::pretty_stack;
use super::text;
use super::time::clock;
use super::writer::{FormatWriter, LineShape, WriteLines};
use crate::record::{FieldValue, FullRecord, Record, Rows};
use crate::spec::{Format, Layout, LossCause};

/// Columns that `comm[pid]` gets: 15 bytes of `comm` and a pid of usual length.
const WHO_WIDTH: usize = 20;

/// The format.
pub(super) const PRETTY: FormatWriter = FormatWriter {
    format: Format::Pretty,
    name: "pretty",
    doc: "for people, aligned",
    has_short_form: false,
    compile: |shape| Box::new(Pretty::new(shape)),
    notice: self::notice,
    is_torn: is_clock,
};

/// Writes for people.
struct Pretty {
    paint: Paint,
    utc_offset_s: i32,
    /// ` opens        `, padded and painted.
    probe: Vec<u8>,
    /// ` env=prod` for each label, painted.
    labels: Vec<u8>,
    columns: Columns,
    who: Who,
    picture: Picture,
}

/// Where the process fields stand among those of a record.
struct Who {
    comm: Option<usize>,
    pid: Option<usize>,
    tid: Option<usize>,
    uid: Option<usize>,
}

impl Who {
    fn new(columns: &Columns) -> Self {
        let at = |name: &str| columns.process().position(|column| column.field.name() == name);
        Self { comm: at("comm"), pid: at("pid"), tid: at("tid"), uid: at("uid") }
    }
}

impl Pretty {
    fn new(shape: &LineShape<'_>) -> Self {
        let LineShape { probe, labels, layout, look } = *shape;
        let paint = Paint::new(look.color);
        let mut name = b" ".to_vec();
        name.extend_from_slice(paint.probe);
        padded(&mut name, look.probe_width, |out| {
            if !probe.is_empty() {
                quoted_if_needed(probe.as_bytes(), out);
            }
        });
        name.extend_from_slice(paint.off);
        let mut constant = Vec::new();
        for (label, value) in labels {
            constant.extend(paint.key(label));
            quoted_if_needed(value.as_bytes(), &mut constant);
        }
        let columns = Columns::new(layout, |name| paint.key(name), |_| "…".into(), |_| Vec::new());
        let who = Who::new(&columns);
        let picture = Picture::new(layout, paint, look.width);
        Self { paint, utc_offset_s: look.utc_offset_s, probe: name, labels: constant, columns, who, picture }
    }

    /// `07:40:00.000 opens        probe_state state=running`
    fn notice(&self, notice: &Notice<'_>, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        out.push(b' ');
        out.extend_from_slice(self.paint.warn);
        out.extend_from_slice(notice.kind.as_bytes());
        out.extend_from_slice(self.paint.off);
        for (name, value) in notice.given() {
            out.extend_from_slice(&self.paint.key(name));
            quoted_if_needed(value.as_bytes(), out);
        }
        if let Some(count) = notice.count {
            out.extend_from_slice(&self.paint.key("count"));
            out.extend_from_slice(count.to_string().as_bytes());
        }
        out.push(b'\n');
    }

    fn head(&self, unix_ns: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.paint.dim);
        out.extend_from_slice(&clock(unix_ns, self.utc_offset_s));
        out.extend_from_slice(self.paint.off);
        out.extend_from_slice(&self.probe);
    }

    /// ` cat[4711]          `, then what is worth saying of the other process fields.
    fn who(&self, record: Record<'_>, out: &mut Vec<u8>) {
        let column = |at: Option<usize>| at.and_then(|at| self.columns.process().nth(at));
        let read = |at| column(at).map_or(FieldValue::Null, |column| record.value(column.field));
        let (comm, pid) = (read(self.who.comm), read(self.who.pid));
        if comm.is_present() || pid.is_present() {
            out.push(b' ');
            padded(out, WHO_WIDTH, |out| {
                text::write(comm, HumanUnit::None, out);
                if pid.is_present() {
                    out.push(b'[');
                    text::write(pid, HumanUnit::None, out);
                    out.push(b']');
                }
            });
        }
        for (at, nothing) in [(self.who.tid, pid), (self.who.uid, FieldValue::Unsigned(0))] {
            let Some(column) = column(at) else { continue };
            let value = record.value(column.field);
            if value.is_present() && value != nothing {
                out.extend_from_slice(&column.frame.key);
                text::write(value, HumanUnit::None, out);
            }
        }
    }

    /// Below the line, each with its name.
    fn stacks(&self, record: Record<'_>, out: &mut Vec<u8>) {
        for column in self.columns.fields() {
            let FieldValue::Stack(frames) = record.value(column.field) else { continue };
            out.extend_from_slice(b"    ");
            out.extend_from_slice(self.paint.dim);
            quoted_if_needed(column.field.name().as_bytes(), out);
            out.extend_from_slice(self.paint.off);
            out.push(b'\n');
            pretty_stack(frames, out);
        }
    }
}

impl WriteLines for Pretty {
    fn event(&mut self, record: FullRecord<'_>, unix_ns: u64, out: &mut Vec<u8>) {
        let record = self.columns.record(record);
        self.head(unix_ns, out);
        self.who(record, out);
        for column in self.columns.fields() {
            pair(column, record, out);
        }
        out.extend_from_slice(&self.labels);
        if record.is_short() {
            out.extend_from_slice(b" short_record=true");
        }
        out.push(b'\n');
        self.stacks(record, out);
    }

    fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        self.picture.title(out);
        out.extend_from_slice(if rows.rows.is_empty() { b" nothing in " } else { b" in " });
        out.extend_from_slice(duration(interval).as_bytes());
        out.extend_from_slice(&self.labels);
        out.push(b'\n');
        self.picture.write(&self.columns, rows, out);
    }

    fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        self.head(unix_ns, out);
        out.push(b' ');
        out.extend_from_slice(self.paint.warn);
        let noun = if count == 1 { "event" } else { "events" };
        let line = format!("lost {} {noun}: {}", thousands(count), cause.name().replace('_', " "));
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(self.paint.off);
        out.extend_from_slice(&self.labels);
        out.push(b'\n');
    }
}

/// Appends the line of a notice.
fn notice(notice: &Notice<'_>, unix_ns: u64, look: &Look, out: &mut Vec<u8>) {
    let (probe, layout) = (notice.probe.unwrap_or_default(), &Layout::default());
    Pretty::new(&LineShape { probe, labels: &[], layout, look }).notice(notice, unix_ns, out);
}

/// `08:40:00.123 opens …`, as far as it goes.
fn is_clock(text: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.iter().zip(b"00:00:00.000 ").all(fits)
}

/// ` name=value`, or nothing where it is absent, or below the line.
fn pair<'a>(column: Column<'a>, record: Record<'a>, out: &mut Vec<u8>) {
    let value = record.value(column.field);
    if value.is_present() && !matches!(value, FieldValue::Stack(_)) {
        out.extend_from_slice(&column.frame.key);
        cell::write(column, value, out);
    }
}

/// Appends what `write` writes and spaces up to `columns`.
fn padded(out: &mut Vec<u8>, columns: usize, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let missing = columns.saturating_sub(width(&out[start..]));
    out.resize(out.len() + missing, b' ');
}

/// Columns on a terminal, taking one for each character: the bytes that do not continue one.
fn width(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}
