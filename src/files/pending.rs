// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes that nobody has looked at yet, and when to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::hint::{Change, Hint};

/// Changes that keep coming do not put it off for longer than this many times the debounce.
const MOST_DEBOUNCES: u32 = 10;

/// No clock can be asked for a time that is too far away.
const MOST_DEBOUNCE: Duration = Duration::from_secs(24 * 3600);

/// What has happened since the last look.
pub(super) struct Pending {
    first: Instant,
    last: Instant,
    /// Files that somebody has written to and not closed. One that is written slowly is not complete after any pause.
    unfinished: BTreeSet<PathBuf>,
}

impl Pending {
    pub(super) fn new(now: Instant) -> Self {
        Self { first: now, last: now, unfinished: BTreeSet::new() }
    }

    /// Notes a hint that matters.
    pub(super) fn add(&mut self, hint: &Hint<'_>, now: Instant) {
        self.last = now;
        match hint.change {
            Change::Written => drop(self.unfinished.insert(hint.path.to_owned())),
            Change::Complete => drop(self.unfinished.remove(hint.path)),
            Change::Other => {}
        }
    }

    /// Notes that something was mounted or unmounted, or that hints were lost.
    pub(super) fn touch(&mut self, now: Instant) {
        self.last = now;
    }

    /// When to look.
    pub(super) fn due(&self, debounce: Duration) -> Instant {
        let debounce = debounce.min(MOST_DEBOUNCE);
        let latest = self.first + debounce * MOST_DEBOUNCES;
        if self.unfinished.is_empty() { latest.min(self.last + debounce) } else { latest }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// When to look, in milliseconds after the first hint, with a debounce of 100 ms.
    fn due(hints: &[(u32, Change, &str)]) -> u128 {
        let start = Instant::now();
        let mut pending = Pending::new(start);
        for (at_ms, change, path) in hints {
            pending.add(&Hint { path: Path::new(path), change: *change }, start + MS * *at_ms);
        }
        (pending.due(MS * 100) - start).as_millis()
    }

    /// The last change counts, up to ten times the debounce after the first one.
    #[test]
    fn debounces_on_the_last_change() {
        assert_eq!(due(&[(0, Change::Complete, "a.yaml")]), 100);
        assert_eq!(due(&[(0, Change::Complete, "a.yaml"), (99, Change::Other, "")]), 199);
        assert_eq!(due(&[(0, Change::Complete, "a.yaml"), (950, Change::Complete, "a.yaml")]), 1000);
    }

    /// A file that was written to and not closed is waited for, up to the same limit; others do not close it.
    #[test]
    fn waits_for_writers() {
        let opened = (0, Change::Written, "a.yaml");
        assert_eq!(due(&[opened]), 1000);
        assert_eq!(due(&[opened, (10, Change::Complete, "b.yaml")]), 1000);
        assert_eq!(due(&[opened, (10, Change::Other, "a.yaml")]), 1000);
        assert_eq!(due(&[opened, (500, Change::Complete, "a.yaml")]), 600);
    }
}
