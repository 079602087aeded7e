// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of events: produced = written + refused by `where` + lost, by cause.

use crate::kernel::Counts;
use crate::runner::source::Refused;
use crate::spec::{LossCause, SpanCounts};

/// What programs counted; of those that do not run any more, or of all.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::runner) struct Tally {
    pub(super) produced: u64,
    pub(super) ring_full: u64,
    pub(super) missed: u64,
    pub(super) sampled_out: u64,
    pub(super) rate_limited: u64,
    /// What a table had no room for.
    pub(super) uncounted: u64,
    /// What it had no room for a stack of.
    pub(super) stacks_full: u64,
    /// What no key could be made for.
    pub(super) crowded: u64,
    /// What `where` did not let pass.
    pub(in crate::runner) filtered: u64,
    /// The same, where something that it asked for could not be read.
    pub(in crate::runner) undecided: u64,
    /// What this process did itself: no events.
    pub(in crate::runner) of_itself: u64,
    /// What became of its spans; `None` where it has none.
    pub(in crate::runner) spans: Option<SpanCounts>,
}

impl Tally {
    /// With what another program counted, but for what the kernel skipped, which it does not know.
    ///
    /// An event is counted as produced before anything else happens to it, so that is read last: what was lost is never more.
    pub(super) fn and(self, counts: Option<&Counts>) -> Self {
        let of = |count: fn(&Counts) -> u64| counts.map_or(0, count);
        let ring_full = self.ring_full + of(Counts::ring_full);
        let sampled_out = self.sampled_out + of(Counts::sampled_out);
        let rate_limited = self.rate_limited + of(Counts::rate_limited);
        let uncounted = self.uncounted + of(Counts::uncounted);
        let stacks_full = self.stacks_full + of(Counts::stacks_full);
        let crowded = self.crowded + of(Counts::crowded);
        let filtered = self.filtered + of(Counts::filtered);
        let undecided = self.undecided + of(Counts::undecided);
        let of_itself = self.of_itself + of(Counts::of_itself);
        let spans = match (self.spans, counts.and_then(Counts::spans)) {
            (Some(before), Some(now)) => Some(before.and(now)),
            (before, now) => before.or(now),
        };
        let produced = self.produced + of(Counts::produced);
        Self {
            produced,
            ring_full,
            sampled_out,
            rate_limited,
            uncounted,
            stacks_full,
            crowded,
            filtered,
            undecided,
            of_itself,
            spans,
            ..self
        }
    }

    /// What is open will never end: the next version begins anew.
    pub(super) fn without_open(self) -> Self {
        Self { spans: self.spans.map(SpanCounts::given_up), ..self }
    }

    /// With what was refused after it was written, which is among what was produced.
    pub(super) fn and_refused(self, refused: Refused) -> Self {
        Self {
            sampled_out: self.sampled_out + refused.sampled_out,
            rate_limited: self.rate_limited + refused.rate_limited,
            filtered: self.filtered + refused.filtered,
            undecided: self.undecided + refused.undecided,
            ..self
        }
    }

    /// What was lost before any sink.
    pub(in crate::runner) fn lost(&self) -> [(LossCause, u64); 7] {
        let Self { ring_full, missed, sampled_out, rate_limited, uncounted, stacks_full, crowded, .. } = *self;
        [
            (LossCause::RingFull, ring_full),
            (LossCause::Missed, missed),
            (LossCause::SampledOut, sampled_out),
            (LossCause::RateLimited, rate_limited),
            (LossCause::TableFull, uncounted),
            (LossCause::StacksFull, stacks_full),
            (LossCause::Crowded, crowded),
        ]
    }

    /// Events that are in the rows of tables, for a program that counts.
    pub(in crate::runner) fn counted(&self) -> u64 {
        let lost = self.uncounted + self.stacks_full + self.crowded;
        self.produced.saturating_sub(self.filtered + self.undecided + lost)
    }

    /// Runs of the program that were to write an event, and those that the kernel skipped.
    pub(in crate::runner) fn events(&self) -> u64 {
        self.produced + self.missed
    }
}
