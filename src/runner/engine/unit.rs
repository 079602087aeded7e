// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe with one target while it runs: the attached program, where its events go, what was counted.

use std::sync::Arc;

use crate::catalog::Program;
use crate::format::{Encoder, Look, SinkTotals, SummaryRow};
use crate::kernel::{Attached, Counts, Host, KernelError, Loaded, Prepared};
use crate::runner::source::clock::now_unix_ns;
use crate::runner::source::counters::Sampler;
use crate::runner::source::output::Output;
use crate::runner::source::ring::{Intake, IntakeTotals};
use crate::sink::{Delivery, Sink};
use crate::spec::{Layout, LossCause, Place, ProbeSpec};

/// A sink and what it got from one unit.
pub(in crate::runner) type Route = (Arc<Sink>, Arc<Delivery>);

/// A unit that is attached.
pub(in crate::runner) struct Unit {
    /// The probe's name; with its target, where the file names several.
    pub(in crate::runner) title: String,
    pub(in crate::runner) attached: Attached,
    /// Its sinks, with what they got from it.
    pub(in crate::runner) routes: Vec<Route>,
    pub(in crate::runner) sampler: Option<Sampler>,
    /// What was taken out of its ring; `None` for a program without events.
    pub(in crate::runner) intake: Option<Arc<IntakeTotals>>,
    /// What earlier programs of it counted.
    pub(in crate::runner) past: Past,
    /// What sinks got from it that it does not write to any more, by name.
    former: Vec<(String, Arc<Delivery>)>,
    notices: Vec<Notices>,
}

/// What programs counted that do not run any more.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::runner) struct Past {
    pub(in crate::runner) produced: u64,
    pub(in crate::runner) ring_full: u64,
    pub(in crate::runner) missed: u64,
    pub(in crate::runner) sampled_out: u64,
    pub(in crate::runner) rate_limited: u64,
    /// What this process did itself: no events.
    pub(in crate::runner) of_itself: u64,
}

impl Past {
    /// What was lost before any sink.
    pub(in crate::runner) fn lost(&self) -> [(LossCause, u64); 4] {
        let Self { ring_full, missed, sampled_out, rate_limited, .. } = *self;
        [
            (LossCause::RingFull, ring_full),
            (LossCause::Missed, missed),
            (LossCause::SampledOut, sampled_out),
            (LossCause::RateLimited, rate_limited),
        ]
    }

    /// Runs of the program that were to write an event, and those that the kernel skipped.
    pub(in crate::runner) fn events(&self) -> u64 {
        self.produced + self.missed
    }
}

/// The lines that tell one sink what was lost.
struct Notices {
    output: Output,
    /// What it was told so far, by cause.
    reported: [u64; 4],
}

/// What it takes to attach one unit.
pub(in crate::runner) struct Making<'a> {
    /// Tells its ring from others.
    pub(in crate::runner) key: u64,
    pub(in crate::runner) title: String,
    pub(in crate::runner) spec: &'a ProbeSpec,
    pub(in crate::runner) program: &'a Program,
    pub(in crate::runner) prepared: &'a Prepared,
    pub(in crate::runner) routes: Vec<Route>,
    pub(in crate::runner) look: &'a Look,
}

impl Making<'_> {
    /// Attaches a loaded program. The second part is for the reader.
    pub(in crate::runner) fn attach(
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
        let (past, former) = (Past::default(), Vec::new());
        Ok((Unit { title, attached, routes, sampler, intake: totals, past, former, notices }, intake))
    }

    /// The way of its events out of the ring; `None` for a program without events.
    pub(in crate::runner) fn intake(&self, loaded: &Loaded) -> Result<Option<Intake>, KernelError> {
        let Some(layout) = &self.prepared.layout else { return Ok(None) };
        let ring = loaded.ring()?;
        Ok(Some(Intake::new(self.key, ring, layout, outputs(&self.routes, self.spec, layout, self.look))))
    }

    /// What reads its counters; `None` for a program that counts nothing.
    pub(in crate::runner) fn sampler(&self, attached: &Attached) -> Result<Option<Sampler>, KernelError> {
        let Some(counters) = &self.program.counters else { return Ok(None) };
        let reader = attached
            .counter_reader(counters)
            .map_err(|error| KernelError::at(Place::Program, format!("failed to read the counters: {error}")))?;
        let outputs = outputs(&self.routes, self.spec, &counters.row, self.look);
        Ok(Some(Sampler::new(reader, outputs, self.spec.interval)))
    }
}

/// One output for each sink.
pub(in crate::runner) fn outputs(routes: &[Route], spec: &ProbeSpec, layout: &Layout, look: &Look) -> Vec<Output> {
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

/// Adds up what is final and bears the same name: a file that changes for years must not eat the memory.
fn fold(former: Vec<(String, Arc<Delivery>)>) -> Vec<(String, Arc<Delivery>)> {
    let mut folded: Vec<(String, Arc<Delivery>)> = Vec::new();
    for (name, delivery) in former {
        match folded.iter().find(|(known, _)| *known == name) {
            Some((_, sum)) if Arc::strong_count(&delivery) == 1 => {
                sum.add_delivered(delivery.delivered());
                LossCause::ALL.into_iter().for_each(|cause| sum.add_lost(cause, delivery.lost(cause)));
            }
            Some(_) | None => folded.push((name, delivery)),
        }
    }
    folded
}

impl Unit {
    /// Its events go there now. What other sinks got still counts.
    pub(in crate::runner) fn reroute(&mut self, routes: Vec<Route>) {
        let before = std::mem::replace(&mut self.routes, routes);
        self.inherit(before);
    }

    /// Goes on counting where one ended whose place it takes.
    pub(in crate::runner) fn succeed(&mut self, before: &mut Self) {
        self.past = before.counted();
        self.former = std::mem::take(&mut before.former);
        self.inherit(std::mem::take(&mut before.routes));
    }

    fn inherit(&mut self, before: Vec<Route>) {
        let is_former = |(_, delivery): &Route| !self.routes.iter().any(|(_, kept)| Arc::ptr_eq(kept, delivery));
        let left: Vec<Route> = before.into_iter().filter(is_former).collect();
        self.former.extend(left.into_iter().map(|(sink, delivery)| (sink.name().to_owned(), delivery)));
        self.former = fold(std::mem::take(&mut self.former));
    }

    /// What each sink got from it so far, by its name; those that it writes to now come first.
    ///
    /// While it runs this has to be read before [`Unit::counted`]: then no sink has more than what was produced.
    pub(in crate::runner) fn sinks(&self) -> Vec<SinkTotals> {
        let mut sinks: Vec<SinkTotals> = Vec::new();
        let former = self.former.iter().map(|(name, delivery)| sink_totals(name, false, delivery));
        let now = self.routes.iter().map(|(sink, delivery)| sink_totals(sink.name(), sink.is_closed(), delivery));
        for totals in now.chain(former) {
            match sinks.iter_mut().find(|known| known.name == totals.name) {
                Some(known) => {
                    known.delivered += totals.delivered;
                    known.lost.extend(totals.lost);
                }
                None => sinks.push(totals),
            }
        }
        sinks
    }

    /// Its row of the table at the end. `left`: what was lost in its rings then.
    pub(in crate::runner) fn summary(&self, left: [(LossCause, u64); 2]) -> SummaryRow {
        let sinks = self.sinks();
        let counted = self.counted();
        let mut lost = counted.lost().to_vec();
        lost.extend(left);
        let produced = self.intake.as_ref().map(|_| counted.events());
        SummaryRow {
            probe: self.title.clone(),
            produced,
            lost,
            sinks,
            by_command: Vec::new(),
            of_itself: counted.of_itself,
            missed_unknown: self.missed_unknown(),
        }
    }

    /// What its programs counted so far, the one that runs included.
    ///
    /// An event is counted as produced before anything else happens to it, so that is read last: what was lost is never more.
    pub(in crate::runner) fn counted(&self) -> Past {
        let of = |count: fn(&Counts) -> u64| self.attached.counts().map_or(0, count);
        let missed = self.past.missed + self.attached.missed();
        let ring_full = self.past.ring_full + of(Counts::ring_full);
        let sampled_out = self.past.sampled_out + of(Counts::sampled_out);
        let rate_limited = self.past.rate_limited + of(Counts::rate_limited);
        let of_itself = self.past.of_itself + of(Counts::of_itself);
        let produced = self.past.produced + of(Counts::produced);
        Past { produced, ring_full, missed, sampled_out, rate_limited, of_itself }
    }

    /// True if it has events, and the kernel skips some that it does not count.
    pub(in crate::runner) fn missed_unknown(&self) -> bool {
        self.intake.is_some() && !self.attached.missed_is_counted
    }

    /// From now on its losses are told there.
    pub(in crate::runner) fn route_notices(&mut self, spec: &ProbeSpec, look: &Look) {
        self.report_losses();
        let reported = self.counted().lost().map(|(_, count)| count);
        self.notices = notices(&self.routes, spec, look);
        self.notices.iter_mut().for_each(|notice| notice.reported = reported);
    }

    /// Says on the stream what was lost since the last time.
    pub(in crate::runner) fn report_losses(&mut self) {
        let lost = self.counted().lost();
        // Each sink by itself: one without room must not make the others say it twice.
        for notice in &mut self.notices {
            for ((cause, total), reported) in lost.into_iter().zip(&mut notice.reported) {
                let new = total.saturating_sub(*reported);
                if new > 0 && cause.is_news() && notice.output.lost(cause, new, now_unix_ns()) {
                    *reported = total;
                }
            }
        }
    }
}

/// What a sink got.
fn sink_totals(name: &str, closed: bool, delivery: &Delivery) -> SinkTotals {
    let lost = LossCause::ALL.into_iter().map(|cause| (cause, delivery.lost(cause))).collect();
    SinkTotals { name: name.to_owned(), delivered: delivery.delivered(), lost, closed }
}
