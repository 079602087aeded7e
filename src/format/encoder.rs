// SPDX-License-Identifier: MIT OR Apache-2.0
//! One probe's way from records to lines of one format.

use std::sync::Arc;
use std::time::Duration;

use super::look::Look;
use super::notice::Notice;
use super::writer::{FormatWriter, LineShape, WriteLines};
use crate::record::{FullRecord, Rows};
use crate::spec::{Format, Layout, LossCause};

/// Turns the records of one probe into lines of one format.
///
/// Order in JSON and text: `ts`, `probe`, `type` and `interval_ms` for what is not an event, process fields, labels,
/// fields. A record that is shorter than its layout yields a line all the same: what does not fit is absent, and
/// `short_record: true` at the end says so.
pub struct Encoder(Box<dyn WriteLines>);

impl Encoder {
    /// Compiles `layout` for this probe and format. `labels` are the constant fields of every line.
    pub fn new(format: Format, probe: &str, labels: &[(String, String)], layout: &Layout, look: &Look) -> Self {
        Self((FormatWriter::of(format).compile)(&LineShape { probe, labels, layout, look }))
    }

    /// The line that has to stand before its lines, wherever those of others do: what the columns are called. `None` where a format has
    /// none.
    pub fn header(&self) -> Option<Arc<[u8]>> {
        self.0.header()
    }

    /// Appends exactly one line for one record that was made at `unix_ns`, nanoseconds since 1970 UTC.
    #[inline]
    pub fn event<'r>(&mut self, record: impl Into<FullRecord<'r>>, unix_ns: u64, out: &mut Vec<u8>) {
        self.0.event(record.into(), unix_ns, out);
    }

    /// Appends the counters of an interval that ended at `unix_ns`: a line for each row, in the order given. Pretty
    /// makes one table of them, and one line where there are no rows; the other formats then write nothing.
    pub fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>) {
        self.0.sample(rows, interval, unix_ns, out);
    }

    /// Appends one line that says that `count` events were lost and why.
    pub fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>) {
        self.0.lost(cause, count, unix_ns, out);
    }
}

/// The line in this format, with its `\n`.
pub fn notice(format: Format, notice: &Notice<'_>, unix_ns: u64, look: &Look) -> Vec<u8> {
    let mut line = Vec::new();
    (FormatWriter::of(format).notice)(notice, unix_ns, look, &mut line);
    line
}

/// True where `tail`, what follows the last `\n` of a file and does not begin with blanks, is a part of a line of this
/// format: anyone who wrote it was stopped. A whole line that lacks its `\n` only is none where the format can tell.
pub fn is_torn(format: Format, tail: &[u8]) -> bool {
    (FormatWriter::of(format).is_torn)(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON is an object, text has everything, pretty stands in the columns of events.
    #[test]
    fn formats() {
        let line = |format, probe| {
            let fields = [("state", "running"), ("code", ""), ("mechanism", "xdp on \"eth0\"")];
            let look = Look { utc_offset_s: 3600, probe_width: 6, ..Look::default() };
            let notice =
                notice(format, &Notice { probe, kind: "probe_state", fields: &fields, count: Some(2) }, 1, &look);
            String::from_utf8(notice).unwrap()
        };
        let json = r#"{"ts":"1970-01-01T00:00:00.000000001Z","probe":"opens","type":"probe_state","state":"running","mechanism":"xdp on \"eth0\"","count":2}"#;
        assert_eq!(line(Format::Jsonl, Some("opens")), format!("{json}\n"));
        let text =
            r#"ts=1970-01-01T00:00:00.000000001Z type=probe_state state=running mechanism="xdp on \"eth0\"" count=2"#;
        assert_eq!(line(Format::Text, None), format!("{text}\n"));
        let pretty = r#" probe_state state=running mechanism="xdp on \"eth0\"" count=2"#;
        assert_eq!(line(Format::Pretty, Some("opens")), format!("01:00:00.000 opens {pretty}\n"));
        assert_eq!(line(Format::Pretty, None), format!("01:00:00.000       {pretty}\n"));
    }
}
