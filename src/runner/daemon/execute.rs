// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out a plan: each action is a transaction of its own, which either happens or changes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::entry::{Entry, Failure, Running, rename};
use super::former::Looking;
use super::tell::{State, Tell};
use crate::catalog::{Catalog, Program};
use crate::config::{CheckedProbe, Problem};
use crate::format::Look;
use crate::kernel::{Host, KernelError, Loaded, Prepared, expand, is_missing, prepare, settle};
use crate::plan::{Action, Content, Plan, UnitId, backoff};
use crate::runner::engine::reader::Reader;
use crate::runner::engine::retire::{Retiring, detach_aside};
use crate::runner::engine::sinks::Sinks;
use crate::runner::engine::tail::Tail;
use crate::runner::engine::unit::{Making, Route, Unit, outputs};
use crate::runner::problem::refusal;
use crate::runner::source::clock::now_unix_ns;
use crate::spec::{Place, ProbeSpec, Targets};

/// What waits for something that may come is tried again after this time at the latest.
const MOST_WAITING: Duration = Duration::from_secs(10);

/// Everything that runs, and the means to change it.
pub(super) struct Units<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) look: Look,
    pub(super) entries: BTreeMap<UnitId, Entry>,
    pub(super) sinks: Sinks,
    pub(super) reader: Reader,
    pub(super) tails: Vec<Tail>,
    pub(super) retiring: Vec<Retiring>,
    pub(super) looking: Looking,
    /// Refuses binaries that others could change.
    guarded: bool,
    last_key: u64,
    started: Instant,
}

/// Something that is ready to be attached.
struct Made<'a> {
    program: &'a Program,
    prepared: Prepared,
    loaded: Loaded,
}

impl<'a> Units<'a> {
    pub(super) fn new(catalog: &'a Catalog, look: Look, reader: Reader, guarded: bool) -> Self {
        let (entries, sinks, looking) = (BTreeMap::new(), Sinks::default(), Looking::default());
        let (tails, retiring, started) = (Vec::new(), Vec::new(), Instant::now());
        Self { catalog, look, entries, sinks, reader, tails, retiring, looking, guarded, last_key: 0, started }
    }

    /// This machine, as it is now.
    pub(super) fn host(&self) -> Host {
        if self.guarded { Host::guarded() } else { Host::default() }
    }

    /// The clock of the plan.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

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
            let entry = self.entries.entry(id.clone());
            entry.or_insert_with(|| Entry::new(checked.clone(), now_unix_ns())).checked = checked.clone();
            let done = match action {
                Action::Start(_) => self.start(id, content, &host),
                Action::Replace(_) => self.replace(id, content, &host),
                Action::Reroute(_) => self.reroute(id, content),
                Action::Forget(_) | Action::Rename(..) | Action::Stop(_) => Ok(()),
            };
            self.settle_action(id, action, content, done, &host, tell);
        }
        self.sinks.sweep(Instant::now());
        // SAFETY: takes a number; the allocator gives free pages back.
        unsafe { libc::malloc_trim(0) };
    }

    /// Keeps the books of an action that was tried.
    fn settle_action(
        &mut self,
        id: &UnitId,
        action: &Action,
        content: &Content,
        done: Result<(), KernelError>,
        host: &Host,
        tell: &mut Tell<'_>,
    ) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(id) else { return };
        match done {
            Ok(()) => {
                entry.failure = None;
                entry.since_unix_ns = now_unix_ns();
                if matches!(action, Action::Start(_) | Action::Replace(_)) {
                    entry.versions += 1;
                }
                if let Some(running) = &entry.running {
                    tell.state(id, &running.unit, State::of(action));
                }
            }
            Err(error) => {
                let waiting = is_missing(&content.spec, host) || content.spec.targets != Targets::One;
                let before = entry.failure.take().filter(|failure| failure.content == *content);
                let times = before.as_ref().map_or(0, |failure| failure.times) + 1;
                let wait = if waiting { backoff(times).min(MOST_WAITING) } else { backoff(times) };
                let problem: Problem = refusal(&entry.checked, &error);
                if before.is_none_or(|before| before.message != problem.message) {
                    entry.since_unix_ns = now_unix_ns();
                    tell.failed(id, entry.running.as_ref().map(|running| &running.unit), &problem, waiting);
                }
                let message = problem.message;
                let retry_at = now + wait;
                entry.failure = Some(Failure { content: content.clone(), times, retry_at, waiting, message });
            }
        }
    }

    /// Everything up to what the kernel has verified.
    fn make(&self, spec: &ProbeSpec, running: Option<&Unit>, host: &Host) -> Result<Made<'a>, KernelError> {
        let refused = |message: String| KernelError::at(Place::Program, message);
        let program =
            self.catalog.get(&spec.program).ok_or_else(|| refused(format!("no program `{}`", spec.program)))?;
        let first = |mut errors: Vec<KernelError>| errors.swap_remove(0);
        if spec.targets != Targets::One {
            // It stands for nothing now: say so.
            let nothing = || refused("it stands for nothing on this machine".to_owned());
            return Err(expand(spec, host).err().map_or_else(nothing, first));
        }
        let prepared = prepare(spec, program, host).map_err(first)?;
        let generation = running.map(|unit| unit.attached.generation());
        let loaded = Loaded::load_after(generation, spec, program, &prepared, host)?;
        Ok(Made { program, prepared, loaded })
    }

    fn routes(&mut self, content: &Content, before: &[Route]) -> Result<Vec<Route>, KernelError> {
        self.sinks.routes(&content.sinks, before).map_err(|error| {
            let place = content.sinks.first().map_or(Place::Probe, |sink| Place::Sink(sink.name.clone()));
            KernelError::new(place, error.to_string(), error.help().unwrap_or_default())
        })
    }

    fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    fn start(&mut self, id: &UnitId, content: &Content, host: &Host) -> Result<(), KernelError> {
        let made = self.make(&content.spec, None, host)?;
        let routes = self.routes(content, &[])?;
        let running = self.attach(id, content, made, routes, host)?;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.running = Some(running);
        }
        Ok(())
    }

    fn attach(
        &mut self,
        id: &UnitId,
        content: &Content,
        made: Made<'_>,
        routes: Vec<Route>,
        host: &Host,
    ) -> Result<Running, KernelError> {
        let key = self.next_key();
        let Made { program, prepared, loaded } = made;
        let (spec, look) = (&content.spec, &self.look);
        let making = Making { key, title: id.to_string(), spec, program, prepared: &prepared, routes, look };
        let (mut unit, intake) = making.attach(loaded, true, host)?;
        if let (Some(mut intake), Some(layout)) = (intake, &prepared.layout) {
            self.copies(id, spec, layout).into_iter().for_each(|copy| intake.add_copy(copy));
            self.reader.with(move |intakes| intakes.push(intake));
        }
        if let (Some(sampler), Some(counters)) = (&mut unit.sampler, &program.counters) {
            self.copies(id, spec, &counters.row).into_iter().for_each(|copy| sampler.add_copy(copy));
        }
        let content = content.attached_to(unit.attached.file());
        Ok(Running { unit, content, key, layout: prepared.layout })
    }

    fn replace(&mut self, id: &UnitId, content: &Content, host: &Host) -> Result<(), KernelError> {
        let Some(mut running) = self.entries.get_mut(id).and_then(|entry| entry.running.take()) else {
            return self.start(id, content, host);
        };
        let done = self.replace_running(id, &mut running, content, host);
        if let Some(entry) = self.entries.get_mut(id)
            && entry.running.is_none()
        {
            entry.running = Some(running);
        }
        done
    }

    fn replace_running(
        &mut self,
        id: &UnitId,
        running: &mut Running,
        content: &Content,
        host: &Host,
    ) -> Result<(), KernelError> {
        if let Some(to) = content.binary
            && running.content.in_file(to) == *content
            && running.unit.attached.can_follow(to)
        {
            running.unit.attached.follow(&content.spec, host)?;
            running.content = content.attached_to(running.unit.attached.file());
            return Ok(());
        }
        let program = self.catalog.get(&content.spec.program);
        let can_swap = running.content.binary == content.binary
            && program.is_some_and(|program| running.unit.attached.can_swap(&content.spec, program));
        let made = self.make(&content.spec, can_swap.then_some(&running.unit), host)?;
        let routes = self.routes(content, &running.unit.routes)?;
        if can_swap {
            return self.swap(id, running, content, made, routes);
        }
        let (now, wanted) = (&running.content.spec, &content.spec);
        let same_place = now.hook != wanted.hook && now.interface().is_some() && now.interface() == wanted.interface();
        let rewritten = running.content.binary != content.binary
            && content.binary.is_some_and(|file| running.unit.attached.is_in(file));
        if same_place || rewritten {
            // Another mode of the same interface: the kernel has room for one program, so the old one has to go first. Of a
            // binary that was written to, it keeps the instruction that was there for as long as a probe is at it.
            return self.change_mode(id, running, content, made, routes, host);
        }
        let mut next = self.attach(id, content, made, routes, host)?;
        self.end(vec![&mut *running]);
        next.unit.succeed(&mut running.unit);
        detach_aside(vec![std::mem::replace(running, next)]);
        Ok(())
    }

    /// The program takes the place of the one that runs; each event runs in one of the two.
    fn swap(
        &mut self,
        id: &UnitId,
        running: &mut Running,
        content: &Content,
        made: Made<'_>,
        routes: Vec<Route>,
    ) -> Result<(), KernelError> {
        let key = self.next_key();
        let Made { program, prepared, loaded } = made;
        let (spec, look) = (&content.spec, self.look.clone());
        let keeps_counters = running.content.spec.program == spec.program && running.content.spec.params == spec.params;
        let title = running.unit.title.clone();
        let making = Making { key, title, spec, program, prepared: &prepared, routes, look: &look };
        let intake = making.intake(&loaded)?;
        let totals = intake.as_ref().map(crate::runner::source::ring::Intake::totals);
        if let (Some(mut intake), Some(layout)) = (intake, &prepared.layout) {
            self.copies(id, spec, layout).into_iter().for_each(|copy| intake.add_copy(copy));
            self.reader.with(move |intakes| intakes.push(intake));
        }
        let old = match running.unit.attached.swap(loaded, spec) {
            Ok(old) => old,
            Err(error) => {
                self.reader.with(move |intakes| intakes.retain(|intake| intake.key != key));
                return Err(error);
            }
        };
        settle();
        // The old program's counts are final, and its ring complete.
        if let Some(counts) = old.counts() {
            let (produced, dropped) = (counts.produced(), counts.dropped());
            running.unit.past.produced += produced;
            running.unit.past.ring_full += counts.ring_full();
            running.unit.past.sampled_out += counts.sampled_out();
            running.unit.past.rate_limited += counts.rate_limited();
            running.unit.past.of_itself += counts.of_itself();
            self.retire(running, produced, dropped);
        }
        running.unit.intake = totals;
        running.key = key;
        running.layout.clone_from(&prepared.layout);
        running.unit.reroute(making.routes.clone());
        if keeps_counters {
            route_sampler(running, program, content, &look);
        } else {
            if let Some(sampler) = &mut running.unit.sampler {
                sampler.finish(Instant::now());
            }
            running.unit.sampler = making.sampler(&running.unit.attached)?;
            if let (Some(sampler), Some(counters)) = (&mut running.unit.sampler, &program.counters) {
                self.copies(id, spec, &counters.row).into_iter().for_each(|copy| sampler.add_copy(copy));
            }
        }
        running.unit.route_notices(spec, &look);
        running.content = content.clone();
        Ok(())
    }

    fn change_mode(
        &mut self,
        id: &UnitId,
        running: &mut Running,
        content: &Content,
        made: Made<'_>,
        routes: Vec<Route>,
        host: &Host,
    ) -> Result<(), KernelError> {
        let before = running.content.clone();
        let old_routes = running.unit.routes.clone();
        self.end(vec![&mut *running]);
        running.unit.attached.detach();
        let (result, attached) = match self.attach(id, content, made, routes, host) {
            Ok(next) => (Ok(()), Ok(next)),
            // Back to what worked.
            Err(error) => (
                Err(error),
                self.make(&before.spec, None, host).and_then(|made| self.attach(id, &before, made, old_routes, host)),
            ),
        };
        if let Ok(mut next) = attached {
            next.unit.succeed(&mut running.unit);
            *running = next;
        }
        result
    }

    /// The program goes on; what happens to its events changes.
    fn reroute(&mut self, id: &UnitId, content: &Content) -> Result<(), KernelError> {
        let Some(mut running) = self.entries.get_mut(id).and_then(|entry| entry.running.take()) else { return Ok(()) };
        let routed = self.routes(content, &running.unit.routes);
        let done = routed.map(|routes| {
            running.unit.reroute(routes);
            if let Some(layout) = &running.layout {
                let outputs = outputs(&running.unit.routes, &content.spec, layout, &self.look);
                let key = running.key;
                self.reader.with(move |intakes| {
                    if let Some(intake) = intakes.iter_mut().find(|intake| intake.key == key) {
                        let copies = intake.take_copies();
                        intake.route(outputs);
                        copies.into_iter().for_each(|copy| intake.add_copy(copy));
                    }
                });
            }
            if let Some(program) = self.catalog.get(&content.spec.program) {
                route_sampler(&mut running, program, content, &self.look);
            }
            running.unit.route_notices(&content.spec, &self.look);
            running.content = content.clone();
        });
        if let Some(entry) = self.entries.get_mut(id) {
            entry.running = Some(running);
        }
        done
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
}

fn route_sampler(running: &mut Running, program: &Program, content: &Content, look: &Look) {
    if let (Some(sampler), Some(counters)) = (&mut running.unit.sampler, &program.counters) {
        let outputs = outputs(&running.unit.routes, &content.spec, &counters.row, look);
        sampler.route(outputs, content.spec.interval);
    }
}
