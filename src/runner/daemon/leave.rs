// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes units away that their files, or the machine, do not have any more.

use super::entry::{Entry, Failure};
use super::tell::{State, Tell};
use super::units::Units;
use crate::kernel::{Host, KernelError, missing_site};
use crate::plan::{Desired, UnitId};
use crate::runner::engine::detach_aside;
use crate::runner::problem::refusal;
use crate::runner::source::now_unix_ns;
use crate::spec::Place;

impl Units {
    /// Ends some units and forgets them.
    pub(super) fn stop(&mut self, ids: &[UnitId], tell: &mut Tell<'_>) {
        let mut ended: Vec<(UnitId, Entry)> = ids.iter().filter_map(|id| self.entries.remove_entry(id)).collect();
        self.engine.end(ended.iter_mut().filter_map(|(_, entry)| entry.running.as_mut()));
        for (id, entry) in &ended {
            if let Some(unit) = &entry.running {
                tell.state(id, unit, State::Stopped);
            }
        }
        // The rest of a unit goes here and now: the next sweep closes sinks that nobody else has.
        detach_aside(ended.into_iter().filter_map(|(_, entry)| Some(entry.running?.attached)).collect());
    }

    /// Units whose interface was deleted or renamed under them wait for it.
    pub(super) fn lose_gone(&mut self, tell: &mut Tell<'_>) {
        let now = self.now();
        for (id, entry) in &mut self.entries {
            let Some(mut unit) = entry.running.take_if(|unit| !unit.attached.is_attached()) else { continue };
            self.engine.end([&mut unit]);
            // The words of a start without it: the next try has nothing new to say.
            let missing = unit.content.spec.hook.as_ref().and_then(|hook| missing_site(hook, &Host::default()));
            let place = unit.content.spec.hook.as_ref().and_then(|hook| hook.interface().or(hook.cgroup()));
            let message = match place {
                Some(place) => format!("its program is no longer on `{place}`"),
                None => "CPUs were switched on or off: it starts again on those that there are".to_owned(),
            };
            let gone = || KernelError::at(Place::Target, message);
            let problem = refusal(&entry.checked, &missing.unwrap_or_else(gone));
            tell.lost(id, &unit, &problem.message);
            entry.since_unix_ns = now_unix_ns();
            entry.failure = Some(Failure::new(&unit.content, &[problem], 0, now, true));
        }
    }

    /// Units whose files were changed in a way that changes nothing about their probes go on as they are.
    pub(super) fn stay_in_files(&mut self, desired: &Desired, host: &Host) {
        for (id, entry) in &mut self.entries {
            let (Some(unit), Some(content)) = (&mut entry.running, desired.get(id)) else { continue };
            let only_file = content.binary.filter(|to| unit.content.in_file(*to) == *content);
            let (Some(_), true) = (only_file, unit.content.binary != content.binary) else { continue };
            let attached = &mut unit.attached;
            if content.spec.hook.as_ref().is_some_and(|hook| attached.stays(hook, host)) {
                unit.content = content.attached_to(attached.file());
            }
        }
    }
}
