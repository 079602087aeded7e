// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between those who send and the one thread that writes: a bounded queue of batches, used buffers on their way back, and
//! who owns the events that are neither delivered nor lost yet.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::Delivery;
use super::batch::{Batch, Lines};
use crate::spec::LossCause;

/// Most batches that wait in a queue.
pub const MAX_QUEUED_BATCHES: usize = 64;

/// A queue that holds this many bytes takes no further batch.
pub const MAX_QUEUED_BYTES: usize = 4 << 20;

/// How long a batch may take to be written before that is said.
const SLOW: Duration = Duration::from_secs(5);

/// Used buffers that are kept; a quiet run needs one or two.
const MAX_SPARE_BUFFERS: usize = 4;

/// The queue of one sink.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something to write, or the end.
    work: Condvar,
    /// A batch left the queue, or the writer is done.
    progress: Condvar,
    closed: AtomicBool,
    written_bytes: AtomicU64,
    failed_writes: AtomicU64,
    deadline: Arc<OnceLock<Instant>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Batch>,
    waiting_bytes: usize,
    spare: Vec<Lines>,
    /// The events of the batch that is being written, and since when.
    in_flight: Option<(Arc<Delivery>, u64, Instant)>,
    /// The event of a line that is partly written.
    torn: Option<Arc<Delivery>>,
    /// Why the destination takes nothing now; `None`: it does.
    trouble: Option<String>,
    /// Dropped to wake a writer that waits for its reader.
    wake: Option<PipeWriter>,
    closing: bool,
    done: bool,
}

/// How the writer learns, while it waits for its destination, that the sink is being closed.
pub(super) struct Stop {
    /// Hangs up when the deadline is set.
    pub(super) wake: PipeReader,
    deadline: Arc<OnceLock<Instant>>,
}

impl Stop {
    /// Until when to go on; `None`: nobody closes the sink.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }
}

/// What the writer has to do.
pub(super) enum Task {
    /// To write this.
    Write(Batch),
    /// Nothing came for the time that it was willing to wait.
    Idle,
    /// No more.
    End,
}

/// What became of a batch. The parts add up to its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    pub(super) delivered: u64,
    pub(super) lost: u64,
    /// One event is in a line that is partly written: it is decided later.
    pub(super) torn: bool,
}

impl Queue {
    /// An empty queue, and what its writer needs.
    pub(super) fn new() -> io::Result<(Self, Stop)> {
        let (wake, waker) = io::pipe()?;
        let deadline = Arc::new(OnceLock::new());
        let state = State { wake: Some(waker), ..State::default() };
        let queue = Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            progress: Condvar::new(),
            closed: AtomicBool::new(false),
            written_bytes: AtomicU64::new(0),
            failed_writes: AtomicU64::new(0),
            deadline: Arc::clone(&deadline),
        };
        Ok((queue, Stop { wake, deadline }))
    }

    pub(super) fn has_room(&self) -> bool {
        self.is_closed() || self.lock().has_room()
    }

    pub(super) fn wait_for_room(&self, patience: Duration) -> bool {
        let full = |state: &mut State| !state.has_room() && !self.is_closed();
        let waited = self.progress.wait_timeout_while(self.lock(), patience, full);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn take_lines(&self) -> Lines {
        self.lock().spare.pop().unwrap_or_else(Lines::with_room)
    }

    pub(super) fn send(&self, batch: Batch) -> Result<(), Batch> {
        debug_assert!(batch.lines.bytes().last().is_none_or(|&byte| byte == b'\n'), "a batch is whole lines");
        let mut state = self.lock();
        if state.closing || self.is_closed() {
            batch.delivery.add_lost(LossCause::SinkError, batch.lines.events());
            state.recycle(batch.lines);
        } else if state.has_room() {
            state.waiting_bytes += batch.lines.bytes().len();
            state.waiting.push_back(batch);
            self.work.notify_one();
        } else {
            return Err(batch);
        }
        Ok(())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Counts what a write took, and whether it failed before the end.
    pub(super) fn count_write(&self, written: usize, failed: bool) {
        self.written_bytes.fetch_add(written as u64, Ordering::Relaxed);
        self.failed_writes.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn failed_writes(&self) -> u64 {
        self.failed_writes.load(Ordering::Relaxed)
    }

    /// Nobody reads any more.
    pub(super) fn set_closed(&self) {
        self.closed.store(true, Ordering::Release);
        // Under the lock, so that nobody begins to wait between looking and sleeping.
        let _state = self.lock();
        self.progress.notify_all();
    }

    /// No more batches; the writer has until `deadline`. The first call decides.
    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.lock();
        self.deadline.get_or_init(|| deadline);
        state.closing = true;
        state.wake = None;
        self.work.notify_one();
    }

    /// True when the writer has finished, false at `until`.
    pub(super) fn wait_until_done(&self, until: Instant) -> bool {
        let patience = until.saturating_duration_since(Instant::now());
        let waited = self.progress.wait_timeout_while(self.lock(), patience, |state| !state.done);
        waited.unwrap_or_else(PoisonError::into_inner).0.done
    }

    /// Counts all that the writer still has as lost; whatever it does later is not counted.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        if !state.done {
            state.lose_all();
        }
    }

    /// The writer's next batch. Waits for at most `patience`, where there is one.
    pub(super) fn next(&self, patience: Option<Duration>) -> Task {
        let mut state = self.lock();
        let mut waited = false;
        loop {
            if self.deadline.get().is_some_and(|&deadline| Instant::now() >= deadline) {
                return Task::End;
            }
            if let Some(batch) = state.waiting.pop_front() {
                state.waiting_bytes -= batch.lines.bytes().len();
                state.in_flight = Some((Arc::clone(&batch.delivery), batch.lines.events(), Instant::now()));
                self.progress.notify_all();
                return Task::Write(batch);
            }
            if state.closing {
                return Task::End;
            }
            if waited {
                return Task::Idle;
            }
            state = match patience {
                Some(patience) => {
                    waited = true;
                    self.work.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Counts what became of the batch that [`Queue::next`] gave, and takes its lines back.
    pub(super) fn settle(&self, outcome: Outcome, lines: Lines) {
        let mut state = self.lock();
        // Nothing is in flight after `abandon`, which has counted it.
        if let Some((delivery, ..)) = state.in_flight.take() {
            delivery.add_delivered(outcome.delivered);
            delivery.add_lost(LossCause::SinkError, outcome.lost);
            if outcome.torn {
                state.torn = Some(delivery);
            }
        }
        state.recycle(lines);
    }

    /// A line that was partly written is complete: its event, where it is one, is delivered.
    pub(super) fn settle_torn(&self) {
        if let Some(delivery) = self.lock().torn.take() {
            delivery.add_delivered(1);
        }
    }

    /// A line that was partly written will never be complete: its event, where it is one, is lost.
    pub(super) fn lose_torn(&self) {
        if let Some(delivery) = self.lock().torn.take() {
            delivery.add_lost(LossCause::SinkError, 1);
        }
    }

    /// Why the destination takes nothing now: what it said, or that it says nothing.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = self.lock();
        state.trouble.clone().or_else(|| state.slowness())
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    /// The writer's last word: all that is left is lost.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.lose_all();
        state.done = true;
        self.progress.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.waiting.len() < MAX_QUEUED_BATCHES && self.waiting_bytes < MAX_QUEUED_BYTES
    }

    /// What is being written and takes too long: a reader that was stopped, a file system that does not answer.
    fn slowness(&self) -> Option<String> {
        let took = self.in_flight.as_ref().map(|(.., since)| since.elapsed()).filter(|took| *took >= SLOW)?;
        Some(format!(
            "a write has taken {} s so far: its reader or file system is slow, or does not answer",
            took.as_secs()
        ))
    }

    fn recycle(&mut self, mut lines: Lines) {
        if self.spare.len() < MAX_SPARE_BUFFERS && lines.has_usual_room() {
            lines.clear();
            self.spare.push(lines);
        }
    }

    fn lose_all(&mut self) {
        for batch in self.waiting.drain(..) {
            batch.delivery.add_lost(LossCause::SinkError, batch.lines.events());
        }
        self.waiting_bytes = 0;
        if let Some((delivery, events, _)) = self.in_flight.take() {
            delivery.add_lost(LossCause::SinkError, events);
        }
        if let Some(delivery) = self.torn.take() {
            delivery.add_lost(LossCause::SinkError, 1);
        }
    }
}
