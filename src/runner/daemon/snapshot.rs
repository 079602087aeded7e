// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading what runs: samples, losses, the units of a file.

use std::path::Path;
use std::time::Instant;

use super::execute::Units;
use crate::runner::control::Budget;
use crate::runner::sampler::Sampler;
use crate::runner::unit::Unit;

impl Units<'_> {
    fn running(&self) -> impl Iterator<Item = &Unit> {
        self.entries.values().filter_map(|entry| entry.running.as_ref()).map(|running| &running.unit)
    }

    fn running_mut(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.entries.values_mut().filter_map(|entry| entry.running.as_mut()).map(|running| &mut running.unit)
    }

    /// The units that run and whose probe stands in this file.
    pub(super) fn of_file<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = &'s Unit> {
        let entries = self.entries.values().filter(move |entry| entry.checked.path() == path);
        entries.filter_map(|entry| entry.running.as_ref()).map(|running| &running.unit)
    }

    /// When the next counters are due.
    pub(super) fn next_sample(&self) -> Option<Instant> {
        self.running().filter_map(|unit| unit.sampler.as_ref()).map(Sampler::next).min()
    }

    /// Reports the counters that are due.
    pub(super) fn sample(&mut self, now: Instant) {
        let budget = Budget::new(None);
        for sampler in self.running_mut().filter_map(|unit| unit.sampler.as_mut()) {
            sampler.tick(now, &budget);
        }
    }

    /// Says on the streams what was lost since the last time.
    pub(super) fn report_losses(&mut self) {
        self.running_mut().for_each(Unit::report_losses);
    }
}
