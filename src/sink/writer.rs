// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread of one sink: takes batches, writes them, and counts what became of their events.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, LinesCut};
use super::output::Output;
use super::queue::{Outcome, Queue, Stop, Task};
use super::unwritable::Unwritable;
use crate::spec::Format;
use crate::words::shown;

/// How often it is tried, without an event, whether a destination takes lines again.
const RETRY: Duration = Duration::from_millis(500);

/// The state of the thread.
pub(super) struct Writer {
    name: String,
    output: Box<dyn Output>,
    queue: Arc<Queue>,
    stop: Stop,
    /// The rest of a line that was partly written where it could not be taken back: a pipe, a socket. It goes first.
    rest: Vec<u8>,
    /// What the columns are called in what was written last.
    header: Option<Arc<[u8]>>,
    failing: bool,
    /// Events that were lost since it fails.
    lost: u64,
}

impl Writer {
    pub(super) fn new(
        name: String,
        mut output: Box<dyn Output>,
        format: Format,
        queue: Arc<Queue>,
        stop: Stop,
    ) -> Self {
        output.expect(format);
        Self { name, output, queue, stop, rest: Vec::new(), header: None, failing: false, lost: 0 }
    }

    /// Writes until the sink is closed.
    pub(super) fn run(mut self) {
        // What a process that was killed left torn is mended now, not when the next event comes.
        if let Err(error) = self.output.prepare() {
            tracing::debug!(sink = %self.name, "its end could not be read: {error}");
        }
        loop {
            match self.queue.next(self.failing.then_some(RETRY)) {
                Task::Write(mut batch) => {
                    let outcome = self.write(&mut batch);
                    self.lost += outcome.lost;
                    self.queue.settle(outcome, batch.lines);
                }
                Task::Idle => self.try_again(),
                Task::End => break,
            }
        }
        self.queue.finish();
    }

    fn write(&mut self, batch: &mut Batch) -> Outcome {
        let events = batch.lines.events();
        let all_lost = || Outcome { lost: events, ..Outcome::default() };
        if self.queue.is_closed() {
            return all_lost();
        }
        if let Err(error) = self.make_ready() {
            self.queue.count_write(0, true);
            self.fails(&error);
            return all_lost();
        }
        let header = batch.header.take().filter(|header| self.header.as_ref() != Some(header));
        if let Some(header) = &header {
            batch.lines.put_before(header);
        }
        let (written, result) = self.output.write_lines(&batch.lines, &self.stop);
        self.queue.count_write(written, result.is_err());
        let LinesCut { delivered, lost, is_torn, rest } = batch.lines.cut(written);
        self.rest.extend_from_slice(rest);
        // One that was begun is ended with the rest.
        if let Some(header) = header.filter(|_| written > 0) {
            self.header = Some(header);
        }
        match result {
            Ok(()) => self.works_again(),
            Err(error) => self.fails(&error.into()),
        }
        Outcome { delivered, lost, torn: is_torn }
    }

    /// What failed and has nothing to write may work again.
    fn try_again(&mut self) {
        if !self.queue.is_closed() && self.make_ready().is_ok() && self.output.has_room() {
            self.works_again();
        }
    }

    /// The next bytes begin a line, in what has the place now. Fails where there is nothing to write to.
    fn make_ready(&mut self) -> Result<(), Unwritable> {
        if self.output.follow()? {
            self.header = None;
            self.drop_rest();
        }
        self.complete_rest()?;
        Ok(self.output.prepare()?)
    }

    /// Ends the line that was partly written, where its beginning still is what it follows.
    fn complete_rest(&mut self) -> io::Result<()> {
        if !self.rest.is_empty() && !self.output.can_go_on() {
            self.header = None;
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
    fn fails(&mut self, error: &Unwritable) {
        let gone = reader_is_gone(error);
        if gone && self.output.ends_with_its_reader() {
            tracing::debug!(sink = %self.name, "its reader has closed it");
            self.queue.set_closed();
            return;
        }
        let why = if gone { "it has no reader".to_owned() } else { error.to_string() };
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
            // At the level of what it ends: anyone who was told that it fails is told that it does no more.
            let name = shown(&self.name);
            tracing::warn!(sink = %name, "`{name}` accepts events again; {lost} were lost");
        }
    }
}

/// True where nobody is there to read what is written.
fn reader_is_gone(error: &Unwritable) -> bool {
    let gone = |error: &io::Error| matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
    matches!(error, Unwritable::Io(error) if gone(error))
}
