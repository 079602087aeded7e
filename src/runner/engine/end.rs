// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a run: silence, drain, flush, add up, detach.

use std::thread;
use std::time::{Duration, Instant};

use crate::format::SummaryRow;
use crate::kernel::{Attached, settle};
use crate::runner::engine::reader::Reader;
use crate::runner::engine::unit::Unit;
use crate::runner::source::ring::IntakeTotals;
use crate::runner::start::Live;
use crate::spec::LossCause;

/// How long a CPU may take to leave a program after it was detached.
const LAST_CPU: Duration = Duration::from_secs(1);
/// How long sinks may take to have room for the last samples.
const LAST_SAMPLES: Duration = Duration::from_millis(500);
/// How long a sink may take to write what it has.
const FLUSH: Duration = Duration::from_millis(800);

/// What a run, or a daemon, came to.
pub struct Ended {
    /// What every probe did.
    pub rows: Vec<SummaryRow>,
    /// What is still attached, and does nothing any more. The kernel takes its time to detach it.
    pub silent: Vec<Attached>,
}

/// Ends the run. Everything that the kernel produced is delivered or counted as lost when it returns.
pub(in crate::runner) fn finish(mut live: Live, reader: Reader) -> Ended {
    live.units.iter_mut().for_each(|unit| unit.attached.silence());
    settle();
    wait_for_last_cpu(&live);
    let mut intakes = reader.finish();
    // One deadline for all: many that are stuck take no longer than one.
    let deadline = Instant::now() + LAST_SAMPLES;
    for sampler in live.units.iter_mut().filter_map(|unit| unit.sampler.as_mut()) {
        sampler.finish(deadline);
    }
    live.report_losses();
    let deadline = Instant::now() + FLUSH;
    live.sinks.iter().for_each(|sink| sink.close_by(deadline));
    live.sinks.iter().for_each(|sink| sink.flush_and_close(FLUSH));
    let row = |(index, unit): (usize, &Unit)| {
        let intake = intakes.iter().position(|intake| intake.key == index as u64);
        let by_command = intake.map(|at| intakes.swap_remove(at).into_commands()).unwrap_or_default();
        row(unit, by_command)
    };
    let rows = live.units.iter().enumerate().map(row).collect();
    Ended { rows, silent: live.units.into_iter().map(|unit| unit.attached).collect() }
}

/// A grace period has passed since the programs were detached, where the kernel could be asked for one. Where it could
/// not, the counts come to rest when the last CPU has left.
fn wait_for_last_cpu(live: &Live) {
    let produced =
        || -> u64 { live.units.iter().filter_map(|unit| unit.attached.counts()).map(|counts| counts.produced()).sum() };
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

fn row(unit: &Unit, by_command: Vec<(Vec<u8>, u64)>) -> SummaryRow {
    let counted = unit.counted();
    let mut lost: Vec<(LossCause, u64)> = counted.lost().to_vec();
    let counts = unit.intake.as_ref().and_then(|_| unit.attached.counts());
    let produced = counts.map(|_| counted.events());
    if let (Some(totals), Some(counts)) = (&unit.intake, counts) {
        check_account(&unit.title, counts.produced(), counts.dropped(), totals);
        lost.push((LossCause::AfterCount, totals.after_count()));
        lost.push((LossCause::QueueFull, totals.undeliverable()));
        lost.push((LossCause::Unreadable, totals.unreadable()));
    }
    SummaryRow {
        probe: unit.title.clone(),
        produced,
        lost,
        sinks: unit.sinks(),
        by_command,
        of_itself: counted.of_itself,
        missed_unknown: unit.missed_unknown(),
    }
}

/// To be called when nothing more is written and nothing more is read: what is left in the ring could not be read, and is lost.
/// Returns how many events that are.
pub(in crate::runner) fn check_account(title: &str, produced: u64, dropped: u64, totals: &IntakeTotals) -> u64 {
    let left = totals.give_up(produced.saturating_sub(dropped));
    if left > 0 {
        tracing::error!(probe = title, left, "events stayed in a ring buffer that could not be read");
    }
    let (consumed, unreadable) = (totals.consumed(), totals.unreadable());
    if consumed + unreadable + dropped != produced {
        // Never seen; if it happens, the numbers must not pretend that nothing did.
        tracing::error!(probe = title, produced, dropped, consumed, "events are unaccounted for");
    }
    left
}
