// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of the records of one source: produced = taken out + dropped by the program + unreadable.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::spec::LossCause;

/// What a reader did with the records of one source so far.
#[derive(Default)]
pub(in crate::runner) struct Account {
    consumed: AtomicU64,
    after_count: AtomicU64,
    undeliverable: AtomicU64,
    unreadable: AtomicU64,
    waiting: AtomicBool,
}

impl Account {
    /// True while there is no memory to read the ring with, or what is in it makes no sense: records wait, and are lost when it is
    /// full.
    pub(in crate::runner) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// What was lost before any sink was asked: after `--count`, in rings at the end.
    pub(in crate::runner) fn lost(&self) -> [(LossCause, u64); 3] {
        [
            (LossCause::AfterCount, self.after_count.load(Ordering::Relaxed)),
            (LossCause::QueueFull, self.undeliverable.load(Ordering::Relaxed)),
            (LossCause::Unreadable, self.unreadable.load(Ordering::Relaxed)),
        ]
    }

    /// To be called when nothing more is written and nothing more is read: what is left in the ring could not be read, and is
    /// lost. Returns the number of these events.
    pub(in crate::runner) fn close(&self, title: &str, produced: u64, dropped: u64) -> u64 {
        let left = self.give_up(produced.saturating_sub(dropped));
        if left > 0 {
            tracing::error!(probe = title, left, "events stayed in a ring buffer that could not be read");
        }
        let (consumed, unreadable) = (self.consumed.load(Ordering::Relaxed), self.unreadable.load(Ordering::Relaxed));
        if consumed + unreadable + dropped != produced {
            // Never seen; if it happens, the numbers must not pretend that nothing did.
            tracing::error!(probe = title, produced, dropped, consumed, "events are unaccounted for");
        }
        left
    }

    /// Records that were taken out of the ring.
    pub(super) fn add_consumed(&self, records: u64) {
        self.consumed.fetch_add(records, Ordering::Relaxed);
    }

    /// One of them came after `--count`.
    pub(super) fn add_after_count(&self) {
        self.after_count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of them no sink could take in time at the end.
    pub(super) fn add_undeliverable(&self, records: u64) {
        self.undeliverable.fetch_add(records, Ordering::Relaxed);
    }

    /// Whether the ring can be read.
    pub(super) fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Nothing is read any more: of `written` records, those that were not taken out are lost. Returns their number.
    pub(super) fn give_up(&self, written: u64) -> u64 {
        let known = self.consumed.load(Ordering::Relaxed) + self.unreadable.load(Ordering::Relaxed);
        let left = written.saturating_sub(known);
        self.unreadable.fetch_add(left, Ordering::Relaxed);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written and neither taken out nor given up before is lost, once.
    #[test]
    fn what_is_left_is_lost_once() {
        let account = Account::default();
        account.add_consumed(5);
        assert_eq!(account.close("p", 10, 2), 3);
        assert_eq!(account.close("p", 10, 2), 0);
        assert_eq!(account.lost()[2], (LossCause::Unreadable, 3));
    }
}
