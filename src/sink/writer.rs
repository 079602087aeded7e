// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread of one sink: takes batches, writes them, and counts what became of their events.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::open::Place;
use super::output::Output;
use super::queue::{Batch, Outcome, Queue, Stop, Task};
use super::refusal::Refusal;
use crate::spec::Format;
use crate::words::shown;

/// How often it is tried, without an event, whether a destination takes lines again.
const RETRY: Duration = Duration::from_millis(500);

/// The state of the thread.
pub(super) struct Writer {
    name: String,
    output: Output,
    /// Where the output is in the file system; `None` for one that has no place there.
    place: Option<Place>,
    format: Format,
    queue: Arc<Queue>,
    stop: Stop,
    /// The rest of a line that was partly written where it could not be taken back: a pipe, a socket. It goes first.
    rest: Vec<u8>,
    failing: bool,
    /// Events that were lost since it fails.
    lost: u64,
    /// The file was moved away, and a new one could not be made.
    displaced: bool,
}

impl Writer {
    pub(super) fn new(
        name: String,
        mut output: Output,
        place: Option<Place>,
        format: Format,
        queue: Arc<Queue>,
        stop: Stop,
    ) -> Self {
        output.expect(format);
        Self { name, output, place, format, queue, stop, rest: Vec::new(), failing: false, lost: 0, displaced: false }
    }

    /// Writes until the sink is closed.
    pub(super) fn run(mut self) {
        // What a process that was killed left torn is mended now, not when the next event comes.
        if let Err(error) = self.output.prepare() {
            tracing::debug!(sink = %self.name, "its end could not be looked at: {error}");
        }
        loop {
            match self.queue.next(self.failing.then_some(RETRY)) {
                Task::Write(batch) => {
                    let outcome = self.write(&batch);
                    self.lost += outcome.lost;
                    self.queue.settle(outcome, batch.bytes);
                }
                Task::Idle => self.try_again(),
                Task::End => break,
            }
        }
        self.queue.finish();
    }

    fn write(&mut self, batch: &Batch) -> Outcome {
        if self.queue.is_closed() {
            return Outcome { lost: batch.events, ..Outcome::default() };
        }
        if let Err(error) = self.make_ready() {
            self.queue.count_write(0, true);
            self.fails(&error);
            return Outcome { lost: batch.events, ..Outcome::default() };
        }
        let (written, result) = self.output.write_lines(&batch.bytes, &self.stop);
        self.queue.count_write(written, result.is_err());
        let Err(error) = result else {
            self.works_again();
            return Outcome { delivered: batch.events, ..Outcome::default() };
        };
        let (outcome, rest) = partly_written(&batch.bytes, batch.events, written);
        self.rest.extend_from_slice(rest);
        self.fails(&error.into());
        outcome
    }

    /// What failed and has nothing to write may work again.
    fn try_again(&mut self) {
        if !self.queue.is_closed() && self.make_ready().is_ok() && self.output.has_room() {
            self.works_again();
        }
    }

    /// The next bytes begin a line, in what has the path now. Fails where there is nothing to write to.
    fn make_ready(&mut self) -> Result<(), Refusal> {
        self.follow_path()?;
        self.complete_rest()?;
        Ok(self.output.prepare()?)
    }

    /// Between two lines: goes on in the file that has the path now, if the old one was moved away or deleted.
    fn follow_path(&mut self) -> Result<(), Refusal> {
        let Some(moved) = self.place.as_ref().and_then(|place| place.moved(&self.output)) else { return Ok(()) };
        match moved {
            Ok(output) => {
                // What is torn in the old file may be mended now; another try there will not be.
                drop(self.output.prepare());
                self.drop_rest();
                self.output = output;
                self.output.expect(self.format);
                self.displaced = false;
            }
            Err(error) if error.is_judged() || self.output.is_deleted() => return Err(error),
            Err(error) if !self.displaced => {
                self.displaced = true;
                tracing::warn!(
                    sink = %shown(&self.name),
                    "`{}` was moved, and no new file can be made: {error}; the old one is written to",
                    shown(&self.name)
                );
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Ends the line that was partly written, where its beginning still is what it follows.
    fn complete_rest(&mut self) -> io::Result<()> {
        if !self.rest.is_empty() && !self.output.can_go_on() {
            self.drop_rest();
        }
        if self.rest.is_empty() {
            return Ok(());
        }
        let (written, result) = self.output.write_rest(&self.rest, &self.stop);
        self.queue.count_write(written, false);
        self.rest.drain(..written);
        result?;
        self.queue.settle_torn();
        Ok(())
    }

    fn drop_rest(&mut self) {
        self.rest.clear();
        self.queue.lose_torn();
    }

    /// Says once that the destination refuses bytes.
    fn fails(&mut self, error: &Refusal) {
        // A FIFO in the file system may find another reader, and what lies in it stays there for that one.
        let gone = reader_is_gone(error);
        if gone && self.output.is_standard_stream() {
            tracing::debug!(sink = %self.name, "nobody reads it any more");
            self.queue.set_closed();
            return;
        }
        let why = if gone { "nobody reads it".to_owned() } else { error.to_string() };
        if !self.failing {
            self.failing = true;
            let name = shown(&self.name);
            tracing::warn!(sink = %name, "failed to write `{name}`: {why}; its events count as lost");
        }
        self.queue.set_trouble(Some(why));
    }

    fn works_again(&mut self) {
        if self.failing {
            self.failing = false;
            self.queue.set_trouble(None);
            let lost = std::mem::take(&mut self.lost);
            // At the level of what it ends: whoever was told that it fails is told that it does no more.
            let name = shown(&self.name);
            tracing::warn!(sink = %name, "`{name}` takes events again; {lost} were lost");
        }
    }
}

/// True where nobody is there to read what is written.
fn reader_is_gone(error: &Refusal) -> bool {
    let gone = |error: &io::Error| matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
    matches!(error, Refusal::Io(error) if gone(error))
}

/// What became of `events` events in the lines of `bytes` when only `written` bytes went out, and the rest of the line
/// that was begun (empty where a line had just ended).
fn partly_written(bytes: &[u8], events: u64, written: usize) -> (Outcome, &[u8]) {
    let (before, after) = bytes.split_at(written);
    let lines = after.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let begun = before.last().is_some_and(|&byte| byte != b'\n');
    let rest = after.split_inclusive(|&byte| byte == b'\n').next().filter(|_| begun).unwrap_or_default();
    let undelivered = lines.min(events);
    let torn = begun && (1..=events).contains(&lines);
    (Outcome { delivered: events - undelivered, lost: undelivered - u64::from(torn), torn }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After every possible number of bytes, what is written and the rest are whole lines, and the events add up.
    #[test]
    fn every_cut_adds_up() {
        let bytes = b"one\ntwo\n\nfour\n";
        for written in 0..bytes.len() {
            let (outcome, rest) = partly_written(bytes, 4, written);
            assert_eq!(outcome.delivered + outcome.lost + u64::from(outcome.torn), 4);
            let file = [&bytes[..written], rest].concat();
            assert!(file.is_empty() || file.ends_with(b"\n"));
            let lines = file.iter().filter(|&&byte| byte == b'\n').count() as u64;
            assert_eq!(lines, outcome.delivered + u64::from(outcome.torn));
            assert_eq!(outcome.torn, !rest.is_empty());
        }
    }

    /// A table is one sample: it is delivered when its last line is, and not before.
    #[test]
    fn a_table_counts_once() {
        let bytes = b"header\nrow\nrow\n";
        for written in 0..bytes.len() {
            let (outcome, _) = partly_written(bytes, 1, written);
            let last_line_begun = written > 11;
            assert_eq!(
                (outcome.delivered, outcome.lost, outcome.torn),
                (0, u64::from(!last_line_begun), last_line_begun)
            );
        }
    }

    /// Lines that count for nothing change nothing.
    #[test]
    fn lines_without_events() {
        let (outcome, rest) = partly_written(b"lost 3\n", 0, 2);
        assert_eq!((outcome, rest), (Outcome::default(), &b"st 3\n"[..]));
    }
}
