// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reader: one thread that takes records out of the rings, has them encoded, and hands batches to the sinks.
//!
//! While a probe's sinks have no room its ring fills up, where the kernel counts what it drops; other probes go on. After
//! a round that found something it rests for a moment, so that a busy probe costs a thousand wake-ups a second and not
//! one for each event; after an empty round it sleeps until the kernel has something.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::clock;
use super::clock::Clock;
use super::commands::Commands;
use super::control::{Budget, End};
use super::output::Output;
use super::start::Live;
use crate::kernel::{Ring, Waker, wait};
use crate::spec::{Layout, LossCause};

/// How long records gather after a round that found some.
const REST: Duration = Duration::from_millis(1);
/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);
/// How long the end waits for sinks without room.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What the reader did for one probe.
pub(super) struct ReaderTotals {
    /// Records that were taken out of the ring.
    pub(super) consumed: u64,
    /// Those of them that came after `--count`.
    pub(super) after_count: u64,
    /// Those of them that no sink could take in time at the end.
    pub(super) undeliverable: u64,
    pub(super) by_command: Vec<(Vec<u8>, u64)>,
}

/// One ring and where its records go.
pub(super) struct ReaderProbe {
    /// The probe's number in the run.
    pub(super) index: usize,
    pub(super) ring: Ring,
    pub(super) outputs: Vec<Output>,
    time_at: Option<usize>,
    comm_at: Option<usize>,
    totals: ReaderTotals,
    commands: Commands,
}

impl ReaderProbe {
    pub(super) fn new(index: usize, ring: Ring, layout: &Layout, outputs: Vec<Output>) -> Self {
        let comm = layout.process.iter().find(|field| field.name == "comm" && field.size == 16);
        let totals = ReaderTotals { consumed: 0, after_count: 0, undeliverable: 0, by_command: Vec::new() };
        Self {
            index,
            ring,
            outputs,
            time_at: layout.time.map(|at| at as usize),
            comm_at: comm.map(|field| field.offset as usize),
            totals,
            commands: Commands::default(),
        }
    }

    /// Takes what is in the ring, as far as a sink has room. Returns how many records that were.
    fn drain(&mut self, clock: &Clock, budget: &Budget) -> usize {
        let Self { ring, outputs, time_at, comm_at, totals, commands, .. } = self;
        let count = ring.consume(|record| {
            if !outputs.iter_mut().any(Output::has_room) {
                return false;
            }
            if !budget.take() {
                totals.after_count += 1;
                return true;
            }
            let boot_ns = time_at.and_then(|at| record.get(at..)?.first_chunk().copied()).map(u64::from_ne_bytes);
            let unix_ns = boot_ns.map_or_else(clock::now_unix_ns, |boot_ns| clock.unix_ns(boot_ns));
            if let Some(comm) = comm_at.and_then(|at| record.get(at..)?.first_chunk()) {
                commands.add(comm);
            }
            for output in outputs.iter_mut() {
                if output.has_room() {
                    output.event(record, unix_ns);
                } else {
                    output.delivery.add_lost(LossCause::QueueFull, 1);
                }
            }
            true
        });
        totals.consumed += count as u64;
        count
    }

    /// True if everything could be handed over.
    fn flush(&mut self) -> bool {
        let mut all = true;
        for output in &mut self.outputs {
            all &= output.flush();
        }
        all
    }

    /// The program is detached: takes what is left, within the time.
    fn finish(&mut self, clock: &Clock, budget: &Budget, deadline: Instant) {
        while !self.ring.is_empty() && Instant::now() < deadline {
            if self.drain(clock, budget) == 0
                && let Some(output) = self.outputs.iter().find(|output| !output.sink.has_room())
            {
                output.sink.wait_for_room(BLOCKED);
            }
        }
        let undeliverable = &mut self.totals.undeliverable;
        self.ring.consume(|_| {
            *undeliverable += 1;
            true
        });
        self.totals.consumed += self.totals.undeliverable;
        for output in &mut self.outputs {
            output.finish(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// The running thread.
pub(super) struct Reader {
    waker: Arc<Waker>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(usize, ReaderTotals)>>,
}

impl Reader {
    pub(super) fn spawn(live: &mut Live, end: Arc<End>) -> io::Result<Self> {
        let probes = std::mem::take(&mut live.readers);
        let waker = Arc::new(Waker::new()?);
        let stop = Arc::new(AtomicBool::new(false));
        let budget = Arc::clone(&live.budget);
        let body = {
            let (waker, stop) = (Arc::clone(&waker), Arc::clone(&stop));
            move || read(probes, &waker, &stop, &budget, &end)
        };
        let thread = thread::Builder::new().name("reader".to_owned()).spawn(body)?;
        Ok(Self { waker, stop, thread })
    }

    /// To be called when every program is detached: reads what is left and ends.
    pub(super) fn finish(self) -> Vec<(usize, ReaderTotals)> {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        self.thread.join().unwrap_or_default()
    }
}

fn read(
    mut probes: Vec<ReaderProbe>,
    waker: &Waker,
    stop: &AtomicBool,
    budget: &Budget,
    end: &End,
) -> Vec<(usize, ReaderTotals)> {
    let mut clock = Clock::new();
    while !stop.load(Ordering::Acquire) {
        clock.refresh();
        let count: usize = probes.iter_mut().map(|probe| probe.drain(&clock, budget)).sum();
        let mut flushed = true;
        for probe in &mut probes {
            flushed &= probe.flush();
        }
        if budget.is_spent() {
            end.request();
        }
        if !flushed {
            wait([].into_iter(), waker, Some(BLOCKED));
        } else if count == 0 {
            wait(probes.iter().map(|probe| &probe.ring), waker, None);
        } else if probes.iter().all(|probe| probe.ring.pending_bytes() < probe.ring.size_bytes() / 4) {
            wait([].into_iter(), waker, Some(REST));
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let finish = |mut probe: ReaderProbe| {
        probe.finish(&clock, budget, deadline);
        let by_command = probe.commands.into_counts();
        (probe.index, ReaderTotals { by_command, ..probe.totals })
    };
    probes.into_iter().map(finish).collect()
}
