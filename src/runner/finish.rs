// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a run: detach, drain, flush, add up.

use std::thread;
use std::time::{Duration, Instant};

use super::reader::{Reader, ReaderTotals};
use super::start::{Live, LiveProbe};
use crate::format::{SinkTotals, SummaryRow};
use crate::kernel::settle;
use crate::sink::{Delivery, Sink};
use crate::spec::LossCause;

/// How long a CPU may take to leave a program after it was detached.
const LAST_CPU: Duration = Duration::from_secs(1);
/// How long a sink may take to write what it has.
const FLUSH: Duration = Duration::from_millis(1500);

/// Ends the run. Everything that the kernel produced is delivered or counted as lost when it returns.
pub(super) fn finish(mut live: Live, reader: Reader) -> Vec<SummaryRow> {
    live.probes.iter_mut().for_each(|probe| probe.attached.detach());
    settle();
    wait_for_last_cpu(&live);
    let totals = reader.finish();
    for sampler in live.probes.iter_mut().filter_map(|probe| probe.sampler.as_mut()) {
        sampler.finish();
    }
    live.report_losses();
    // All at once: two that are stuck take no longer than one.
    let deadline = Instant::now() + FLUSH;
    live.sinks.iter().for_each(|sink| sink.close_by(deadline));
    live.sinks.iter().for_each(|sink| sink.flush_and_close(FLUSH));
    let row = |(index, probe): (usize, &LiveProbe)| {
        let totals = totals.iter().find(|(of, _)| *of == index).map(|(_, totals)| totals);
        row(probe, totals)
    };
    live.probes.iter().enumerate().map(row).collect()
}

/// A grace period has passed since the programs were detached, where the kernel could be asked for one. Where it could
/// not, the counts come to rest when the last CPU has left.
fn wait_for_last_cpu(live: &Live) {
    let produced = || -> u64 {
        live.probes.iter().filter_map(|probe| probe.attached.counts()).map(|counts| counts.produced()).sum()
    };
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

fn row(probe: &LiveProbe, totals: Option<&ReaderTotals>) -> SummaryRow {
    let mut lost: Vec<(LossCause, u64)> = probe.lost().to_vec();
    let mut by_command = Vec::new();
    let counts = totals.and_then(|_| probe.attached.counts());
    let produced = counts.map(|counts| counts.produced() + probe.attached.missed());
    if let (Some(totals), Some(counts)) = (totals, counts) {
        let (produced, dropped) = (counts.produced(), counts.dropped());
        if produced != totals.consumed + dropped {
            // Never seen; if it happens, the numbers must not pretend that nothing did.
            tracing::error!(
                probe = probe.name(),
                produced,
                dropped,
                consumed = totals.consumed,
                "events are unaccounted for"
            );
        }
        lost.push((LossCause::AfterCount, totals.after_count));
        lost.push((LossCause::QueueFull, totals.undeliverable));
        by_command = totals.by_command.clone();
    }
    let sinks = probe.deliveries.iter().map(|(sink, delivery)| sink_totals(sink, delivery)).collect();
    SummaryRow { probe: probe.name().to_owned(), produced, lost, sinks, by_command }
}

fn sink_totals(sink: &Sink, delivery: &Delivery) -> SinkTotals {
    let lost = LossCause::ALL.into_iter().map(|cause| (cause, delivery.lost(cause))).collect();
    SinkTotals { name: sink.name().to_owned(), delivered: delivery.delivered(), lost, closed: sink.is_closed() }
}
