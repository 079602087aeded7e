// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a running unit reads: one file for each kind of source.
//!
//! ```text
//! ring buffer ──┐             ┌──▶ encoder ─▶ batch ─▶ sink
//! counters ─────┴─▶ poll ─▶ Outputs ─▶ …
//! ```
//!
//! A source belongs to a reader's thread (`engine::reader`), which polls it. What never happens here: no source decides when it ends, no
//! event waits for a lock.

mod account;
mod budget;
mod clock;
mod commands;
mod counted_snapshots;
mod counters;
mod gate;
mod held;
mod lookups;
mod output;
mod outputs;
mod refusals;
mod ring;
mod snapshots;
mod spans;
mod table_rows;
mod tables;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalog::Program;
use crate::kernel::{KernelError, Loaded, Prepared, Ring};
use crate::record::Sets;
use crate::spec::{Layout, ProbeSpec};
use crate::symbols::Symbols;

pub(super) use account::Account;
pub(super) use budget::{Budget, End};
pub(super) use clock::{Clock, now_unix_ns};
pub(super) use output::{Output, Route, outputs};
pub(super) use outputs::Outputs;
pub(super) use refusals::{AllRefusals, Refusals, Refused};
pub(super) use tables::SharedTables;

/// Tells a source from all others of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceId(pub(super) u64);

/// What all sources of a reader share in one round.
pub(super) struct Round {
    pub(super) clock: Clock,
    pub(super) budget: Arc<Budget>,
    /// What ids stand for on this machine.
    pub(super) symbols: RefCell<Symbols>,
    /// When the round began.
    pub(super) now: Instant,
}

impl Round {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { clock: Clock::new(), budget, symbols: RefCell::default(), now: Instant::now() }
    }

    /// Begins the next one.
    pub(super) fn next(&mut self) {
        self.clock.refresh();
        self.symbols.get_mut().refresh();
        self.now = Instant::now();
    }
}

/// What it takes to read something of a program.
pub(super) struct Making<'m> {
    pub(super) spec: &'m ProbeSpec,
    pub(super) program: &'m Program,
    pub(super) prepared: &'m Prepared,
    pub(super) loaded: &'m Loaded,
    /// The sets that the probe asks for.
    pub(super) sets: &'m dyn Sets,
    /// The tables that it counts in, where it does.
    pub(super) tables: Option<&'m Arc<SharedTables>>,
    /// Where it counts what the probe does not want.
    pub(super) refusals: &'m Arc<Refusals>,
    /// Its way to the unit's sinks, for events of a layout.
    pub(super) outputs: &'m dyn Fn(&Layout) -> Vec<Output>,
    /// Whether somebody wants to know at the end which commands caused events.
    pub(super) by_command: bool,
}

/// The sources of one kind; none where the program has nothing of that kind.
type Made = Result<Vec<Box<dyn Source>>, KernelError>;

/// Makes them.
type Make = fn(&Making<'_>, &mut dyn FnMut() -> SourceId) -> Made;

/// All kinds of sources.
pub(super) const KINDS: [Make; 5] = [ring::make, snapshots::make, counters::make, tables::make, spans::make];

/// What a unit reads: something that its program fills in the kernel, and the way from there to the unit's sinks.
pub(super) trait Source: Send {
    /// Tells it from others.
    fn id(&self) -> SourceId;

    /// What its events look like.
    fn layout(&self) -> &Layout;

    /// True where the next version of a program takes over what this one filled, if it is the same program with the same params: then it
    /// is read on.
    fn goes_on(&self) -> bool {
        false
    }

    /// Where its events go.
    fn outputs(&mut self) -> &mut Outputs;

    /// What was taken out of it; `None` where it has no events that could be lost before they are taken.
    fn account(&self) -> Option<Arc<Account>> {
        None
    }

    /// The ring buffer that wakes its reader; `None` where it is read when it is due.
    fn ring(&self) -> Option<&Ring> {
        None
    }

    /// When it wants to be polled; `None`: when its ring has something.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// A program fills it from now on.
    fn begin(&mut self) {}

    /// How often to report, where it reports at intervals.
    fn set_interval(&mut self, _interval: Duration) {}

    /// Takes what is there, as far as sinks have room. Returns the number of events or samples.
    fn poll(&mut self, round: &Round) -> usize;

    /// Frees the memory that it does not need while nothing comes. Called now and then.
    fn relax(&mut self) {}

    /// From now on nothing comes but what is there already: for a source that has its program run.
    fn pause(&mut self) {}

    /// True if nothing will come any more by itself, and all that came was taken.
    fn is_over(&self) -> bool {
        false
    }

    /// No program fills it any more. `written`: the records that ever were written, all of which are complete.
    fn retire(&mut self, written: u64);

    /// True for a retired one whose events are all handed over, or lost: its reader forgets it.
    fn is_done(&mut self) -> bool;

    /// The end of the run, no program fills it any more: takes what is left, and hands it over or counts it as lost until `deadline`.
    fn finish(&mut self, round: &Round, deadline: Instant);

    /// Its events by command, where they were counted. To be called once, at the end.
    fn take_commands(&mut self) -> Vec<(Vec<u8>, u64)> {
        Vec::new()
    }
}
