// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the checked spec of one unit to one that runs.

use std::sync::Arc;

use super::deliveries::Deliveries;
use super::notices::Notices;
use super::tally::Tally;
use super::unit::{Handover, Lineage, Reading, Unit};
use super::{Engine, Purpose, Sources};
use crate::catalog::{Program, SetPlace};
use crate::kernel::{Generation, Host, KernelError, Loaded, Prepared, SetMap, expand, prepare};
use crate::plan::Content;
use crate::runner::sets::LiveSets;
use crate::runner::source::{AllRefusals, KINDS, Making, Output, Refusals, Route, SharedTables, SourceId, outputs};
use crate::spec::{Layout, Place, ProbeSpec, Step, StepTest, Targets};

/// A program that was chosen for a unit, and what it is told.
pub(in crate::runner) struct Draft {
    pub(super) program: Arc<Program>,
    prepared: Prepared,
}

/// Something that the kernel has verified and that is ready to be attached.
pub(in crate::runner) struct Made {
    program: Arc<Program>,
    prepared: Prepared,
    /// The tables that it counts in, where it does.
    pub(super) tables: Option<Arc<SharedTables>>,
    pub(super) loaded: Loaded,
}

impl Engine {
    /// What the program is told of this machine. All that cannot be done is an error each.
    pub(in crate::runner) fn prepare(
        spec: &ProbeSpec,
        program: &Arc<Program>,
        host: &Host,
    ) -> Result<Draft, Vec<KernelError>> {
        Ok(Draft { program: Arc::clone(program), prepared: prepare(spec, program, host)? })
    }

    /// Has the kernel verify it. It goes on counting where `running`, whose place it is to take, stops.
    pub(in crate::runner) fn load(
        &self,
        draft: Draft,
        spec: &ProbeSpec,
        running: Option<&Generation>,
        host: &Host,
    ) -> Result<Made, KernelError> {
        let Draft { program, mut prepared } = draft;
        give_sets(&mut prepared, &self.sets)?;
        let tables = match &prepared.counting {
            Some(counting) => Some(self.tables.of(&spec.id, &spec.aggregates, counting)?),
            None => None,
        };
        prepared.tables = tables.iter().flat_map(|tables| tables.maps.iter().cloned()).collect();
        let loaded = Loaded::load_after(running, spec, &program, &prepared, host)?;
        Ok(Made { program, prepared, tables, loaded })
    }

    /// The same for a unit that stands for one thing of this machine.
    pub(super) fn draft(content: &Content, host: &Host) -> Result<Draft, Vec<KernelError>> {
        let spec = &content.spec;
        if spec.targets != Targets::One {
            // It stands for nothing now: say so.
            let nothing = || vec![KernelError::at(Place::Program, "it matches nothing on this machine")];
            return Err(expand(spec, host).err().unwrap_or_else(nothing));
        }
        Self::prepare(spec, &content.program, host)
    }

    /// Brings a unit to run. All that stands against it is an error each.
    pub(in crate::runner) fn start(
        &mut self,
        title: String,
        content: &Content,
        host: &Host,
    ) -> Result<Unit, Vec<KernelError>> {
        let draft = Self::draft(content, host)?;
        let made = self.load(draft, &content.spec, None, host).map_err(|error| vec![error])?;
        let routes = self.sinks.routes(&content.sinks, &[])?;
        self.run(title, content, made, routes, host).map_err(|error| vec![error])
    }

    /// Attaches what was made, and reads it.
    pub(super) fn run(
        &mut self,
        title: String,
        content: &Content,
        made: Made,
        routes: Vec<Route>,
        host: &Host,
    ) -> Result<Unit, KernelError> {
        let (unit, sources) = self.attach(title, content, made, routes, host)?;
        self.read(sources);
        Ok(unit)
    }

    /// Attaches what was made. Its sources wait for [`Engine::read`].
    pub(in crate::runner) fn attach(
        &mut self,
        title: String,
        content: &Content,
        made: Made,
        routes: Vec<Route>,
        host: &Host,
    ) -> Result<(Unit, Sources), KernelError> {
        let spec = &content.spec;
        let refusals = AllRefusals::default();
        let (readings, mut sources) = self.sources(&made, spec, &routes, &refusals.now, false)?;
        let attached = match self.purpose {
            Purpose::Once => made.loaded.attach(spec, host)?,
            Purpose::Follow { .. } => made.loaded.attach_swappable(spec, host)?,
        };
        sources.iter_mut().for_each(|source| source.begin());
        let unit = Unit {
            title,
            content: content.attached_to(attached.file()),
            notices: Notices::new(&routes, spec, &self.look),
            attached,
            tables: made.tables,
            routes,
            lineage: Lineage(self.next_id()),
            readings,
            past: Tally::default(),
            refusals,
            former: Deliveries::default(),
            has_ended: false,
            handover: Handover::Exact,
        };
        Ok((unit, sources))
    }

    /// Reads these from now on.
    pub(in crate::runner) fn read(&mut self, sources: Sources) {
        self.readers.add(sources);
    }

    /// What there is to read of a program. `goes_on`: without what the version before is read for already.
    pub(super) fn sources(
        &mut self,
        made: &Made,
        spec: &ProbeSpec,
        routes: &[Route],
        refusals: &Arc<Refusals>,
        goes_on: bool,
    ) -> Result<(Vec<Reading>, Sources), KernelError> {
        let (mut readings, mut sources) = (Vec::new(), Sources::new());
        let Made { program, prepared, tables, loaded } = made;
        for make in KINDS {
            let outputs = |layout: &Layout| self.outputs(routes, spec, layout);
            let by_command = self.purpose == Purpose::Once;
            let sets = &self.sets;
            let tables = tables.as_ref();
            let making =
                Making { spec, program, prepared, loaded, sets, tables, refusals, outputs: &outputs, by_command };
            let mut last_id = self.last_id;
            let mut next_id = || {
                last_id += 1;
                SourceId(last_id)
            };
            let made = make(&making, &mut next_id)?;
            self.last_id = last_id;
            for source in made.into_iter().filter(|source| !(goes_on && source.goes_on())) {
                let failed = |error| KernelError::at(Place::Probe, format!("failed to start a thread: {error}"));
                self.readers.prepare(&*source).map_err(failed)?;
                readings.push(Reading::of(&*source));
                sources.push(source);
            }
        }
        Ok((readings, sources))
    }

    /// To a unit's sinks, and to those who look on.
    fn outputs(&self, routes: &[Route], spec: &ProbeSpec, layout: &Layout) -> Vec<Output> {
        let mut all = outputs(routes, spec, layout, &self.look);
        if let (Some(watcher), Some(first)) = (&self.watcher, all.first_mut()) {
            first.watch(watcher, spec, layout);
        }
        all.extend(self.tails.copies(spec, layout, &self.look));
        all
    }
}

/// Finds the map of each set that the program's tests ask for.
fn give_sets(prepared: &mut Prepared, sets: &LiveSets) -> Result<(), KernelError> {
    give_maps(&prepared.steps, &prepared.set_places, &mut prepared.sets, sets)?;
    for part in prepared.span.iter_mut().flat_map(|span| &mut span.parts) {
        give_maps(&part.told.steps, &part.set_places, &mut part.sets, sets)?;
    }
    Ok(())
}

/// Finds the map of each set that these tests ask for.
fn give_maps(
    steps: &[Step],
    places: &[SetPlace],
    maps: &mut Vec<(SetPlace, SetMap)>,
    sets: &LiveSets,
) -> Result<(), KernelError> {
    for (step, place) in steps.iter().zip(places) {
        let StepTest::Set(name, _) = &step.test else { continue };
        if maps.iter().any(|(known, _)| known == place) {
            continue;
        }
        let missing = || KernelError::at(Place::Probe, format!("the set `{}` could not be made", name.0));
        maps.push((*place, sets.map(name).ok_or_else(missing)?));
    }
    Ok(())
}
