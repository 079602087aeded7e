// SPDX-License-Identifier: MIT OR Apache-2.0
//! One ring and where its records go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel::Ring;
use crate::runner::source::budget::Budget;
use crate::runner::source::clock::{self, Clock};
use crate::runner::source::commands::Commands;
use crate::runner::source::output::Output;
use crate::sink::Sink;
use crate::spec::{Layout, LossCause};

/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);

/// How long the records of a program that has ended wait for a sink that has no room.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the reader did with the records of one ring so far.
#[derive(Default)]
pub(in crate::runner) struct IntakeTotals {
    consumed: AtomicU64,
    after_count: AtomicU64,
    undeliverable: AtomicU64,
    unreadable: AtomicU64,
    waiting: AtomicBool,
}

impl IntakeTotals {
    /// Records that were taken out of the ring.
    pub(in crate::runner) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Those of them that came after `--count`.
    pub(in crate::runner) fn after_count(&self) -> u64 {
        self.after_count.load(Ordering::Relaxed)
    }

    /// Those of them that no sink could take in time at the end.
    pub(in crate::runner) fn undeliverable(&self) -> u64 {
        self.undeliverable.load(Ordering::Relaxed)
    }

    /// Records that were written and could never be taken out.
    pub(in crate::runner) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// True while there is no memory to read the ring with, or what is in it makes no sense: records wait, and are lost when it is
    /// full.
    pub(in crate::runner) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// To be called when nothing is read any more: of `written` records, those that were not taken out are lost. Returns how
    /// many that are.
    pub(in crate::runner) fn give_up(&self, written: u64) -> u64 {
        let left = written.saturating_sub(self.consumed() + self.unreadable());
        self.unreadable.fetch_add(left, Ordering::Relaxed);
        left
    }
}

/// One ring, its outputs, and what became of its records. Belongs to the reader thread.
pub(in crate::runner) struct Intake {
    /// Tells it from others.
    pub(in crate::runner) key: u64,
    pub(in crate::runner) ring: Ring,
    outputs: Vec<Output>,
    /// Outputs of an earlier route that still hold lines.
    leaving: Vec<Output>,
    /// Since when no program writes into the ring any more, and how many records were written: it goes when it is empty.
    retired: Option<(Instant, u64)>,
    /// What is left in the ring was counted as lost.
    given_up: bool,
    /// Something came out of the ring since it was last asked.
    active: bool,
    time_at: Option<usize>,
    comm_at: Option<usize>,
    totals: Arc<IntakeTotals>,
    commands: Commands,
}

impl Intake {
    pub(in crate::runner) fn new(key: u64, ring: Ring, layout: &Layout, outputs: Vec<Output>) -> Self {
        let comm = layout.process.iter().find(|field| field.name == "comm" && field.size == 16);
        Self {
            key,
            ring,
            outputs,
            leaving: Vec::new(),
            retired: None,
            given_up: false,
            active: false,
            time_at: layout.time.map(|at| at as usize),
            comm_at: comm.map(|field| field.offset as usize),
            totals: Arc::default(),
            commands: Commands::default(),
        }
    }

    /// What it did so far; goes on counting.
    pub(in crate::runner) fn totals(&self) -> Arc<IntakeTotals> {
        Arc::clone(&self.totals)
    }

    /// Events by command. To be called once, at the end.
    pub(in crate::runner) fn into_commands(self) -> Vec<(Vec<u8>, u64)> {
        self.commands.into_counts()
    }

    /// From now on records go there; what the outputs before hold is still delivered.
    pub(in crate::runner) fn route(&mut self, outputs: Vec<Output>) {
        self.leaving.append(&mut self.outputs);
        self.outputs = outputs;
    }

    /// A copy for somebody who looks on: it neither keeps records waiting nor is waited for.
    pub(in crate::runner) fn add_copy(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Ends the copies that go to this sink.
    pub(in crate::runner) fn remove_copies(&mut self, sink: &Arc<Sink>) {
        self.outputs.retain(|output| !(output.is_copy && Arc::ptr_eq(&output.sink, sink)));
    }

    /// The copies, which a successor takes over.
    pub(in crate::runner) fn take_copies(&mut self) -> Vec<Output> {
        let (copies, own) = std::mem::take(&mut self.outputs).into_iter().partition(|output| output.is_copy);
        self.outputs = own;
        copies
    }

    /// No program writes into the ring any more; `written` records were, and are complete.
    pub(in crate::runner) fn retire(&mut self, written: u64) {
        self.retired = Some((Instant::now(), written));
    }

    /// True for a retired ring whose records are all handed over, or lost: a sink that is stuck must not keep it for ever.
    pub(in crate::runner) fn is_done(&mut self) -> bool {
        let Some((since, written)) = self.retired else { return false };
        if since.elapsed() >= LAST_WORDS && !self.given_up {
            self.give_up(written);
        }
        let empty = |output: &Output| output.is_copy || output.is_empty();
        (self.given_up || self.ring.is_empty()) && self.outputs.iter().chain(&self.leaving).all(empty)
    }

    /// What is left is lost, and counted as such.
    fn give_up(&mut self, written: u64) {
        self.given_up = true;
        let mut left = 0;
        self.ring.consume(|_| {
            left += 1;
            true
        });
        self.totals.consumed.fetch_add(left, Ordering::Relaxed);
        let unreadable = self.totals.give_up(written);
        for output in self.outputs.iter().filter(|output| !output.is_copy) {
            output.delivery.add_lost(LossCause::QueueFull, left);
            output.delivery.add_lost(LossCause::Unreadable, unreadable);
        }
        self.outputs.iter_mut().chain(&mut self.leaving).for_each(|output| output.finish(Duration::ZERO));
    }

    /// Takes what is in the ring, as far as a sink has room. Returns how many records that were.
    pub(in crate::runner) fn drain(&mut self, clock: &Clock, budget: &Budget) -> usize {
        let Self { ring, outputs, active, time_at, comm_at, totals, commands, .. } = self;
        let count = ring.consume(|record| {
            if !outputs.iter_mut().any(|output| !output.is_copy && output.has_room()) {
                return false;
            }
            if !budget.take() {
                totals.after_count.fetch_add(1, Ordering::Relaxed);
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
        totals.consumed.fetch_add(count as u64, Ordering::Relaxed);
        totals.waiting.store(ring.unreadable_for().is_some(), Ordering::Relaxed);
        *active |= count > 0;
        count
    }

    /// Gives the memory of a ring back from which nothing came since the last call.
    pub(in crate::runner) fn relax(&mut self) {
        if !std::mem::take(&mut self.active) {
            self.ring.relax();
        }
    }

    /// True where lines wait for a slow reader who looks on.
    pub(in crate::runner) fn has_unsent_copies(&self) -> bool {
        self.outputs.iter().any(|output| output.is_copy && !output.is_empty())
    }

    /// True if everything could be handed over, copies aside.
    pub(in crate::runner) fn flush(&mut self) -> bool {
        let mut all = true;
        for output in self.outputs.iter_mut().chain(&mut self.leaving) {
            all &= output.flush() || output.is_copy;
        }
        self.leaving.retain(|output| !output.is_copy && !output.is_empty());
        all
    }

    /// The program is detached: takes what is left, within the time.
    pub(in crate::runner) fn finish(&mut self, clock: &Clock, budget: &Budget, deadline: Instant) {
        while !self.ring.is_empty() && Instant::now() < deadline {
            if self.drain(clock, budget) > 0 {
                continue;
            }
            match self.outputs.iter().find(|output| !output.is_copy && !output.sink.has_room()) {
                Some(output) => drop(output.sink.wait_for_room(BLOCKED)),
                // It cannot be read now, and maybe never: what is left is counted when everything has ended.
                None => thread::sleep(BLOCKED),
            }
        }
        let mut undeliverable = 0;
        self.ring.consume(|_| {
            undeliverable += 1;
            true
        });
        self.totals.undeliverable.fetch_add(undeliverable, Ordering::Relaxed);
        self.totals.consumed.fetch_add(undeliverable, Ordering::Relaxed);
        for output in self.outputs.iter_mut().chain(&mut self.leaving) {
            output.finish(deadline.saturating_duration_since(Instant::now()));
        }
    }
}
