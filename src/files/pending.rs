// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes that nobody has looked at yet, and when to.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::inotify::{Hint, WatchId};

/// Changes that keep coming do not put it off for longer than this many times the debounce.
const MOST_DEBOUNCES: u32 = 10;

/// No clock can be asked for a time that is too far away.
const MOST_DEBOUNCE: Duration = Duration::from_secs(24 * 3600);

/// What has happened since the last look.
pub(super) struct Pending {
    first: Instant,
    last: Instant,
    /// Files that somebody has written to and not closed. One that is written slowly is not complete after any pause.
    unfinished: BTreeSet<(WatchId, OsString)>,
}

impl Pending {
    pub(super) fn new(now: Instant) -> Self {
        Self { first: now, last: now, unfinished: BTreeSet::new() }
    }

    /// Notes a hint that matters.
    pub(super) fn add(&mut self, hint: &Hint<'_>, now: Instant) {
        self.last = now;
        // A file that is watched itself has no name.
        let file = (hint.watch, hint.name.unwrap_or_default().to_owned());
        if hint.mask & libc::IN_MODIFY != 0 {
            self.unfinished.insert(file);
        } else if hint.mask & (libc::IN_CLOSE_WRITE | libc::IN_DELETE | libc::IN_MOVED_FROM | libc::IN_MOVED_TO) != 0 {
            self.unfinished.remove(&file);
        }
    }

    /// Notes that something was mounted or unmounted.
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
    use std::ffi::OsStr;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// When to look, in milliseconds after the first hint, with a debounce of 100 ms.
    fn due(hints: &[(u32, u32, &str)]) -> u128 {
        let start = Instant::now();
        let mut pending = Pending::new(start);
        for (at_ms, mask, name) in hints {
            let name = Some(OsStr::new(name)).filter(|name| !name.is_empty());
            pending.add(&Hint { watch: 1, mask: *mask, name }, start + MS * *at_ms);
        }
        (pending.due(MS * 100) - start).as_millis()
    }

    /// The last change counts, up to ten times the debounce after the first one.
    #[test]
    fn debounces_on_the_last_change() {
        assert_eq!(due(&[(0, libc::IN_MOVED_TO, "a.yaml")]), 100);
        assert_eq!(due(&[(0, libc::IN_MOVED_TO, "a.yaml"), (99, libc::IN_DELETE_SELF, "")]), 199);
        assert_eq!(due(&[(0, libc::IN_MOVED_TO, "a.yaml"), (950, libc::IN_DELETE, "a.yaml")]), 1000);
    }

    /// A file that was written to and not closed is waited for, up to the same limit; others do not close it.
    #[test]
    fn waits_for_writers() {
        let opened = (0, libc::IN_MODIFY, "a.yaml");
        assert_eq!(due(&[opened]), 1000);
        assert_eq!(due(&[opened, (10, libc::IN_CLOSE_WRITE, "b.yaml")]), 1000);
        for end in [libc::IN_CLOSE_WRITE, libc::IN_DELETE, libc::IN_MOVED_FROM, libc::IN_MOVED_TO] {
            assert_eq!(due(&[opened, (500, end, "a.yaml")]), 600);
        }
        assert_eq!(due(&[(0, libc::IN_MODIFY, "")]), 1000);
        assert_eq!(due(&[(0, libc::IN_MODIFY, ""), (500, libc::IN_CLOSE_WRITE, "")]), 600);
    }
}
