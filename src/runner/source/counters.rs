// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters in a map, reported at each interval and once more at the end.

use std::time::{Duration, Instant};

use super::clock::now_unix_ns;
use super::outputs::Outputs;
use super::{Budget, Made, Making, Round, Source, SourceId};
use crate::kernel::{CounterReader, KernelError};
use crate::record::{Row, Rows};
use crate::spec::{Layout, LossCause, Place};

/// The counters of one unit, and where their samples go.
struct CounterSource {
    id: SourceId,
    reader: CounterReader,
    layout: Layout,
    outputs: Outputs,
    interval: Duration,
    since: Instant,
    next: Instant,
    /// The counters could not be read the last time.
    failing: bool,
    /// Nothing counts any more, and the last sample was reported.
    ended: bool,
}

/// The counters of a program that counts.
pub(super) fn make(making: &Making<'_>, id: &mut dyn FnMut() -> SourceId) -> Made {
    let Some(counters) = &making.program.counters else { return Ok(Vec::new()) };
    let failed = |error| KernelError::at(Place::Program, format!("failed to read the counters: {error}"));
    let (interval, now) = (making.spec.interval, Instant::now());
    Ok(vec![Box::new(CounterSource {
        id: id(),
        reader: making.loaded.counter_reader(counters).map_err(failed)?,
        layout: counters.row.clone(),
        outputs: Outputs::new((making.outputs)(&counters.row)),
        interval,
        since: now,
        next: now + interval,
        failing: false,
        ended: false,
    })])
}

impl CounterSource {
    /// Reports what was counted since the last time, however long ago. What a sink has no room for until `deadline` is lost,
    /// and counted.
    fn end(&mut self, deadline: Instant) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if self.report(Instant::now(), &Budget::new(None)).is_none() {
            // How many rows it would have had is unknown.
            self.outputs.add_lost(LossCause::Unreadable, 1);
        }
        self.outputs.finish(deadline);
    }

    /// How many samples were reported, 0 or 1; `None` if the counters cannot be read now: what they count then belongs to the next
    /// interval.
    fn report(&mut self, now: Instant, budget: &Budget) -> Option<usize> {
        let elapsed = now.saturating_duration_since(self.since);
        let rows = match self.reader.changes() {
            Ok(rows) => Rows { rows: rows.into_iter().map(Row::from).collect(), ..Rows::default() },
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!("failed to read counters: {error}; they are tried again at each interval");
                }
                return None;
            }
        };
        self.failing = false;
        self.since = now;
        // An interval without a count is no sample, but a person at a terminal sees that there was one.
        if !rows.rows.is_empty() && !budget.take() {
            return Some(0);
        }
        let unix_ns = now_unix_ns();
        self.outputs.iter_mut().for_each(|output| output.sample(&rows, elapsed, unix_ns));
        Some(1)
    }
}

impl Source for CounterSource {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn due(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn begin(&mut self) {
        self.since = Instant::now();
        self.next = self.since + self.interval;
    }

    fn set_interval(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            self.next = Instant::now() + interval;
        }
    }

    /// Reports if it is time. Intervals that were missed (a stopped process) become one longer one.
    fn poll(&mut self, round: &Round) -> usize {
        if self.ended || round.now < self.next {
            return 0;
        }
        let reported = self.report(round.now, &round.budget);
        while self.next <= round.now {
            self.next += self.interval;
        }
        reported.unwrap_or(0)
    }

    /// Does not wait for a sink without room.
    fn retire(&mut self, _written: u64) {
        self.end(Instant::now());
    }

    fn is_done(&mut self) -> bool {
        self.ended
    }

    fn finish(&mut self, _round: &Round, deadline: Instant) {
        self.end(deadline);
    }
}
