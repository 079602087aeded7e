// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a record's bytes to lines.
//!
//! ```text
//! Layout ──once──> value::Plan ──each record──> Value ──> jsonl · pretty · text ──> bytes at the end of a Vec
//! ```
//!
//! One field table drives all formats: `value` is the only place that knows [`crate::spec::Kind`], each format only
//! writes a `Value`. What never happens here: no file, no terminal, no allocation for an event (the caller's buffer
//! grows until it is large enough), no panic, whatever the record holds.

mod argv;
mod escape;
mod human;
mod jsonl;
mod notice;
mod path;
mod pretty;
mod summary;
mod text;
mod time;
mod value;

pub use notice::{Notice, notice};
pub use summary::{SinkTotals, SummaryRow, summary};

use std::time::Duration;

use crate::spec::{Format, Layout, LossCause};

/// How [`Format::Pretty`] looks; the other formats do not ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Whether to send ANSI colours.
    pub color: bool,
    /// Local time minus UTC, in seconds.
    pub utc_offset_s: i32,
    /// Columns for the probe's name: the longest name of the run.
    pub probe_width: usize,
}

/// Turns the records of one probe into lines of one format.
///
/// Order in JSON and text: `ts`, `probe`, `type` and `interval_ms` for what is not an event, process fields, labels,
/// fields. A record that is shorter than its layout yields a line all the same: what does not fit is absent, and
/// `short_record: true` at the end says so.
pub struct Encoder(Writer);

enum Writer {
    Jsonl(jsonl::Jsonl),
    Pretty(pretty::Pretty),
    Text(text::Text),
}

impl Encoder {
    /// Compiles `layout` for this probe and format. `labels` are the constant fields of every line.
    pub fn new(format: Format, probe: &str, labels: &[(String, String)], layout: &Layout, look: &Look) -> Self {
        Self(match format {
            Format::Jsonl => Writer::Jsonl(jsonl::Jsonl::new(probe, labels, layout)),
            Format::Pretty => Writer::Pretty(pretty::Pretty::new(probe, labels, layout, look)),
            Format::Text => Writer::Text(text::Text::new(probe, labels, layout)),
        })
    }

    /// Appends exactly one line for one record that was made at `unix_ns`, nanoseconds since 1970 UTC.
    #[inline]
    pub fn event(&mut self, record: &[u8], unix_ns: u64, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::Jsonl(writer) => writer.event(record, unix_ns, out),
            Writer::Pretty(writer) => writer.event(record, unix_ns, out),
            Writer::Text(writer) => writer.event(record, unix_ns, out),
        }
    }

    /// Appends the counters of an interval that ended at `unix_ns`: a line for each row, in the order given. Pretty
    /// makes one table of them, and one line where there are no rows; the other formats then write nothing.
    pub fn sample(&mut self, rows: &[Vec<u8>], interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::Jsonl(writer) => writer.sample(rows, interval, unix_ns, out),
            Writer::Pretty(writer) => writer.sample(rows, interval, unix_ns, out),
            Writer::Text(writer) => writer.sample(rows, interval, unix_ns, out),
        }
    }

    /// Appends one line that says that `count` events were lost and why.
    pub fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::Jsonl(writer) => writer.lost(cause, count, unix_ns, out),
            Writer::Pretty(writer) => writer.lost(cause, count, unix_ns, out),
            Writer::Text(writer) => writer.lost(cause, count, unix_ns, out),
        }
    }
}
