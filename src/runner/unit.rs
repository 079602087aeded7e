// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe with one target while it runs: the attached program, where its events go, what was counted.

use std::sync::Arc;

use super::clock::now_unix_ns;
use super::intake::{Intake, IntakeTotals};
use super::output::Output;
use super::sampler::Sampler;
use crate::catalog::Program;
use crate::format::{Encoder, Look};
use crate::kernel::{Attached, Counts, Host, KernelError, Loaded, Prepared};
use crate::sink::{Delivery, Sink};
use crate::spec::{Layout, LossCause, Place, ProbeSpec};

/// A sink and what it got from one unit.
pub(super) type Route = (Arc<Sink>, Arc<Delivery>);

/// A unit that is attached.
pub(super) struct Unit {
    /// The probe's name; with its target, where the file names several.
    pub(super) title: String,
    pub(super) attached: Attached,
    /// Its sinks, with what they got from it.
    pub(super) routes: Vec<Route>,
    pub(super) sampler: Option<Sampler>,
    /// What was taken out of its ring; `None` for a program without events.
    pub(super) intake: Option<Arc<IntakeTotals>>,
    /// What earlier programs of it counted.
    pub(super) past: Past,
    /// What sinks got from it that are not its own any more.
    pub(super) former: Former,
    notices: Vec<Notices>,
}

/// What programs counted that do not run any more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    pub(super) produced: u64,
    pub(super) ring_full: u64,
    pub(super) missed: u64,
    pub(super) sampled_out: u64,
    pub(super) rate_limited: u64,
}

/// What was sent to sinks before the file named others. The last of it may still be on its way.
#[derive(Debug, Default)]
pub(super) struct Former {
    open: Vec<Arc<Delivery>>,
    /// The sum of those that do not change any more.
    settled: Delivery,
}

impl Former {
    fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.open.iter().map(AsRef::as_ref).chain([&self.settled])
    }

    fn add(&mut self, delivery: Arc<Delivery>) {
        self.open.push(delivery);
        let is_settled = |delivery: &Arc<Delivery>| Arc::strong_count(delivery) == 1;
        for delivery in self.open.iter().filter(|delivery| is_settled(delivery)) {
            self.settled.add_delivered(delivery.delivered());
            LossCause::ALL.into_iter().for_each(|cause| self.settled.add_lost(cause, delivery.lost(cause)));
        }
        self.open.retain(|delivery| !is_settled(delivery));
    }
}

/// The lines that tell one sink what was lost.
struct Notices {
    output: Output,
    /// What it was told so far, by cause.
    reported: [u64; 4],
}

/// What it takes to attach one unit.
pub(super) struct Making<'a> {
    /// Tells its ring from others.
    pub(super) key: u64,
    pub(super) title: String,
    pub(super) spec: &'a ProbeSpec,
    pub(super) program: &'a Program,
    pub(super) prepared: &'a Prepared,
    pub(super) routes: Vec<Route>,
    pub(super) look: &'a Look,
}

impl Making<'_> {
    /// Attaches a loaded program. The second part is for the reader.
    pub(super) fn attach(
        self,
        loaded: Loaded,
        swappable: bool,
        host: &Host,
    ) -> Result<(Unit, Option<Intake>), KernelError> {
        let intake = self.intake(&loaded)?;
        let attached =
            if swappable { loaded.attach_swappable(self.spec, host)? } else { loaded.attach(self.spec, host)? };
        let sampler = self.sampler(&attached)?;
        let notices = notices(&self.routes, self.spec, self.look);
        let totals = intake.as_ref().map(Intake::totals);
        let Self { title, routes, .. } = self;
        Ok((
            Unit {
                title,
                attached,
                routes,
                sampler,
                intake: totals,
                past: Past::default(),
                former: Former::default(),
                notices,
            },
            intake,
        ))
    }

    /// The way of its events out of the ring; `None` for a program without events.
    pub(super) fn intake(&self, loaded: &Loaded) -> Result<Option<Intake>, KernelError> {
        let Some(layout) = &self.prepared.layout else { return Ok(None) };
        let ring = loaded.ring(self.spec.ring_bytes())?;
        Ok(Some(Intake::new(self.key, ring, layout, outputs(&self.routes, self.spec, layout, self.look))))
    }

    /// What reads its counters; `None` for a program that counts nothing.
    pub(super) fn sampler(&self, attached: &Attached) -> Result<Option<Sampler>, KernelError> {
        let Some(counters) = &self.program.counters else { return Ok(None) };
        let reader = attached
            .counter_reader(counters)
            .map_err(|error| KernelError::at(Place::Program, format!("failed to read the counters: {error}")))?;
        let outputs = outputs(&self.routes, self.spec, &counters.row, self.look);
        Ok(Some(Sampler::new(reader, outputs, self.spec.interval)))
    }
}

/// One output for each sink.
pub(super) fn outputs(routes: &[Route], spec: &ProbeSpec, layout: &Layout, look: &Look) -> Vec<Output> {
    let output = |(sink, delivery): &Route| {
        let encoder = Encoder::new(sink.format(), &spec.id.name, &spec.labels, layout, look);
        Output::new(Arc::clone(sink), Arc::clone(delivery), encoder)
    };
    routes.iter().map(output).collect()
}

fn notices(routes: &[Route], spec: &ProbeSpec, look: &Look) -> Vec<Notices> {
    let outputs = outputs(routes, spec, &Layout::default(), look);
    outputs.into_iter().map(|output| Notices { output, reported: [0; 4] }).collect()
}

impl Unit {
    /// From now on its events go there; what the sinks before got stays in its account.
    pub(super) fn set_routes(&mut self, routes: Vec<Route>) {
        let before = std::mem::replace(&mut self.routes, routes);
        self.leave(before);
    }

    /// Goes on with the account of the unit whose place it takes.
    pub(super) fn succeed(&mut self, before: &mut Self) {
        self.past = before.counted();
        self.former = std::mem::take(&mut before.former);
        self.leave(std::mem::take(&mut before.routes));
    }

    fn leave(&mut self, before: Vec<Route>) {
        let stays = |delivery: &Arc<Delivery>| self.routes.iter().any(|(_, now)| Arc::ptr_eq(now, delivery));
        let gone: Vec<_> = before.into_iter().map(|(_, delivery)| delivery).filter(|old| !stays(old)).collect();
        gone.into_iter().for_each(|delivery| self.former.add(delivery));
    }

    fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.routes.iter().map(|(_, delivery)| delivery.as_ref()).chain(self.former.all())
    }

    /// Events that were written so far, over all sinks that it had.
    pub(super) fn delivered(&self) -> u64 {
        self.deliveries().map(Delivery::delivered).sum()
    }

    /// Events that were lost on the way to a sink so far, over all sinks that it had.
    pub(super) fn lost_by_sinks(&self, cause: LossCause) -> u64 {
        self.deliveries().map(|delivery| delivery.lost(cause)).sum()
    }

    /// What was lost before any sink, so far.
    pub(super) fn lost(&self) -> [(LossCause, u64); 4] {
        let Past { ring_full, missed, sampled_out, rate_limited, .. } = self.counted();
        [
            (LossCause::RingFull, ring_full),
            (LossCause::Missed, missed),
            (LossCause::SampledOut, sampled_out),
            (LossCause::RateLimited, rate_limited),
        ]
    }

    /// What its programs counted so far, the one that runs included.
    pub(super) fn counted(&self) -> Past {
        let of = |count: fn(&Counts) -> u64| self.attached.counts().map_or(0, count);
        Past {
            produced: self.past.produced + of(Counts::produced),
            ring_full: self.past.ring_full + of(Counts::ring_full),
            missed: self.past.missed + self.attached.missed(),
            sampled_out: self.past.sampled_out + of(Counts::sampled_out),
            rate_limited: self.past.rate_limited + of(Counts::rate_limited),
        }
    }

    /// From now on its losses are told there.
    pub(super) fn route_notices(&mut self, spec: &ProbeSpec, look: &Look) {
        self.report_losses();
        let reported = self.lost().map(|(_, count)| count);
        self.notices = notices(&self.routes, spec, look);
        self.notices.iter_mut().for_each(|notice| notice.reported = reported);
    }

    /// Says on the stream what was lost since the last time.
    pub(super) fn report_losses(&mut self) {
        let lost = self.lost();
        // Each sink by itself: one without room must not make the others say it twice.
        for notice in &mut self.notices {
            for ((cause, total), reported) in lost.into_iter().zip(&mut notice.reported) {
                let new = total - *reported;
                if new > 0 && cause.is_news() && notice.output.lost(cause, new, now_unix_ns()) {
                    *reported = total;
                }
            }
        }
    }
}
