// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole lines on their way to a destination, and where each of them ends: what a destination took is told by that, and one
//! that frames its messages (a journal, a broker) needs not look for ends.
//!
//! ```text
//! bytes  {"ts":…}\n{"ts":…}\n{"ts":…,"type":"lost"}\n
//! ends            9        18                     41      the first two are events, the third is none
//! ```

use std::sync::Arc;

use super::Delivery;

/// Capacity of fresh bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// Capacity for the ends of as many lines as usually fit.
const BUFFER_LINES: usize = 512;

/// Lines, each with its `\n`, and where they end.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    ends: Vec<LineEnd>,
}

/// The end of a line.
#[derive(Debug, Clone, Copy)]
struct LineEnd {
    /// Of its `\n`, the next byte.
    at: usize,
    /// Whether it counts as an event.
    is_event: bool,
}

/// Lines of one probe for one sink.
#[derive(Debug)]
pub struct Batch {
    /// The lines.
    pub lines: Lines,
    /// What has to stand before them where lines of others do; `None` where nothing has.
    pub header: Option<Arc<[u8]>>,
    /// Where their events are counted.
    pub delivery: Arc<Delivery>,
}

impl Batch {
    /// Lines that are no events, so that nothing is counted.
    pub fn of_no_events(bytes: Vec<u8>) -> Self {
        let mut lines = Lines::default();
        lines.push_several(0, |all| *all = bytes);
        Self { lines, header: None, delivery: Arc::default() }
    }
}

impl Lines {
    /// None, with room for what a batch usually holds.
    pub(super) fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(BUFFER_BYTES), ends: Vec::with_capacity(BUFFER_LINES) }
    }

    /// Adds what `write` appends: the one line of an event.
    #[inline]
    pub fn push_event(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(LineEnd { at: self.bytes.len(), is_event: true });
    }

    /// Adds the lines that `write` appends, any number of them. The last `events` lines count as an event each, so the header
    /// of a table counts for nothing.
    pub fn push_several(&mut self, events: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let (start, first) = (self.bytes.len(), self.ends.len());
        write(&mut self.bytes);
        let newlines = self.bytes.iter().enumerate().skip(start).filter(|(_, byte)| **byte == b'\n');
        self.ends.extend(newlines.map(|(at, _)| LineEnd { at: at + 1, is_event: false }));
        let events = usize::try_from(events).unwrap_or(usize::MAX);
        self.ends[first..].iter_mut().rev().take(events).for_each(|end| end.is_event = true);
    }

    /// Puts a line before the others that is no event.
    pub(super) fn put_before(&mut self, line: &[u8]) {
        self.bytes.splice(0..0, line.iter().copied());
        self.ends.iter_mut().for_each(|end| end.at += line.len());
        self.ends.insert(0, LineEnd { at: line.len(), is_event: false });
    }

    /// All bytes, line after line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each line with its `\n`, and whether it is an event.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end.at));
        starts.zip(&self.ends).map(|(start, end)| (&self.bytes[start..end.at], end.is_event))
    }

    /// How many of them are events.
    pub fn events(&self) -> u64 {
        self.ends.iter().filter(|end| end.is_event).count() as u64
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets all lines, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whether its room is worth keeping: not what one unusual line made large, and not none.
    pub(super) fn has_usual_room(&self) -> bool {
        (BUFFER_BYTES..=2 * BUFFER_BYTES).contains(&self.bytes.capacity()) && self.ends.capacity() <= 8 * BUFFER_LINES
    }

    /// What became of them where only the first `written` bytes went out.
    pub(super) fn cut(&self, written: usize) -> LinesCut<'_> {
        let whole = self.ends.partition_point(|end| end.at <= written);
        let (taken, left) = self.ends.split_at(whole);
        let begun = left.first().filter(|_| taken.last().map_or(0, |end| end.at) < written);
        let events = |ends: &[LineEnd]| ends.iter().filter(|end| end.is_event).count() as u64;
        let is_torn = begun.is_some_and(|line| line.is_event);
        LinesCut {
            delivered: events(taken),
            lost: events(left) - u64::from(is_torn),
            is_torn,
            rest: begun.map_or(&[], |line| &self.bytes[written..line.at]),
        }
    }
}

/// What became of the events of lines of which a part went out. The numbers add up to all of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LinesCut<'a> {
    /// Events whose lines went out whole.
    pub(super) delivered: u64,
    /// Events of whose lines nothing went out.
    pub(super) lost: u64,
    /// Whether the line that was begun is an event.
    pub(super) is_torn: bool,
    /// The rest of the line that was begun; empty where a line had just ended.
    pub(super) rest: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[(&str, u64)]) -> Lines {
        let mut lines = Lines::default();
        for (text, events) in texts {
            lines.push_several(*events, |bytes| bytes.extend_from_slice(text.as_bytes()));
        }
        lines
    }

    /// Events, samples and lines that count for nothing are told apart, and each line is given as it was written.
    #[test]
    fn lines_know_their_ends() {
        let mut lines = lines(&[("a\n", 1), ("header\nrow\nrow\n", 2), ("", 0), ("lost\n", 0)]);
        lines.push_event(|bytes| bytes.extend_from_slice(b"z\n"));
        let found: Vec<_> = lines.iter().map(|(line, is_event)| (line.escape_ascii().to_string(), is_event)).collect();
        let expected = [
            (r"a\n", true),
            (r"header\n", false),
            (r"row\n", true),
            (r"row\n", true),
            (r"lost\n", false),
            (r"z\n", true),
        ];
        assert_eq!(found, expected.map(|(line, is_event)| (line.to_owned(), is_event)));
        assert_eq!((lines.events(), lines.bytes().len()), (4, 24));
    }

    /// After every possible number of bytes, what is written and the rest are whole lines, and the events add up.
    #[test]
    fn every_cut_adds_up() {
        let lines = lines(&[("one\n", 1), ("two\n", 1), ("\n", 1), ("four\n", 1)]);
        let bytes = lines.bytes();
        for written in 0..=bytes.len() {
            let cut = lines.cut(written);
            assert_eq!(cut.delivered + cut.lost + u64::from(cut.is_torn), 4);
            let file = [&bytes[..written], cut.rest].concat();
            assert!(file.is_empty() || file.ends_with(b"\n"));
            let whole = file.iter().filter(|&&byte| byte == b'\n').count() as u64;
            assert_eq!(whole, cut.delivered + u64::from(cut.is_torn));
            assert_eq!(cut.is_torn, !cut.rest.is_empty());
        }
    }

    /// A table is one sample: it is delivered when its last line is, and not before.
    #[test]
    fn a_table_counts_once() {
        let lines = lines(&[("header\nrow\nrow\n", 1)]);
        for written in 0..lines.bytes().len() {
            let cut = lines.cut(written);
            let last_line_begun = written > 11;
            assert_eq!((cut.delivered, cut.lost, cut.is_torn), (0, u64::from(!last_line_begun), last_line_begun));
        }
    }

    /// A line that counts for nothing is finished like others, and an event before it stays delivered.
    #[test]
    fn lines_without_events() {
        let lines = lines(&[("a\n", 1), ("lost 3\n", 0)]);
        assert_eq!(lines.cut(4), LinesCut { delivered: 1, lost: 0, is_torn: false, rest: b"st 3\n" });
        assert_eq!(lines.cut(0), LinesCut { delivered: 0, lost: 1, is_torn: false, rest: b"" });
    }
}
