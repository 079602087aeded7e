// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out a plan: each action is a transaction of its own, which either happens or changes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::entry::{Entry, Failure, rename};
use super::tell::{State, Tell};
use super::units::Units;
use crate::config::{CheckedProbe, Problem};
use crate::kernel::{Host, KernelError, is_missing};
use crate::plan::{Action, Content, Plan, UnitId, backoff};
use crate::runner::engine::detach_aside;
use crate::runner::problem::refusal;
use crate::runner::source::now_unix_ns;
use crate::spec::Targets;

/// What waits for something that may come is tried again after this time at the latest.
const MOST_WAITING: Duration = Duration::from_secs(10);

impl Units {
    /// Carries out a plan. `probes` says where each unit stands in its file.
    pub(super) fn execute(
        &mut self,
        plan: &Plan,
        desired: &BTreeMap<UnitId, (Content, CheckedProbe)>,
        tell: &mut Tell<'_>,
    ) {
        rename(&mut self.entries, plan);
        // Also of what goes on: it may stand in another file now.
        for (id, (_, checked)) in desired {
            if let Some(entry) = self.entries.get_mut(id).filter(|entry| !entry.checked.is_of_same_reading(checked)) {
                entry.checked = checked.clone();
            }
        }
        if plan.actions.is_empty() {
            return;
        }
        let host = self.host();
        let stops = plan.actions.iter().filter_map(|action| match action {
            Action::Stop(id) => Some(id),
            Action::Rename(..) | Action::Forget(_) | Action::Replace(_) | Action::Reroute(_) | Action::Start(_) => None,
        });
        self.stop(&stops.cloned().collect::<Vec<_>>(), tell);
        for action in &plan.actions {
            let (Action::Forget(id) | Action::Replace(id) | Action::Reroute(id) | Action::Start(id)) = action else {
                continue;
            };
            let Some((content, checked)) = desired.get(id) else { continue };
            let mut entry = self.entries.remove(id).unwrap_or_else(|| Entry::new(checked.clone(), now_unix_ns()));
            entry.checked = checked.clone();
            match self.act(id, &mut entry, action, content, &host) {
                Ok(()) => done(id, &mut entry, action, tell),
                Err(errors) => {
                    let waiting = is_missing(&content.spec, &host) || content.spec.targets != Targets::One;
                    failed(id, &mut entry, (content, &errors), waiting, self.now(), tell);
                }
            }
            self.entries.insert(id.clone(), entry);
        }
        self.engine.sinks.sweep(Instant::now());
        // SAFETY: takes a number; the allocator gives free pages back.
        unsafe { libc::malloc_trim(0) };
    }

    /// Tries an action.
    fn act(
        &mut self,
        id: &UnitId,
        entry: &mut Entry,
        action: &Action,
        content: &Content,
        host: &Host,
    ) -> Result<(), Vec<KernelError>> {
        match (action, &mut entry.running) {
            (Action::Replace(_), Some(unit)) => {
                let done = self.engine.replace(unit, content, host);
                if unit.has_ended {
                    // It had to go first, and could not come back.
                    detach_aside(entry.running.take().into_iter().map(|unit| unit.attached).collect());
                }
                done
            }
            (Action::Reroute(_), Some(unit)) => self.engine.reroute(unit, content),
            (Action::Start(_) | Action::Replace(_), running) => {
                *running = Some(self.engine.start(id.to_string(), content, host)?);
                Ok(())
            }
            (Action::Reroute(_), None) | (Action::Forget(_) | Action::Rename(..) | Action::Stop(_), _) => Ok(()),
        }
    }
}

/// Keeps the books of an action that happened.
fn done(id: &UnitId, entry: &mut Entry, action: &Action, tell: &mut Tell<'_>) {
    entry.failure = None;
    entry.since_unix_ns = now_unix_ns();
    if matches!(action, Action::Start(_) | Action::Replace(_)) {
        entry.versions += 1;
    }
    if let Some(unit) = &entry.running {
        tell.state(id, unit, State::of(action));
    }
}

/// The same of one that changed nothing. `waiting`: what it attaches to is not there and may come.
fn failed(
    id: &UnitId,
    entry: &mut Entry,
    (content, errors): (&Content, &[KernelError]),
    waiting: bool,
    now: Duration,
    tell: &mut Tell<'_>,
) {
    let before = entry.failure.take().filter(|failure| failure.content == *content);
    let times = before.as_ref().map_or(0, |failure| failure.times) + 1;
    let wait = if waiting { backoff(times).min(MOST_WAITING) } else { backoff(times) };
    let problems: Vec<Problem> = errors.iter().map(|error| refusal(&entry.checked, error)).collect();
    let failure = Failure::new(content, &problems, times, now + wait, waiting);
    if before.is_none_or(|before| before.message != failure.message) {
        entry.since_unix_ns = now_unix_ns();
        tell.failed(id, entry.running.as_ref(), &problems, &failure);
    }
    entry.failure = Some(failure);
}
