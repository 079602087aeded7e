// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ends a run from within: the number of events that it was to have.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Somebody asks for the end of the run.
#[derive(Default)]
pub(in crate::runner) struct End {
    wake: Notify,
    /// Whatever there may still be.
    now: AtomicBool,
}

impl End {
    /// Asks for it, if nothing more is to come.
    pub(in crate::runner) fn request(&self) {
        self.wake.notify_one();
    }

    /// Asks, whatever there may still be.
    pub(in crate::runner) fn request_now(&self) {
        self.now.store(true, Ordering::Release);
        self.request();
    }

    /// True where somebody has asked for that.
    pub(in crate::runner) fn is_now(&self) -> bool {
        self.now.load(Ordering::Acquire)
    }

    /// Returns when somebody has asked.
    pub(in crate::runner) async fn requested(&self) {
        self.wake.notified().await;
    }
}

/// How many events `--count` leaves; without it there is no limit.
pub(in crate::runner) struct Budget(Option<AtomicU64>);

impl Budget {
    pub(in crate::runner) fn new(count: Option<u64>) -> Self {
        Self(count.map(AtomicU64::new))
    }

    /// One event; false if it is one too many.
    #[inline]
    pub(in crate::runner) fn take(&self) -> bool {
        match &self.0 {
            None => true,
            Some(left) => left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok(),
        }
    }

    pub(in crate::runner) fn is_spent(&self) -> bool {
        self.0.as_ref().is_some_and(|left| left.load(Ordering::Relaxed) == 0)
    }
}
