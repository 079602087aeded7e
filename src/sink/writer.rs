// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread of one sink: takes batches, writes them, and counts what became of their events.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::open;
use super::output::Output;
use super::queue::{Batch, Outcome, Queue, Stop};

/// The state of the thread.
pub(super) struct Writer {
    name: String,
    output: Output,
    /// Where the output is in the file system; `None` for one that has no place there.
    path: Option<PathBuf>,
    queue: Arc<Queue>,
    stop: Stop,
    /// What must be written before anything else, so that no line is torn in the middle of the file: the rest of a
    /// line that was partly written, or the `\n` that a crash left out.
    rest: Vec<u8>,
    failing: bool,
    /// The file was moved away, and a new one could not be made.
    displaced: bool,
}

impl Writer {
    pub(super) fn new(name: String, output: Output, path: Option<PathBuf>, queue: Arc<Queue>, stop: Stop) -> Self {
        let rest = first_bytes(&output);
        Self { name, output, path, queue, stop, rest, failing: false, displaced: false }
    }

    /// Writes until the sink is closed.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.queue.next() {
            let outcome = self.write(&batch);
            self.queue.settle(outcome, batch.bytes);
        }
        self.queue.finish();
    }

    fn write(&mut self, batch: &Batch) -> Outcome {
        if self.queue.is_closed() || !self.complete_rest() || !self.follow_path() {
            return Outcome { lost: batch.events, ..Outcome::default() };
        }
        let (written, result) = self.output.write_all(&batch.bytes, &self.stop);
        self.queue.count_write(written, result.is_err());
        let Err(error) = result else {
            self.works_again();
            return Outcome { delivered: batch.events, ..Outcome::default() };
        };
        let (outcome, rest) = partly_written(&batch.bytes, batch.events, written);
        self.rest.extend_from_slice(rest);
        self.fails(&error);
        outcome
    }

    /// Between two lines: goes on in the file that has the path now, if the old one was moved away or deleted. True when the
    /// next bytes begin a line there; false where there is no file for them.
    fn follow_path(&mut self) -> bool {
        let Some(moved) = self.path.as_deref().and_then(|path| open::moved(path, &self.output)) else { return true };
        match moved {
            Ok(output) => {
                self.rest = first_bytes(&output);
                self.output = output;
                self.displaced = false;
            }
            Err(error) if self.output.is_deleted() => {
                self.queue.count_write(0, true);
                self.fails(&error);
                return false;
            }
            Err(error) if !self.displaced => {
                self.displaced = true;
                tracing::warn!(
                    sink = %self.name,
                    "`{}` was moved, and no new file can be made: {error}; the old one is written to",
                    self.name
                );
            }
            Err(_) => {}
        }
        self.complete_rest()
    }

    /// True when the next bytes begin a line.
    fn complete_rest(&mut self) -> bool {
        if self.rest.is_empty() {
            return true;
        }
        let (written, result) = self.output.write_all(&self.rest, &self.stop);
        self.queue.count_write(written, result.is_err());
        self.rest.drain(..written);
        match result {
            Ok(()) => self.queue.settle_torn(),
            Err(error) => self.fails(&error),
        }
        self.rest.is_empty()
    }

    /// Says once that the destination refuses bytes.
    fn fails(&mut self, error: &io::Error) {
        // A FIFO in the file system may find another reader, and what lies in it stays there for that one.
        if reader_is_gone(error) && self.output.is_standard_stream() {
            tracing::debug!(sink = %self.name, "nobody reads it any more");
            self.queue.set_closed();
        } else if !self.failing {
            self.failing = true;
            tracing::warn!(sink = %self.name, "failed to write `{}`: {error}; its events count as lost", self.name);
        }
    }

    fn works_again(&mut self) {
        if self.failing {
            self.failing = false;
            tracing::info!(sink = %self.name, "`{}` takes events again", self.name);
        }
    }
}

/// What ends the line that a crash left torn.
fn first_bytes(output: &Output) -> Vec<u8> {
    if output.ends_torn() { b"\n".to_vec() } else { Vec::new() }
}

/// True where nobody is there to read what is written.
fn reader_is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
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
