// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a daemon runs, or tries to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::former::Looking;
use crate::kernel::Host;
use crate::plan::UnitId;
use crate::runner::engine::{Ended, Engine, News, Unit};

/// All units, and the means to change them.
pub(super) struct Units {
    pub(super) engine: Engine,
    pub(super) entries: BTreeMap<UnitId, Entry>,
    pub(super) looking: Looking,
    started: Instant,
}

impl Units {
    /// None yet.
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, entries: BTreeMap::new(), looking: Looking::default(), started: Instant::now() }
    }

    /// This machine, as it is now.
    pub(super) fn host(&self) -> Host {
        self.engine.host()
    }

    /// The clock of the plan.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The units that run and whose probe stands in this file.
    pub(super) fn of_file<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = &'s Unit> {
        let entries = self.entries.values().filter(move |entry| entry.checked.path() == path);
        entries.filter_map(|entry| entry.running.as_ref())
    }

    /// Says on the streams what was lost since the last time.
    pub(super) fn report_losses(&mut self) {
        self.entries.values_mut().filter_map(|entry| entry.running.as_mut()).for_each(Unit::report_losses);
    }

    /// What waits is tried at once the next time.
    pub(super) fn hurry(&mut self, only_waiting: bool) {
        let now = self.now();
        for failure in self.entries.values_mut().filter_map(|entry| entry.failure.as_mut()) {
            if failure.waiting || !only_waiting {
                failure.retry_at = now;
            }
        }
    }

    /// What happened to probes and files goes to those who look on at all, or at this probe.
    pub(super) fn copy_news(&self, news: &mut News) {
        self.engine.tails.copy_news(news);
    }

    /// The end. Returns what each that ran did.
    pub(super) fn finish(self) -> Ended {
        self.engine.finish(self.entries.into_values().filter_map(|entry| entry.running).collect())
    }
}
