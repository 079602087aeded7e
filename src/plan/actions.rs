// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what should run and what does to what has to be done.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::content::{Change, Content, UnitId};
use crate::hook::claims;
use crate::spec::{Claim, ProbeSpec};

/// The longest time between two tries of something that fails.
const MOST: Duration = Duration::from_secs(60);
/// The time after the first failure.
const LEAST: Duration = Duration::from_secs(1);

/// What should run.
pub type Desired = BTreeMap<UnitId, Content>;

/// What runs, or was tried.
pub type Current = BTreeMap<UnitId, Unit>;

/// One unit as it is. At least one of the two is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unit {
    /// What runs.
    pub running: Option<Content>,
    /// What was wanted instead and failed.
    pub failure: Option<Failure>,
}

impl Unit {
    /// When this content, which has failed, may be tried again; `None`: now.
    fn held_back(&self, wanted: &Content, now: Duration) -> Option<Duration> {
        let failure = self.failure.as_ref().filter(|failure| failure.content == *wanted)?;
        Some(failure.retry_at).filter(|at| now < *at)
    }
}

/// A content that could not be brought to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What was tried.
    pub content: Content,
    /// When it may be tried again, on the clock of [`plan`]'s `now`.
    pub retry_at: Duration,
}

/// One thing to do. Each stands for itself: that one fails changes nothing about the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// What runs under the first name goes on under the second: its file names several targets now, or one alone.
    Rename(UnitId, UnitId),
    /// It is to be there no more.
    Stop(UnitId),
    /// The failed change was taken back: what runs is what is wanted.
    Forget(UnitId),
    /// Its program takes the place of the one that runs, without a gap.
    Replace(UnitId),
    /// Its program goes on; what happens to its events changes.
    Reroute(UnitId),
    /// It is to run, and does not. One that moves to an interface which another one leaves is stopped before.
    Start(UnitId),
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The actions.
    pub actions: Vec<Action>,
    /// When something that failed may be tried again; `None`: nothing has failed.
    pub next_retry: Option<Duration>,
}

/// How long to wait after so many failures in a row, the first is 1: 1 s, then twice as long each time, up to a minute.
pub fn backoff(failures: u32) -> Duration {
    LEAST.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX)).min(MOST)
}

/// What has to be done so that `current` becomes `desired`. What failed is tried again when its time has come, or at once
/// when the files want something else, or when what has its interface leaves it.
///
/// New names come first. Then stops, since they free what others want; then changes of what runs; then what is new.
pub fn plan(desired: &Desired, current: &Current, now: Duration) -> Plan {
    let names = new_names(desired, current);
    let mut renamed = Cow::Borrowed(current);
    for (from, to) in &names {
        let unit = renamed.to_mut().remove(from).unwrap_or_default();
        renamed.to_mut().insert(to.clone(), unit);
    }
    let current = &*renamed;
    let stops = current.keys().filter(|id| !desired.contains_key(*id)).cloned().map(Action::Stop);
    let mut actions: Vec<Action> = stops.collect();
    actions.extend(names.into_iter().map(|(from, to)| Action::Rename(from, to)));
    let left = claims_left(desired, current, now);
    let mut next_retry: Option<Duration> = None;
    for (id, wanted) in desired {
        let unit = current.get(id);
        let retry_at = unit.and_then(|unit| unit.held_back(wanted, now));
        if let Some(retry_at) = retry_at.filter(|_| !claims(&wanted.spec).is_some_and(|to| left.contains_key(&to))) {
            next_retry = Some(next_retry.map_or(retry_at, |next| next.min(retry_at)));
            continue;
        }
        match unit.and_then(|unit| unit.running.as_ref()) {
            None => actions.push(Action::Start(id.clone())),
            Some(running) => match running.change(wanted) {
                Change::None => {
                    actions.extend(unit.and_then(|unit| unit.failure.as_ref()).map(|_| Action::Forget(id.clone())));
                }
                Change::Route => actions.push(Action::Reroute(id.clone())),
                Change::Program if moves_into(running, wanted, &left) => {
                    actions.extend([Action::Stop(id.clone()), Action::Start(id.clone())]);
                }
                Change::Program => actions.push(Action::Replace(id.clone())),
            },
        }
    }
    actions.sort();
    Plan { actions, next_retry }
}

/// Units that run and are called something else now, at the same place: `packets` becomes `packets/eth0` where its file adds
/// a second interface.
fn new_names(desired: &Desired, current: &Current) -> Vec<(UnitId, UnitId)> {
    let same_place = |one: &ProbeSpec, two: &ProbeSpec| {
        one.hook == two.hook || claims(one).is_some_and(|at| claims(two) == Some(at))
    };
    let new_name = |(from, unit): (&UnitId, &Unit)| {
        let spec = &unit.running.as_ref()?.spec;
        let whole = UnitId { probe: from.probe.clone(), target: None };
        let of_probe = desired.range(whole..).take_while(|(id, _)| id.probe == from.probe);
        let mut new = of_probe.filter(|(id, _)| !current.contains_key(*id));
        let (to, _) = new.find(|(_, wanted)| same_place(spec, &wanted.spec))?;
        Some((from.clone(), to.clone()))
    };
    current.iter().filter(|(id, _)| !desired.contains_key(*id)).filter_map(new_name).collect()
}

/// What running units have and leave now: `true` where for another place, `false` where their units stop, after which it is free.
/// One that waits for another try of its move stays.
fn claims_left(desired: &Desired, current: &Current, now: Duration) -> BTreeMap<Claim, bool> {
    let left = |(id, unit): (&UnitId, &Unit)| {
        let held = claims(&unit.running.as_ref()?.spec)?;
        let Some(wanted) = desired.get(id) else { return Some((held, false)) };
        let stays = claims(&wanted.spec).as_ref() == Some(&held) || unit.held_back(wanted, now).is_some();
        (!stays).then_some((held, true))
    };
    current.iter().filter_map(left).collect()
}

/// True where a unit wants what another one has yet to leave. Two that change places would otherwise wait for each other.
fn moves_into(running: &Content, wanted: &Content, left: &BTreeMap<Claim, bool>) -> bool {
    let to = claims(&wanted.spec);
    to != claims(&running.spec) && to.is_some_and(|to| left.get(&to) == Some(&true))
}
