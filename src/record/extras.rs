// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was found out about a record beside its bytes: names of ids, computed values, times of day.

use super::histogram::Histogram;
use super::stack::{StackFrame, append};
use super::value::FieldText;

/// What was found out about one record, by the order of the fields that need it. Used again for the next record.
#[derive(Debug, Default)]
pub struct Extras {
    values: Vec<Stored>,
    text: Vec<u8>,
    histograms: Vec<Histogram>,
    frames: Vec<StackFrame>,
}

/// None at all: each field that needs one has no value.
static NONE: Extras = Extras { values: Vec::new(), text: Vec::new(), histograms: Vec::new(), frames: Vec::new() };

/// A record, and what was found out about it.
#[derive(Debug, Clone, Copy)]
pub struct FullRecord<'a> {
    /// As the program wrote it.
    pub bytes: &'a [u8],
    /// By [`super::Completer::complete`].
    pub extras: &'a Extras,
}

/// The same, kept: a row of a sample.
#[derive(Debug, Default)]
pub struct Row {
    /// As its layout says.
    pub bytes: Vec<u8>,
    /// By [`super::Completer::complete_row`].
    pub extras: Extras,
}

/// Nothing is known beside the bytes.
impl From<Vec<u8>> for Row {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, extras: Extras::default() }
    }
}

impl<'a> From<&'a Row> for FullRecord<'a> {
    fn from(row: &'a Row) -> Self {
        Self { bytes: &row.bytes, extras: &row.extras }
    }
}

/// What was counted in an interval, in one table.
#[derive(Debug, Default)]
pub struct Rows {
    /// In the order in which they are reported.
    pub rows: Vec<Row>,
    /// How many more there are than [`crate::spec::Top`] lets through.
    pub left_out: u64,
    /// Those, for who does not report but adds up.
    pub rest: Vec<Row>,
}

/// Nothing is known beside the bytes.
impl<'a> From<&'a [u8]> for FullRecord<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, extras: &NONE }
    }
}

impl<'a> From<&'a Vec<u8>> for FullRecord<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for FullRecord<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

/// One of them, as it is kept.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Null,
    Bool(bool),
    Number { bits: u64, signed: bool },
    Time(u64),
    Address(u64),
    Text { start: usize, end: usize, is_cut: bool },
    Histogram(usize),
    Stack { start: usize, end: usize },
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra<'a> {
    /// Nobody knows, or there is nothing.
    Null,
    Bool(bool),
    Number {
        bits: u64,
        signed: bool,
    },
    /// Nanoseconds since 1970, UTC.
    Time(u64),
    /// One that has no name.
    Address(u64),
    Text(FieldText<'a>),
    Histogram(&'a Histogram),
    /// At least one frame.
    Stack(&'a [StackFrame]),
}

impl Extras {
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.text.clear();
        self.histograms.clear();
        self.frames.clear();
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Extra<'_> {
        match self.values.get(index) {
            None | Some(Stored::Null) => Extra::Null,
            Some(&Stored::Bool(value)) => Extra::Bool(value),
            Some(&Stored::Number { bits, signed }) => Extra::Number { bits, signed },
            Some(&Stored::Time(unix_ns)) => Extra::Time(unix_ns),
            Some(&Stored::Address(address)) => Extra::Address(address),
            Some(&Stored::Histogram(index)) => self.histograms.get(index).map_or(Extra::Null, Extra::Histogram),
            Some(&Stored::Stack { start, end }) => self.frames.get(start..end).map_or(Extra::Null, Extra::Stack),
            Some(&Stored::Text { start, end, is_cut }) => {
                Extra::Text(FieldText { bytes: self.text.get(start..end).unwrap_or_default(), is_cut })
            }
        }
    }

    pub(super) fn push_null(&mut self) {
        self.values.push(Stored::Null);
    }

    pub(super) fn push_bool(&mut self, value: bool) {
        self.values.push(Stored::Bool(value));
    }

    pub(super) fn push_number(&mut self, bits: u64, signed: bool) {
        self.values.push(Stored::Number { bits, signed });
    }

    pub(super) fn push_time(&mut self, unix_ns: u64) {
        self.values.push(Stored::Time(unix_ns));
    }

    pub(super) fn push_histogram(&mut self, histogram: Histogram) {
        self.values.push(Stored::Histogram(self.histograms.len()));
        self.histograms.push(histogram);
    }

    /// The name of the function that `write` appends: that of the symbols of its file, before which those stand that are inlined there.
    /// False: `otherwise` has to be pushed.
    pub(super) fn push_function(&mut self, write: impl FnOnce(&mut Vec<StackFrame>)) -> bool {
        let mut frames = std::mem::take(&mut self.frames);
        let start = frames.len();
        write(&mut frames);
        let function = frames[start..].last();
        let is_known = function.is_some_and(|function| self.push_text(|out| append(function, out)));
        frames.truncate(start);
        self.frames = frames;
        is_known
    }

    /// What `write` appends, of which `show` leaves what is shown from a place on; nothing is no stack.
    pub(super) fn push_stack(
        &mut self,
        write: impl FnOnce(&mut Vec<StackFrame>),
        show: impl FnOnce(&mut Vec<StackFrame>, usize),
    ) {
        let start = self.frames.len();
        write(&mut self.frames);
        show(&mut self.frames, start);
        let end = self.frames.len();
        self.values.push(if start < end { Stored::Stack { start, end } } else { Stored::Null });
    }

    pub(super) fn push_address(&mut self, address: u64) {
        self.values.push(Stored::Address(address));
    }

    /// What `write` appends; false: `otherwise` has to be pushed.
    pub(super) fn push_text(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let start = self.text.len();
        let is_known = write(&mut self.text);
        if is_known {
            self.values.push(Stored::Text { start, end: self.text.len(), is_cut: false });
        } else {
            self.text.truncate(start);
        }
        is_known
    }
}
