// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of units: silence, settle, drain, flush, close, add up.

use std::thread;
use std::time::{Duration, Instant};

use super::Engine;
use super::reader::Sources;
use super::unit::{Lineage, Unit};
use crate::format::SummaryRow;
use crate::kernel::{Attached, Counts, OpenSpans, settle};
use crate::runner::source::SourceId;
use crate::spec::{HookKind, LossCause};

/// How long a CPU may take to leave a program after it was silenced.
const LAST_CPU: Duration = Duration::from_secs(1);
/// How long the end waits for sinks that have no room.
const LAST_READS: Duration = Duration::from_secs(1);
/// How long sinks may take after that to write what they have.
const LAST_WRITES: Duration = Duration::from_millis(400);
/// The same where the readers were done at once.
const MOST_WRITES: Duration = Duration::from_millis(800);

/// What a run, or a daemon, came to.
pub struct Ended {
    /// What every probe did.
    pub rows: Vec<SummaryRow>,
    /// What is still attached, and does nothing any more. The kernel takes its time to detach it.
    pub silent: Vec<Attached>,
}

impl Engine {
    /// Silences units and has the readers take what is left of their events. Their counts are final afterwards.
    pub(in crate::runner) fn end<'u>(&mut self, units: impl IntoIterator<Item = &'u mut Unit>) {
        let mut units: Vec<&mut Unit> = units.into_iter().collect();
        if units.is_empty() {
            return;
        }
        units.iter().for_each(|unit| self.let_snapshots_end(unit));
        units.iter_mut().for_each(|unit| unit.attached.silence());
        settle();
        for unit in units {
            let readings = std::mem::take(&mut unit.readings);
            self.retiring.take(unit, &readings, unit.attached.counts(), &mut self.readers);
            unit.has_ended = true;
            unit.report_losses();
        }
    }

    /// A snapshot that is counted is one as a whole only: no program is silenced in the middle of it.
    fn let_snapshots_end(&self, unit: &Unit) {
        if unit.counts() && unit.content.spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Iter) {
            unit.readings.iter().for_each(|reading| self.readers.with(reading.by, reading.id, |source| source.pause()));
        }
    }

    /// Ends the run. `units` are all that still run; when it returns, every event that the kernel produced is delivered or counted as
    /// lost.
    pub(in crate::runner) fn finish(mut self, mut units: Vec<Unit>) -> Ended {
        units.iter().for_each(|unit| self.let_snapshots_end(unit));
        units.iter_mut().for_each(|unit| unit.attached.silence());
        settle();
        wait_for_last_cpu(&units);
        let deadline = Instant::now() + LAST_READS;
        self.tails.close_by(deadline);
        let mut sources = self.readers.finish(deadline);
        for unit in &mut units {
            unit.report_losses();
            check_spans(unit);
            if let Some(counts) = unit.attached.counts() {
                for account in unit.accounts() {
                    account.close(&unit.title, counts.produced(), counts.unwritten());
                }
            }
        }
        let retired = self.retiring.finish();
        self.sinks.finish(time_to_write(deadline, Instant::now()));
        let rows = units.iter().map(|unit| row(unit, &retired, &mut sources)).collect();
        Ended { rows, silent: units.into_iter().map(|unit| unit.attached).collect() }
    }
}

/// How long sinks have, where readers had until `deadline` and are done `now`. Where a stuck one has taken the readers' time, less is
/// left for all: systemd and people wait. Readers that are late themselves, with a name of a large program, take nothing from them.
fn time_to_write(deadline: Instant, now: Instant) -> Duration {
    (deadline + LAST_WRITES).saturating_duration_since(now).clamp(LAST_WRITES, MOST_WRITES)
}

/// A grace period has passed since the programs were silenced, where the kernel could be asked for one. Where it could
/// not, the counts come to rest when the last CPU has left.
fn wait_for_last_cpu(units: &[Unit]) {
    let counts = || units.iter().filter_map(|unit| unit.attached.counts());
    let produced = || -> u64 { counts().map(Counts::produced).sum() };
    if counts().next().is_none() {
        return;
    }
    let deadline = Instant::now() + LAST_CPU;
    let mut before = produced();
    while Instant::now() < deadline {
        thread::sleep(Duration::from_micros(200));
        let now = produced();
        if now == before {
            return;
        }
        before = now;
    }
}

/// What is open is what has begun and neither ended nor was given up.
fn check_spans(unit: &Unit) {
    let Some(spans) = unit.counted().spans else { return };
    let open = unit.attached.counts().and_then(Counts::open_spans).map_or(0, OpenSpans::count);
    if open != spans.open() {
        // Never seen; if it happens, the numbers must not pretend that nothing did.
        tracing::error!(probe = unit.title, open, ?spans, "spans are unaccounted for");
    }
}

/// What one unit did. `retired`: what was lost in sources that its earlier programs filled.
fn row(unit: &Unit, retired: &[(Lineage, [(LossCause, u64); 3])], sources: &mut Sources) -> SummaryRow {
    let counted = unit.counted();
    let earlier = retired.iter().filter(|(lineage, _)| *lineage == unit.lineage).map(|(_, lost)| *lost);
    let in_sources = unit.accounts().map(|account| account.lost()).chain(earlier).flatten();
    let is_its = |id: SourceId| unit.readings.iter().any(|reading| reading.id == id);
    let its = sources.iter_mut().filter(|source| is_its(source.id()));
    SummaryRow {
        probe: unit.title.clone(),
        produced: (unit.has_events() || unit.counts()).then(|| counted.events()),
        counted: unit.counts().then(|| counted.counted()),
        lost: counted.lost().into_iter().chain(in_sources).collect(),
        sinks: unit.sinks(),
        by_command: its.flat_map(|source| source.take_commands()).collect(),
        filtered: counted.filtered,
        undecided: counted.undecided,
        of_itself: counted.of_itself,
        spans: counted.spans,
        full_tables: unit.full_tables(),
        missed_unknown: unit.missed_unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readers that come early leave more, late ones never less than a sink that works needs.
    #[test]
    fn sinks_have_their_time() {
        let deadline = Instant::now() + LAST_READS;
        let after = |late: Duration| time_to_write(deadline, deadline + late);
        assert_eq!(time_to_write(deadline, deadline - LAST_READS), MOST_WRITES);
        assert_eq!((after(Duration::ZERO), after(Duration::from_secs(9))), (LAST_WRITES, LAST_WRITES));
    }
}
