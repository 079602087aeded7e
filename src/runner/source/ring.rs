// SPDX-License-Identifier: MIT OR Apache-2.0
//! A ring buffer of records.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::clock;
use super::commands::Commands;
use super::gate::Gate;
use super::held::Held;
use super::lookups::MachineLookups;
use super::outputs::Outputs;
use super::{Made, Making, Round, Source, SourceId};
use crate::kernel::{KernelError, Ring};
use crate::record::Lookups;
use crate::spec::{HookKind, Layout, LossCause};

/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);

/// How long before the end of the run functions have to be found out.
const LAST_NAMES: Duration = Duration::from_millis(200);

/// How long the records of a program that has ended wait for a sink that has no room.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// One ring, where its records go, and what became of them.
pub(super) struct RingSource {
    id: SourceId,
    ring: Ring,
    outputs: Outputs,
    /// Since when no program writes into the ring any more, and how many records were written: it goes when it is empty.
    retired: Option<(Instant, u64)>,
    /// What is left in the ring was counted as lost.
    given_up: bool,
    /// Something came out of the ring since it was last asked.
    active: bool,
    time_at: Option<usize>,
    comm_at: Option<usize>,
    layout: Layout,
    account: Arc<Account>,
    commands: Commands,
    gate: Gate,
    /// Taken out of the ring, and not delivered yet.
    held: Held,
}

/// The ring of a program whose events come by themselves.
pub(super) fn make(making: &Making<'_>, id: &mut dyn FnMut() -> SourceId) -> Made {
    if making.spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Iter) {
        return Ok(Vec::new());
    }
    let source = ring_source(making, id)?;
    Ok(source.map(|source| Box::new(source) as Box<dyn Source>).into_iter().collect())
}

/// The ring of a program with events.
pub(super) fn ring_source(
    making: &Making<'_>,
    id: &mut dyn FnMut() -> SourceId,
) -> Result<Option<RingSource>, KernelError> {
    let Some(layout) = &making.prepared.layout else { return Ok(None) };
    let comm = layout.process.iter().find(|field| making.by_command && field.name == "comm" && field.size == 16);
    let target = making.spec.shared_target();
    Ok(Some(RingSource {
        id: id(),
        ring: making.loaded.ring()?,
        outputs: Outputs::new((making.outputs)(layout)),
        retired: None,
        given_up: false,
        active: false,
        time_at: layout.time.map(|at| at as usize),
        comm_at: comm.map(|field| field.offset as usize),
        gate: Gate::new(layout, making.spec.limits, target, making.sets, Arc::clone(making.refusals)),
        layout: layout.clone(),
        account: Arc::default(),
        commands: Commands::default(),
        held: Held::default(),
    }))
}

impl RingSource {
    /// Empties the ring without delivering anything. Returns the number of records.
    fn discard(&mut self) -> u64 {
        let mut left = 0;
        self.ring.consume(|_| {
            left += 1;
            true
        });
        self.account.add_consumed(left);
        left
    }

    /// Delivers what has waited, as far as sinks have room.
    fn release(&mut self, round: &Round, all: bool) {
        let Self { outputs, gate, held, .. } = self;
        let lookups = &mut MachineLookups::of(round, false);
        while !held.is_empty() && outputs.has_room() {
            let Some(next) = held.next(all, |record| gate.is_known(record, lookups)) else { return };
            deliver(outputs, gate, &next.record, next.unix_ns, lookups);
        }
    }

    /// What is left is lost, and counted as such.
    fn give_up(&mut self, written: u64) {
        self.given_up = true;
        let left = self.discard() + self.held.give_up();
        let unreadable = self.account.give_up(written);
        self.outputs.add_lost(LossCause::QueueFull, left);
        self.outputs.add_lost(LossCause::Unreadable, unreadable);
        self.outputs.give_up();
    }
}

/// Hands a record to each output.
#[inline]
fn deliver(outputs: &mut Outputs, gate: &mut Gate, record: &[u8], unix_ns: u64, lookups: &mut dyn Lookups) {
    let full = gate.complete(record, lookups);
    for output in outputs.iter_mut() {
        if output.has_room() {
            output.event(full, unix_ns);
        } else {
            output.delivery.add_lost(LossCause::QueueFull, 1);
        }
    }
}

impl Source for RingSource {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn account(&self) -> Option<Arc<Account>> {
        Some(Arc::clone(&self.account))
    }

    fn ring(&self) -> Option<&Ring> {
        Some(&self.ring)
    }

    fn due(&self) -> Option<Instant> {
        (!self.held.is_empty()).then(|| Instant::now() + BLOCKED)
    }

    fn poll(&mut self, round: &Round) -> usize {
        self.release(round, false);
        let Self { ring, outputs, active, time_at, comm_at, account, commands, gate, held, .. } = self;
        let Round { clock, budget, .. } = round;
        let lookups = &mut MachineLookups::of(round, false);
        let count = ring.consume(|record| {
            if !outputs.has_room() {
                return false;
            }
            let boot_ns = time_at.and_then(|at| record.get(at..)?.first_chunk().copied()).map(u64::from_ne_bytes);
            lookups.is_urgent = true;
            let passes = gate.passes(record, boot_ns.unwrap_or(0), lookups);
            lookups.is_urgent = false;
            if !passes {
                return true;
            }
            if !budget.take() {
                account.add_after_count();
                return true;
            }
            let unix_ns = boot_ns.map_or_else(clock::now_unix_ns, |boot_ns| clock.unix_ns(boot_ns));
            if let Some(comm) = comm_at.and_then(|at| record.get(at..)?.first_chunk()) {
                commands.add(comm);
            }
            if gate.is_known(record, lookups) && held.is_empty() {
                deliver(outputs, gate, record, unix_ns, lookups);
            } else {
                held.push(record, unix_ns);
            }
            true
        });
        account.add_consumed(count as u64);
        account.set_waiting(ring.unreadable_for().is_some());
        *active |= count > 0;
        count
    }

    /// Unmaps the ring if nothing came since the last call.
    fn relax(&mut self) {
        if !std::mem::take(&mut self.active) {
            self.ring.relax();
        }
    }

    fn retire(&mut self, written: u64) {
        self.retired = Some((Instant::now(), written));
    }

    /// A sink that is stuck does not keep it for ever.
    fn is_done(&mut self) -> bool {
        let Some((since, written)) = self.retired else { return false };
        if since.elapsed() >= LAST_WORDS && !self.given_up {
            self.give_up(written);
        }
        (self.given_up || self.ring.is_empty()) && self.held.is_empty() && self.outputs.is_empty()
    }

    fn finish(&mut self, round: &Round, deadline: Instant) {
        while !self.ring.is_empty() && Instant::now() < deadline {
            if self.poll(round) > 0 {
                continue;
            }
            match self.outputs.blocked() {
                Some(sink) => drop(sink.wait_for_room(BLOCKED)),
                // It cannot be read now, and maybe never: what is left is counted when everything has ended.
                None => thread::sleep(BLOCKED),
            }
        }
        while !self.held.is_empty() && Instant::now() + LAST_NAMES < deadline {
            round.symbols.borrow_mut().refresh();
            self.release(round, false);
            thread::sleep(BLOCKED);
        }
        self.release(round, true);
        let undeliverable = self.discard() + self.held.give_up();
        self.account.add_undeliverable(undeliverable);
        self.outputs.finish(deadline);
    }

    fn take_commands(&mut self) -> Vec<(Vec<u8>, u64)> {
        self.commands.take_counts()
    }
}
