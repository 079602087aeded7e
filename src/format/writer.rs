// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a format is: its word, what it is for, and what writes its lines.

use std::sync::Arc;
use std::time::Duration;

use super::look::Look;
use super::notice::Notice;
use crate::record::{FullRecord, Rows};
use crate::spec::{Format, Layout, LossCause};

/// One format, as its own file describes it.
pub struct FormatWriter {
    /// Which one it is.
    pub format: Format,
    /// The word in the YAML: `jsonl`.
    pub name: &'static str,
    /// What it is, for the schema and what is made from it, without a full stop: `one JSON object a line`.
    pub doc: &'static str,
    /// Whether `NAME:PATH` stands for a file with lines of this format.
    pub has_short_form: bool,
    /// Makes what writes the lines of one probe.
    pub(super) compile: fn(&LineShape<'_>) -> Box<dyn WriteLines>,
    /// Appends one line for a notice.
    pub(super) notice: fn(&Notice<'_>, u64, &Look, &mut Vec<u8>),
    /// Whether bytes without a `\n`, which are not blank at their beginning, are a part of a line of this format.
    pub(super) is_torn: fn(&[u8]) -> bool,
}

/// What all lines of one probe have in common.
pub(super) struct LineShape<'a> {
    /// The probe's name.
    pub(super) probe: &'a str,
    /// The constant fields of every line.
    pub(super) labels: &'a [(String, String)],
    pub(super) layout: &'a Layout,
    pub(super) look: &'a Look,
}

/// Writes the lines of one probe. Called through a pointer for each event, which costs nothing that can be measured beside
/// the line.
pub(super) trait WriteLines: Send {
    /// See [`super::Encoder::header`].
    fn header(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// See [`super::Encoder::event`].
    fn event(&mut self, record: FullRecord<'_>, unix_ns: u64, out: &mut Vec<u8>);

    /// See [`super::Encoder::sample`].
    fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64, out: &mut Vec<u8>);

    /// See [`super::Encoder::lost`].
    fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64, out: &mut Vec<u8>);
}

/// True where one of the two begins with the other: how a line that was cut anywhere is told by its beginning.
pub(super) fn begins_like(text: &[u8], begin: &[u8]) -> bool {
    text.starts_with(begin) || begin.starts_with(text)
}
