// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of one probe's events on their way to one sink.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::spec::LossCause;

/// Counters of one (probe, sink) pair. Any thread may add and read.
///
/// Anyone who reads a count and then what the program produced finds at least as many there: adding releases, reading acquires.
#[derive(Debug, Default)]
pub struct Delivery {
    delivered: AtomicU64,
    lost: [AtomicU64; LossCause::ALL.len()],
}

impl Delivery {
    /// Events whose bytes the destination has taken.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// Events that were lost for this cause.
    pub fn lost(&self, cause: LossCause) -> u64 {
        self.lost[cause as usize].load(Ordering::Acquire)
    }

    /// Events that were lost for any cause.
    pub fn lost_total(&self) -> u64 {
        LossCause::ALL.into_iter().map(|cause| self.lost(cause)).sum()
    }

    /// Counts events as delivered.
    pub fn add_delivered(&self, events: u64) {
        self.delivered.fetch_add(events, Ordering::Release);
    }

    /// Counts events as lost.
    pub fn add_lost(&self, cause: LossCause, events: u64) {
        self.lost[cause as usize].fetch_add(events, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each cause has a counter of its own.
    #[test]
    fn one_counter_for_each_cause() {
        let delivery = Delivery::default();
        for (count, cause) in (1..).zip(LossCause::ALL) {
            delivery.add_lost(cause, count);
        }
        for (count, cause) in (1..).zip(LossCause::ALL) {
            assert_eq!(delivery.lost(cause), count);
        }
        let all = (1..=LossCause::ALL.len() as u64).sum();
        assert_eq!((delivery.lost_total(), delivery.delivered()), (all, 0));
    }
}
