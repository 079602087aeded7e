// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was taken out of a ring and not delivered because the probe says so: its `where`, and its limits where they hold after a
//! part of `where` that only user space decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Counts of one unit and those that take its place. Only the thread that reads rings adds to them.
#[derive(Debug, Default)]
pub(in crate::runner) struct Refusals {
    filtered: AtomicU64,
    undecided: AtomicU64,
    sampled_out: AtomicU64,
    rate_limited: AtomicU64,
    /// The window of the rate, or one for each target; made when they are first needed.
    windows: OnceLock<Box<[Window]>>,
}

/// A window of a rate.
#[derive(Debug, Default)]
struct Window {
    /// When it began, in nanoseconds since boot.
    begin_ns: AtomicU64,
    /// How many events passed in it.
    passed: AtomicU64,
}

/// Targets that one program can be at: more than [`Targets::MAX`](crate::spec::Targets::MAX) functions, and all system calls.
const WINDOWS: usize = 1024;
/// Numbers of system calls of 64-bit processes; those of 32-bit ones have windows behind them.
const CALLS: usize = 512;
/// The bit that tells a number of the 32-bit table from the others.
const COMPAT_BIT: u32 = 31;

/// Why an event is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Filtered,
    Undecided,
    SampledOut,
    RateLimited,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::runner) struct Refused {
    pub(in crate::runner) filtered: u64,
    pub(in crate::runner) undecided: u64,
    pub(in crate::runner) sampled_out: u64,
    pub(in crate::runner) rate_limited: u64,
}

impl Refusals {
    /// So far.
    pub(in crate::runner) fn refused(&self) -> Refused {
        let of = |count: &AtomicU64| count.load(Ordering::Acquire);
        Refused {
            filtered: of(&self.filtered),
            undecided: of(&self.undecided),
            sampled_out: of(&self.sampled_out),
            rate_limited: of(&self.rate_limited),
        }
    }

    pub(super) fn add(&self, refusal: Refusal) {
        let count = match refusal {
            Refusal::Filtered => &self.filtered,
            Refusal::Undecided => &self.undecided,
            Refusal::SampledOut => &self.sampled_out,
            Refusal::RateLimited => &self.rate_limited,
        };
        count.fetch_add(1, Ordering::Release);
    }

    /// True for at most `events` events of one target whose times lie in one window of `per_ns`. One that comes late, from a CPU that
    /// was slow, counts in the window that is open: the past is never opened again. `target` is the number of the function or system
    /// call; 0 where the program is at one.
    pub(super) fn rate_allows(&self, target: u64, events: u32, per_ns: u64, boot_ns: u64) -> bool {
        let windows = self.windows.get_or_init(|| (0..WINDOWS).map(|_| Window::default()).collect());
        let behind = (target >> COMPAT_BIT) as usize & 1;
        let Window { begin_ns, passed } = &windows[(target as usize | (behind * CALLS)) % WINDOWS];
        let begin = boot_ns - boot_ns % per_ns.max(1);
        if begin > begin_ns.load(Ordering::Relaxed) {
            begin_ns.store(begin, Ordering::Relaxed);
            passed.store(0, Ordering::Relaxed);
        }
        let before = passed.load(Ordering::Relaxed);
        let passes = before < events.into();
        if passes {
            passed.store(before + 1, Ordering::Relaxed);
        }
        passes
    }
}

/// Those of a unit: of the program that runs, and of earlier ones whose last events may still be read.
#[derive(Debug, Default)]
pub(in crate::runner) struct AllRefusals {
    pub(in crate::runner) now: Arc<Refusals>,
    former: Vec<Arc<Refusals>>,
    /// Of those that nobody adds to any more.
    past: Refused,
}

impl AllRefusals {
    pub(in crate::runner) fn refused(&self) -> Refused {
        let all = self.former.iter().chain([&self.now]).map(|refusals| refusals.refused());
        all.fold(self.past, Refused::and)
    }

    /// Takes over those of the unit before. What is final is added up: a file that changes for years must not eat the memory.
    pub(in crate::runner) fn succeed(&mut self, before: Self) {
        self.past = self.past.and(before.past);
        for refusals in before.former.into_iter().chain([before.now]) {
            if Arc::strong_count(&refusals) == 1 {
                self.past = self.past.and(refusals.refused());
            } else {
                self.former.push(refusals);
            }
        }
    }
}

impl Refused {
    fn and(self, other: Self) -> Self {
        Self {
            filtered: self.filtered + other.filtered,
            undecided: self.undecided + other.undecided,
            sampled_out: self.sampled_out + other.sampled_out,
            rate_limited: self.rate_limited + other.rate_limited,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No window has more than its events, whatever the order in which CPUs bring them; the next one begins anew.
    #[test]
    fn windows() {
        let refusals = Refusals::default();
        let passed = |times: &[u64]| times.iter().filter(|time| refusals.rate_allows(0, 2, 100, **time)).count();
        assert_eq!(passed(&[1000, 1010, 1020]), 2);
        assert_eq!(passed(&[1100, 1090, 1101, 1199]), 2);
        assert_eq!(passed(&[1000, 1250]), 1);
        // Each target has its own, a system call of 32-bit processes too.
        let of = |target: u64| (0..9).filter(|_| refusals.rate_allows(target, 2, 100, 5000)).count();
        assert_eq!([0, 3, 3 | 1 << 31, 999, 3].map(of), [2, 2, 2, 2, 0]);
    }

    /// What a unit before had counts on, once, while it is still read and afterwards.
    #[test]
    fn counts_survive() {
        let first = AllRefusals::default();
        let reader = Arc::clone(&first.now);
        reader.add(Refusal::Filtered);
        let mut second = AllRefusals::default();
        second.succeed(first);
        reader.add(Refusal::Undecided);
        second.now.add(Refusal::Filtered);
        assert_eq!(second.refused(), Refused { filtered: 2, undecided: 1, ..Refused::default() });
        drop(reader);
        let mut third = AllRefusals::default();
        third.succeed(second);
        assert!(third.former.is_empty());
        assert_eq!(third.refused(), Refused { filtered: 2, undecided: 1, ..Refused::default() });
    }
}
