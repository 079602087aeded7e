// SPDX-License-Identifier: MIT OR Apache-2.0
//! The threads that read: one for rings, and one for what is read at intervals, which may take its time.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::reader::{Reader, Sources};
use crate::runner::source::{Budget, End, Source, SourceId};

/// Which thread reads a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runner) enum ReadBy {
    /// The kernel says when there is something.
    Rings,
    /// It is looked at when it is due.
    Time,
}

impl ReadBy {
    pub(super) fn of(source: &dyn Source) -> Self {
        if source.ring().is_some() { Self::Rings } else { Self::Time }
    }
}

/// All threads that read.
pub(in crate::runner) struct Readers {
    rings: Reader,
    /// Made with the first source that needs it, ended with the last.
    timed: Option<Reader>,
    /// How many sources it reads whose programs run.
    timed_sources: usize,
    budget: Arc<Budget>,
    end: Arc<End>,
}

impl Readers {
    /// `end` is told when the budget is spent.
    pub(super) fn new(budget: Budget, end: Arc<End>) -> io::Result<Self> {
        let budget = Arc::new(budget);
        let rings = Reader::spawn("reader", Arc::clone(&budget), Arc::clone(&end))?;
        Ok(Self { rings, timed: None, timed_sources: 0, budget, end })
    }

    /// Makes the thread that this source will need: [`Readers::add`] does not fail then.
    pub(super) fn prepare(&mut self, source: &dyn Source) -> io::Result<()> {
        if ReadBy::of(source) == ReadBy::Time && self.timed.is_none() {
            self.timed = Some(Reader::spawn("sampler", Arc::clone(&self.budget), Arc::clone(&self.end))?);
        }
        Ok(())
    }

    fn get(&self, by: ReadBy) -> Option<&Reader> {
        match by {
            ReadBy::Rings => Some(&self.rings),
            ReadBy::Time => self.timed.as_ref(),
        }
    }

    /// Reads these from now on.
    pub(super) fn add(&mut self, sources: Sources) {
        let (rings, timed): (Sources, Sources) =
            sources.into_iter().partition(|source| ReadBy::of(&**source) == ReadBy::Rings);
        self.timed_sources += timed.len();
        for (by, sources) in [(ReadBy::Rings, rings), (ReadBy::Time, timed)] {
            if let Some(reader) = self.get(by).filter(|_| !sources.is_empty()) {
                reader.add(sources);
            }
        }
    }

    /// Does something to one source between two rounds, and waits for it.
    pub(super) fn with(&self, by: ReadBy, id: SourceId, job: impl FnOnce(&mut dyn Source) + Send + 'static) {
        let Some(reader) = self.get(by) else { return };
        reader.with(move |sources| {
            if let Some(source) = sources.iter_mut().find(|source| source.id() == id) {
                job(&mut **source);
            }
        });
    }

    /// The same to all of them.
    pub(super) fn each(&self, job: impl Fn(&mut dyn Source) + Clone + Send + 'static) {
        for reader in [Some(&self.rings), self.timed.as_ref()].into_iter().flatten() {
            let job = job.clone();
            reader.with(move |sources| sources.iter_mut().for_each(|source| job(&mut **source)));
        }
    }

    /// No program fills this source any more; `written` records were.
    pub(super) fn retire(&mut self, by: ReadBy, id: SourceId, written: u64) {
        self.with(by, id, move |source| source.retire(written));
        self.forget(by);
    }

    /// Drops a source that no program has filled.
    pub(super) fn remove(&mut self, by: ReadBy, id: SourceId) {
        if let Some(reader) = self.get(by) {
            reader.with(move |sources| sources.retain(|source| source.id() != id));
        }
        self.forget(by);
    }

    fn forget(&mut self, by: ReadBy) {
        if by == ReadBy::Time {
            self.timed_sources = self.timed_sources.saturating_sub(1);
        }
    }

    /// Ends a thread that has nothing to read.
    pub(super) fn sweep(&mut self) {
        if let Some(timed) = self.timed.take_if(|_| self.timed_sources == 0) {
            timed.stop(Instant::now());
            timed.join();
        }
    }

    /// Returns after the next round that took something out of a ring, or found a sink without room.
    pub(in crate::runner) async fn activity(&self) {
        self.rings.activity().await;
    }

    /// Whether there was `--count`, and all of it came.
    pub(super) fn is_spent(&self) -> bool {
        self.budget.is_spent()
    }

    /// True if nothing will come any more from any source, and all that came was taken.
    pub(super) fn is_over(&self) -> bool {
        let count = |sources: &mut Sources| (sources.len(), sources.iter().filter(|source| source.is_over()).count());
        let readers = [Some(&self.rings), self.timed.as_ref()].into_iter().flatten();
        let counts = readers.map(|reader| reader.with(count).unwrap_or((1, 0)));
        let (all, over) = counts.fold((0, 0), |(all, over), (more, more_over)| (all + more, over + more_over));
        all > 0 && all == over
    }

    /// To be called when every program is silent: takes what is left until `deadline`.
    pub(super) fn finish(self, deadline: Instant) -> Sources {
        let readers = [Some(self.rings), self.timed].into_iter().flatten();
        let stopped: Vec<Reader> = readers.inspect(|reader| reader.stop(deadline)).collect();
        stopped.into_iter().flat_map(Reader::join).collect()
    }
}
