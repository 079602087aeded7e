// SPDX-License-Identifier: MIT OR Apache-2.0
//! The open sinks of a daemon: shared by the units that write to them, closed when nobody does any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::runner::engine::unit::Route;
use crate::sink::{Opener, Sink, SinkOpenError};
use crate::spec::SinkSpec;

/// How long a sink that nobody uses any more may take to write what it has.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is open.
#[derive(Default)]
pub(in crate::runner) struct Sinks {
    open: Vec<(SinkSpec, Arc<Sink>)>,
    closing: Vec<(Arc<Sink>, Instant)>,
    opener: Opener,
}

impl Sinks {
    /// One route for each of `specs`. A sink that is open is shared, and where `before` already went there, it goes on
    /// counting.
    pub(in crate::runner) fn routes(
        &mut self,
        specs: &[SinkSpec],
        before: &[Route],
    ) -> Result<Vec<Route>, SinkOpenError> {
        let route = |spec: &SinkSpec| {
            let sink = self.get(spec)?;
            let delivery = before.iter().find(|(known, _)| Arc::ptr_eq(known, &sink)).map(|(_, delivery)| delivery);
            Ok((sink, delivery.map_or_else(Arc::default, Arc::clone)))
        };
        specs.iter().map(route).collect()
    }

    fn get(&mut self, spec: &SinkSpec) -> Result<Arc<Sink>, SinkOpenError> {
        let same = |known: &SinkSpec| SinkSpec { name: spec.name.clone(), ..known.clone() } == *spec;
        if let Some((_, sink)) = self.open.iter().find(|(known, _)| same(known)) {
            return Ok(Arc::clone(sink));
        }
        let sink = Arc::new(self.opener.open(spec)?);
        self.open.push((spec.clone(), Arc::clone(&sink)));
        Ok(sink)
    }

    /// Closes those that nobody uses; to be called now and then. Never waits.
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
