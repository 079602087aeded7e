// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters of one probe, reported at each interval and once more at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kernel::CounterReader;
use crate::runner::source::budget::Budget;
use crate::runner::source::clock::now_unix_ns;
use crate::runner::source::output::Output;
use crate::sink::Sink;
use crate::spec::LossCause;

pub(in crate::runner) struct Sampler {
    reader: CounterReader,
    outputs: Vec<Output>,
    interval: Duration,
    since: Instant,
    next: Instant,
    /// The counters could not be read the last time.
    failing: bool,
}

impl Sampler {
    pub(in crate::runner) fn new(reader: CounterReader, outputs: Vec<Output>, interval: Duration) -> Self {
        let now = Instant::now();
        Self { reader, outputs, interval, since: now, next: now + interval, failing: false }
    }

    /// When it wants to be called again.
    pub(in crate::runner) fn next(&self) -> Instant {
        self.next
    }

    /// A copy for somebody who looks on.
    pub(in crate::runner) fn add_copy(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Ends the copies that go to this sink.
    pub(in crate::runner) fn remove_copies(&mut self, sink: &Arc<Sink>) {
        self.outputs.retain(|output| !(output.is_copy && Arc::ptr_eq(&output.sink, sink)));
    }

    /// From now on it reports there, that often. Who looks on goes on doing so.
    pub(in crate::runner) fn route(&mut self, outputs: Vec<Output>, interval: Duration) {
        let before = std::mem::replace(&mut self.outputs, outputs);
        let (copies, own): (Vec<Output>, Vec<Output>) = before.into_iter().partition(|output| output.is_copy);
        own.into_iter().for_each(|mut output| output.finish(Duration::ZERO));
        self.outputs.extend(copies);
        if interval != self.interval {
            self.interval = interval;
            self.next = Instant::now() + interval;
        }
    }

    /// Reports if it is time. Intervals that were missed (a stopped process) become one longer one.
    pub(in crate::runner) fn tick(&mut self, now: Instant, budget: &Budget) {
        if now < self.next {
            return;
        }
        self.report(now, budget);
        while self.next <= now {
            self.next += self.interval;
        }
    }

    /// Reports what was counted since the last time, however long ago. What a sink has no room for until `deadline` is lost,
    /// and counted.
    pub(in crate::runner) fn finish(&mut self, deadline: Instant) {
        let failed = !self.report(Instant::now(), &Budget::new(None));
        for output in &mut self.outputs {
            if failed && !output.is_copy {
                // Nobody knows how many rows it would have had.
                output.delivery.add_lost(LossCause::Unreadable, 1);
            }
            output.finish(deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// False if the counters cannot be read now: what they count then belongs to the next interval.
    fn report(&mut self, now: Instant, budget: &Budget) -> bool {
        let elapsed = now.saturating_duration_since(self.since);
        let rows = match self.reader.changes() {
            Ok(rows) => rows,
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!("failed to read counters: {error}; they are tried again at each interval");
                }
                return false;
            }
        };
        self.failing = false;
        self.since = now;
        // An interval without a count is no sample, but a person at a terminal sees that there was one.
        if !rows.is_empty() && !budget.take() {
            return true;
        }
        let unix_ns = now_unix_ns();
        for output in &mut self.outputs {
            output.sample(&rows, elapsed, unix_ns);
        }
        true
    }
}
