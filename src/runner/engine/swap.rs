// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exchanges what a unit is: its program, its place, its sinks. What ran before runs on where that fails.

use std::sync::Arc;

use super::Engine;
use super::make::Made;
use super::retire::detach_aside;
use super::unit::{Handover, Reading, Unit};
use crate::hook::claims;
use crate::kernel::{Counts, Host, KernelError, settle};
use crate::plan::Content;
use crate::runner::source::{Route, outputs};

impl Engine {
    /// Makes a unit what `content` says, with as small a gap as the kernel allows: mostly none.
    pub(in crate::runner) fn replace(
        &mut self,
        unit: &mut Unit,
        content: &Content,
        host: &Host,
    ) -> Result<(), Vec<KernelError>> {
        let one = |error| vec![error];
        if let Some(to) = content.binary
            && unit.content.in_file(to) == *content
            && unit.attached.can_follow(to)
        {
            unit.attached.follow(&content.spec, host).map_err(one)?;
            unit.content = content.attached_to(unit.attached.file());
            return Ok(());
        }
        let draft = Self::draft(content, host)?;
        let can_swap = unit.content.binary == content.binary && unit.attached.can_swap(&content.spec, &draft.program);
        let generation = can_swap.then(|| unit.attached.generation());
        let made = self.load(draft, &content.spec, generation, host).map_err(one)?;
        let routes = self.sinks.routes(&content.sinks, &unit.routes)?;
        if can_swap {
            return self.swap(unit, content, made, routes).map_err(one);
        }
        if must_leave_first(unit, content) {
            return self.leave_first(unit, content, made, routes, host).map_err(one);
        }
        let mut next = self.run(unit.title.clone(), content, made, routes, host).map_err(one)?;
        self.end([&mut *unit]);
        next.succeed(unit);
        next.handover = Handover::Overlap;
        detach_aside(vec![std::mem::replace(unit, next)]);
        Ok(())
    }

    /// The program takes the place of the one that runs; each event runs in one of the two.
    fn swap(&mut self, unit: &mut Unit, content: &Content, made: Made, routes: Vec<Route>) -> Result<(), KernelError> {
        let (spec, before) = (&content.spec, &unit.content.spec);
        let same_tables = made.tables.as_ref().map(Arc::as_ptr) == unit.tables.as_ref().map(Arc::as_ptr);
        let keeps_counters = same_tables && before.program == spec.program && before.params == spec.params;
        let (mut readings, mut sources) = self.sources(&made, spec, &routes, &unit.refusals.now, keeps_counters)?;
        sources.iter_mut().for_each(|source| source.begin());
        self.read(sources);
        let old = match unit.attached.swap(&made.loaded, spec) {
            Ok(old) => old,
            Err(error) => {
                for reading in &readings {
                    self.readers.remove(reading.by, reading.id);
                }
                return Err(error);
            }
        };
        unit.readings.iter().for_each(|reading| self.readers.with(reading.by, reading.id, |source| source.pause()));
        settle();
        // The old program's counts are final, and its ring complete.
        if let Some(open) = old.counts().and_then(Counts::open_spans) {
            open.close();
        }
        unit.past = unit.past.and(old.counts());
        if !old.spans_go_on(unit.attached.generation()) {
            unit.past = unit.past.without_open();
        }
        let goes_on = |reading: &Reading| keeps_counters && reading.goes_on;
        let (kept, ended): (Vec<Reading>, Vec<Reading>) =
            std::mem::take(&mut unit.readings).into_iter().partition(goes_on);
        self.retiring.take(unit, &ended, old.counts(), &mut self.readers);
        unit.reroute(routes);
        unit.content = content.clone();
        unit.tables = made.tables;
        unit.handover = Handover::Exact;
        self.route(unit, &kept);
        readings.extend(kept);
        unit.readings = readings;
        unit.route_notices(&self.look);
        Ok(())
    }

    /// The kernel has no room for both: the old one goes first, and comes back where the new one is refused.
    fn leave_first(
        &mut self,
        unit: &mut Unit,
        content: &Content,
        made: Made,
        routes: Vec<Route>,
        host: &Host,
    ) -> Result<(), KernelError> {
        let (title, before, old_routes) = (unit.title.clone(), unit.content.clone(), unit.routes.clone());
        self.end([&mut *unit]);
        unit.attached.detach();
        let (result, next) = match self.run(title.clone(), content, made, routes, host) {
            Ok(next) => (Ok(()), Some(next)),
            // Back to what worked.
            Err(error) => {
                let draft = Self::draft(&before, host).ok();
                let made = draft.and_then(|draft| self.load(draft, &before.spec, None, host).ok());
                let back = made.and_then(|made| self.run(title, &before, made, old_routes, host).ok());
                (Err(error), back)
            }
        };
        if let Some(mut next) = next {
            next.succeed(unit);
            next.handover = Handover::Gap;
            *unit = next;
        }
        result
    }

    /// The program goes on; what happens to its events changes.
    pub(in crate::runner) fn reroute(&mut self, unit: &mut Unit, content: &Content) -> Result<(), Vec<KernelError>> {
        let routes = self.sinks.routes(&content.sinks, &unit.routes)?;
        unit.reroute(routes);
        unit.content = content.clone();
        self.route(unit, &unit.readings);
        unit.route_notices(&self.look);
        Ok(())
    }

    /// What these sources of a unit give goes to the sinks that it has now, as often as it says now.
    fn route(&self, unit: &Unit, readings: &[Reading]) {
        let spec = &unit.content.spec;
        for reading in readings {
            let (outputs, interval) = (outputs(&unit.routes, spec, &reading.layout, &self.look), spec.interval);
            self.readers.with(reading.by, reading.id, move |source| {
                source.outputs().route(outputs);
                source.set_interval(interval);
            });
        }
    }
}

/// True where the kernel has no room for both: another mode of the same interface, which runs one program. And of a binary that was
/// written to, it keeps the instruction that was there for as long as a probe is at it.
fn must_leave_first(unit: &Unit, content: &Content) -> bool {
    let held = claims(&unit.content.spec);
    let same_interface = held.is_some() && held == claims(&content.spec);
    let rewritten =
        unit.content.binary != content.binary && content.binary.is_some_and(|file| unit.attached.is_in(file));
    same_interface || rewritten
}
