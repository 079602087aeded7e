// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes units away: silent at once, their rings read to the last record, detached when the kernel gets to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::{Entry, Failure, Running};
use super::execute::Units;
use super::tell::{State, Tell};
use crate::kernel::{Host, KernelError, settle};
use crate::plan::{Desired, UnitId};
use crate::runner::engine::end::{Ended, check_account};
use crate::runner::engine::retire::{Retiring, detach_aside};
use crate::runner::engine::unit::Unit;
use crate::runner::problem::refusal;
use crate::runner::source::clock::now_unix_ns;
use crate::spec::{LossCause, Place};

/// How long the end waits for sinks that have no room.
const LAST_READS: Duration = Duration::from_secs(1);
/// How long sinks may take after that to write what they have.
const LAST_WRITES: Duration = Duration::from_millis(400);
/// The same where the reader was done at once.
const MOST_WRITES: Duration = Duration::from_millis(800);

impl Units<'_> {
    /// Ends some units and forgets them.
    pub(super) fn stop(&mut self, ids: &[UnitId], tell: &mut Tell<'_>) {
        let mut ended: Vec<(UnitId, Entry)> = ids.iter().filter_map(|id| self.entries.remove_entry(id)).collect();
        self.end(ended.iter_mut().filter_map(|(_, entry)| entry.running.as_mut()).collect());
        for (id, entry) in &ended {
            if let Some(running) = &entry.running {
                tell.state(id, &running.unit, State::Stopped);
            }
        }
        detach_aside(ended.into_iter().filter_map(|(_, entry)| entry.running).collect());
    }

    /// Units whose interface was deleted or renamed under them wait for it.
    pub(super) fn lose_gone(&mut self, tell: &mut Tell<'_>) {
        let now = self.now();
        let gone = |entry: &Entry| entry.running.as_ref().is_some_and(|running| !running.unit.attached.is_attached());
        let ids: Vec<UnitId> = self.entries.iter().filter(|(_, entry)| gone(entry)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(mut running) = self.entries.get_mut(&id).and_then(|entry| entry.running.take()) else { continue };
            self.end(vec![&mut running]);
            let interface = running.content.spec.interface().unwrap_or_default();
            let message = match Host::default().interface_index(interface) {
                // The words of a start without it: the next try has nothing new to say.
                None => format!("there is no network interface `{interface}`"),
                Some(_) => format!("its program is no longer on `{interface}`"),
            };
            let error = KernelError::at(Place::Target, message);
            let said = self.entries.get(&id).map(|entry| refusal(&entry.checked, &error).message);
            let message = said.unwrap_or(error.message);
            tell.lost(&id, &running.unit, &message);
            if let Some(entry) = self.entries.get_mut(&id) {
                let content = running.content;
                entry.since_unix_ns = now_unix_ns();
                entry.failure = Some(Failure { content, times: 0, retry_at: now, waiting: true, message });
            }
        }
    }

    /// Silences units, and has the reader take what they left behind. Their counts are final afterwards.
    pub(super) fn end(&mut self, mut units: Vec<&mut Running>) {
        if units.is_empty() {
            return;
        }
        units.iter_mut().for_each(|running| running.unit.attached.silence());
        settle();
        for running in units {
            if let Some(sampler) = &mut running.unit.sampler {
                // A sink without room waits for nobody here, and nobody for it.
                sampler.finish(Instant::now());
            }
            running.unit.report_losses();
            let counts = running.unit.attached.counts();
            if let Some((produced, dropped)) = counts.map(|counts| (counts.produced(), counts.dropped())) {
                self.retire(running, produced, dropped);
            }
        }
    }

    /// Units whose files were changed in a way that changes nothing about their probes go on as they are.
    pub(super) fn stay_in_files(&mut self, desired: &Desired, host: &Host) {
        for (id, entry) in &mut self.entries {
            let (Some(running), Some(content)) = (&mut entry.running, desired.get(id)) else { continue };
            let only_file = content.binary.filter(|to| running.content.in_file(*to) == *content);
            let (Some(_), true) = (only_file, running.content.binary != content.binary) else { continue };
            let attached = &mut running.unit.attached;
            if content.spec.hook.as_ref().is_some_and(|hook| attached.stays(hook, host)) {
                running.content = content.attached_to(attached.file());
            }
        }
    }

    /// Gives the ring of a program that ended to the reader to be emptied.
    pub(super) fn retire(&mut self, running: &Running, produced: u64, dropped: u64) {
        let (key, written) = (running.key, produced.saturating_sub(dropped));
        self.reader.with(move |intakes| {
            if let Some(intake) = intakes.iter_mut().find(|intake| intake.key == key) {
                intake.retire(written);
            }
        });
        if let Some(totals) = &running.unit.intake {
            let (title, totals) = (running.unit.title.clone(), Arc::clone(totals));
            self.retiring.push(Retiring { title, produced, dropped, totals, left: 0 });
        }
    }

    /// Looks after rings that were retired and sinks that nobody uses. True while there are some.
    pub(super) fn sweep(&mut self) -> bool {
        self.retiring.retain(|ring| {
            // The reader drops its part when the ring is empty.
            let done = Arc::strong_count(&ring.totals) == 1;
            if done {
                check_account(&ring.title, ring.produced, ring.dropped, &ring.totals);
            }
            !done
        });
        self.sinks.sweep(Instant::now());
        self.sweep_tails();
        !self.retiring.is_empty() || self.sinks.is_closing() || !self.tails.is_empty()
    }

    /// The end: everything is silent, then delivered or counted as lost, then detached. Returns what each that ran did.
    pub(super) fn finish(mut self) -> Ended {
        let entries = std::mem::take(&mut self.entries);
        let mut units: Vec<Unit> =
            entries.into_values().filter_map(|entry| entry.running).map(|running| running.unit).collect();
        units.iter_mut().for_each(|unit| unit.attached.silence());
        settle();
        let deadline = Instant::now() + LAST_READS;
        self.close_tails(deadline);
        drop(self.reader.finish());
        for unit in &mut units {
            if let Some(sampler) = &mut unit.sampler {
                sampler.finish(deadline);
            }
            unit.report_losses();
            if let (Some(counts), Some(totals)) = (unit.attached.counts(), &unit.intake) {
                check_account(&unit.title, counts.produced(), counts.dropped(), totals);
            }
        }
        for ring in &mut self.retiring {
            ring.left = check_account(&ring.title, ring.produced, ring.dropped, &ring.totals);
        }
        // Where a stuck one has taken the reader's time, less is left for all: systemd and people wait.
        let left = (deadline + LAST_WRITES).saturating_duration_since(Instant::now());
        self.sinks.finish(left.min(MOST_WRITES));
        let row = |unit: &Unit| {
            let retired = self.retiring.iter().filter(|ring| ring.title == unit.title);
            let totals = || retired.clone().map(|ring| &ring.totals).chain(&unit.intake);
            let undeliverable = totals().map(|totals| totals.undeliverable()).sum();
            let unreadable = retired.clone().map(|ring| ring.left).sum::<u64>()
                + unit.intake.as_ref().map_or(0, |totals| totals.unreadable());
            unit.summary([(LossCause::QueueFull, undeliverable), (LossCause::Unreadable, unreadable)])
        };
        let rows = units.iter().map(row).collect();
        Ended { rows, silent: units.into_iter().map(|unit| unit.attached).collect() }
    }
}
