// SPDX-License-Identifier: MIT OR Apache-2.0
//! The open sinks: shared by the units that write to them, closed when no unit does any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kernel::KernelError;
use crate::runner::source::Route;
use crate::sink::{Meters, Opener, Sink};
use crate::spec::{Destination, Place, SinkSpec};

/// How long an unused sink may take to write what it has queued.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is open.
pub(in crate::runner) struct Sinks {
    open: Vec<(SinkSpec, Arc<Sink>)>,
    closing: Vec<(Arc<Sink>, Instant)>,
    /// `None`: a file system may take its time.
    opener: Option<Opener>,
    /// Whether there is an address where metrics are read.
    serves_metrics: bool,
}

impl Sinks {
    /// None yet. `patient`: opening one may take as long as its file system takes.
    pub(super) fn new(patient: bool) -> Self {
        Self { open: Vec::new(), closing: Vec::new(), opener: (!patient).then(Opener::default), serves_metrics: false }
    }

    /// From now on there is an address where metrics are read.
    pub(in crate::runner) fn serve_metrics(&mut self) {
        self.serves_metrics = true;
    }

    /// What probes count in the sink `metrics`, as Prometheus reads it.
    pub(in crate::runner) fn metrics(&self) -> String {
        self.open.iter().filter_map(|(_, sink)| sink.meters()).map(Meters::text).collect()
    }

    /// One route for each of `specs`. A sink that is open is shared, and where `before` already went there, it goes on
    /// counting. Each that cannot be opened is an error.
    pub(in crate::runner) fn routes(
        &mut self,
        specs: &[SinkSpec],
        before: &[Route],
    ) -> Result<Vec<Route>, Vec<KernelError>> {
        let (mut routes, mut errors) = (Vec::new(), Vec::new());
        for spec in specs {
            match self.open(spec) {
                Ok(sink) => {
                    let known = before.iter().find(|(known, _)| Arc::ptr_eq(known, &sink));
                    let delivery = known.map_or_else(Arc::default, |(_, delivery)| Arc::clone(delivery));
                    routes.push((sink, delivery));
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(routes) } else { Err(errors) }
    }

    /// The sink of a spec, opened now if it is not.
    pub(in crate::runner) fn open(&mut self, spec: &SinkSpec) -> Result<Arc<Sink>, KernelError> {
        let same = |known: &SinkSpec| SinkSpec { name: spec.name.clone(), ..known.clone() } == *spec;
        if let Some((_, sink)) = self.open.iter().find(|(known, _)| same(known)) {
            return Ok(Arc::clone(sink));
        }
        if spec.destination == Destination::Metrics && !self.serves_metrics {
            let message = "nobody can read its metrics: they are served nowhere";
            let help = "start it with `--metrics`, or with `--metrics ADDRESS`";
            return Err(KernelError::new(Place::Sink(spec.name.clone()), message, help));
        }
        let opened = self.opener.as_mut().map_or_else(|| Sink::open(spec), |opener| opener.open(spec));
        let sink =
            opened.map(Arc::new).map_err(|error| KernelError::of(Place::Sink(spec.name.clone()), error.refusal()))?;
        self.open.push((spec.clone(), Arc::clone(&sink)));
        Ok(sink)
    }

    /// Closes unused sinks; called now and then. Never waits.
    pub(in crate::runner) fn sweep(&mut self, now: Instant) {
        let (used, unused) =
            std::mem::take(&mut self.open).into_iter().partition(|(_, sink)| Arc::strong_count(sink) > 1);
        self.open = used;
        let unused: Vec<(SinkSpec, Arc<Sink>)> = unused;
        for (_, sink) in unused {
            sink.close_by(now + LAST_WORDS);
            self.closing.push((sink, now + LAST_WORDS));
        }
        self.closing.retain(|(sink, until)| !sink.is_done() && now < *until);
    }

    /// True while a sink is being closed.
    pub(in crate::runner) fn is_closing(&self) -> bool {
        !self.closing.is_empty()
    }

    /// All that are open.
    pub(in crate::runner) fn iter(&self) -> impl Iterator<Item = (&SinkSpec, &Sink)> {
        self.open.iter().map(|(spec, sink)| (spec, sink.as_ref()))
    }

    /// The end: what is queued is written within the time.
    pub(in crate::runner) fn finish(&self, patience: Duration) {
        let open = || self.open.iter().map(|(_, sink)| sink);
        let all = || open().chain(self.closing.iter().map(|(sink, _)| sink));
        // All at once: two that are stuck take no longer than one.
        let deadline = Instant::now() + patience;
        all().for_each(|sink| sink.close_by(deadline));
        all().for_each(|sink| sink.flush_and_close(patience));
    }
}
