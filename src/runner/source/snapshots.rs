// SPDX-License-Identifier: MIT OR Apache-2.0
//! Snapshots: records that a program writes because we read an iterator. It is read in pieces that fit into the ring, which is emptied
//! after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::account::Account;
use super::counted_snapshots;
use super::outputs::Outputs;
use super::ring::{RingSource, ring_source};
use super::{Made, Making, Round, Source, SourceId};
use crate::kernel::{KernelError, Ring, RunStats, Snapshot, Snapshots};
use crate::spec::{Layout, ONCE, Place};

/// What a record may take beyond its fields: its header, and where names of a path may run over.
const BESIDE_FIELDS: u64 = 272;

/// The ring, and what fills it.
struct SnapshotSource {
    ring: RingSource,
    snapshots: Snapshots,
    /// The one that is being taken.
    taking: Option<Snapshot>,
    /// How many items' records the ring holds.
    piece: usize,
    interval: Duration,
    /// When to take the next one; `None`: never again.
    next: Option<Instant>,
    /// The last one could not be taken.
    failing: bool,
    /// The runs of BPF programs are counted meanwhile.
    _stats: Option<RunStats>,
}

/// That of a program which runs for the items of a snapshot.
pub(super) fn make(making: &Making<'_>, id: &mut dyn FnMut() -> SourceId) -> Made {
    let failed = |error| KernelError::at(Place::Probe, format!("failed to keep the iterator: {error}"));
    let Some(snapshots) = making.loaded.snapshots().map_err(failed)? else { return Ok(Vec::new()) };
    let stats = RunStats::for_probe(making.prepared).unwrap_or_else(|error| {
        tracing::warn!(
            "failed to have the kernel count the runs of programs: {error}; run with CAP_SYS_ADMIN, or set `kernel.bpf_stats_enabled` to 1"
        );
        None
    });
    if let Some(tables) = making.tables {
        return Ok(vec![counted_snapshots::make(making, tables, snapshots, stats, id())]);
    }
    let Some(ring) = ring_source(making, id)? else { return Ok(Vec::new()) };
    let record = u64::from(ring.layout().size) + BESIDE_FIELDS;
    let piece = (ring.ring().map_or(0, Ring::size_bytes) / record) as usize;
    let interval = making.spec.interval;
    Ok(vec![Box::new(SnapshotSource {
        ring,
        snapshots,
        taking: None,
        piece,
        interval,
        next: None,
        failing: false,
        _stats: stats,
    })])
}

impl SnapshotSource {
    /// Takes the next piece, if there is room for it.
    fn go_on(&mut self) {
        let is_empty = self.ring.ring().is_none_or(Ring::is_empty);
        let Some(snapshot) = self.taking.as_mut().filter(|_| is_empty) else { return };
        match snapshot.advance(self.piece) {
            Ok(true) => {}
            Ok(false) => {
                self.taking = None;
                self.failing = false;
            }
            Err(error) => self.fail(&error),
        }
    }

    fn begin_next(&mut self, now: Instant) {
        let Some(next) = self.next.filter(|next| *next <= now && self.taking.is_none()) else { return };
        self.next = (self.interval != ONCE).then(|| {
            // Those that were missed (a stopped process, a snapshot that took longer) are left out.
            let late = now.saturating_duration_since(next).as_nanos() / self.interval.as_nanos().max(1);
            next + self.interval * u32::try_from(late + 1).unwrap_or(u32::MAX)
        });
        match self.snapshots.begin() {
            Ok(snapshot) => self.taking = Some(snapshot),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &std::io::Error) {
        self.taking = None;
        if !std::mem::replace(&mut self.failing, true) {
            let then = if self.next.is_some() { "; the next one is tried at its time" } else { "" };
            tracing::warn!("failed to take a snapshot: {error}{then}");
        }
    }
}

impl Source for SnapshotSource {
    fn id(&self) -> SourceId {
        self.ring.id()
    }

    fn layout(&self) -> &Layout {
        self.ring.layout()
    }

    fn outputs(&mut self) -> &mut Outputs {
        self.ring.outputs()
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.ring.account()
    }

    fn ring(&self) -> Option<&Ring> {
        self.ring.ring()
    }

    /// While one is taken, at once.
    fn due(&self) -> Option<Instant> {
        if self.taking.is_some() { Some(Instant::now()) } else { self.next }
    }

    fn begin(&mut self) {
        self.next = Some(Instant::now());
    }

    fn set_interval(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            self.next = (interval != ONCE).then(|| Instant::now() + interval);
        }
    }

    fn poll(&mut self, round: &Round) -> usize {
        let before = self.ring.poll(round);
        self.begin_next(round.now);
        // A sink without room keeps the ring from being emptied, and so the next piece from being taken.
        self.go_on();
        before + self.ring.poll(round)
    }

    fn relax(&mut self) {
        self.ring.relax();
    }

    fn pause(&mut self) {
        (self.taking, self.next) = (None, None);
    }

    fn is_over(&self) -> bool {
        self.taking.is_none() && self.next.is_none() && self.ring.ring().is_none_or(Ring::is_empty)
    }

    fn retire(&mut self, written: u64) {
        self.pause();
        self.ring.retire(written);
    }

    fn is_done(&mut self) -> bool {
        self.ring.is_done()
    }

    fn finish(&mut self, round: &Round, deadline: Instant) {
        self.pause();
        self.ring.finish(round, deadline);
    }

    fn take_commands(&mut self) -> Vec<(Vec<u8>, u64)> {
        self.ring.take_commands()
    }
}
