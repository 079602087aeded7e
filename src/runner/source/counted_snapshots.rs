// SPDX-License-Identifier: MIT OR Apache-2.0
//! Snapshots whose items are counted: each is taken as a whole, and then its tables are read, before the next one begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::outputs::Outputs;
use super::{Making, Round, SharedTables, Source, SourceId};
use crate::kernel::{RunStats, Snapshots};
use crate::spec::{Layout, ONCE};

/// Items of one reading.
const PIECE: usize = 4096;

/// What takes the snapshots of one unit. It has no rows: the tables have.
struct CountedSnapshots {
    id: SourceId,
    shared: Arc<SharedTables>,
    snapshots: Snapshots,
    layout: Layout,
    outputs: Outputs,
    interval: Duration,
    /// When to take the next one; `None`: never again.
    next: Option<Instant>,
    /// The last one could not be taken.
    failing: bool,
    ended: bool,
    /// The runs of BPF programs are counted meanwhile.
    _stats: Option<RunStats>,
}

/// That of a program which counts the items of a snapshot.
pub(super) fn make(
    making: &Making<'_>,
    shared: &Arc<SharedTables>,
    snapshots: Snapshots,
    stats: Option<RunStats>,
    id: SourceId,
) -> Box<dyn Source> {
    Box::new(CountedSnapshots {
        id,
        shared: Arc::clone(shared),
        snapshots,
        layout: Layout::default(),
        outputs: Outputs::new(Vec::new()),
        interval: making.spec.interval,
        next: None,
        failing: false,
        ended: false,
        _stats: stats,
    })
}

impl CountedSnapshots {
    /// Has the kernel go over all items. The thread that does it reads tables at intervals, and no ring.
    fn take(&mut self) -> std::io::Result<()> {
        let mut snapshot = self.snapshots.begin()?;
        while snapshot.advance(PIECE)? {}
        Ok(())
    }
}

impl Source for CountedSnapshots {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn due(&self) -> Option<Instant> {
        self.next
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
        let Some(next) = self.next.filter(|next| *next <= round.now && !self.shared.has_snapshot()) else { return 0 };
        self.next = (self.interval != ONCE).then(|| {
            // Those that were missed are left out.
            let late = round.now.saturating_duration_since(next).as_nanos() / self.interval.as_nanos().max(1);
            next + self.interval * u32::try_from(late + 1).unwrap_or(u32::MAX)
        });
        match self.take() {
            Ok(()) => self.failing = false,
            Err(error) if !std::mem::replace(&mut self.failing, true) => {
                let then = if self.next.is_some() { "; the next one is tried at its time" } else { "" };
                tracing::warn!("failed to take a whole snapshot: {error}{then}");
            }
            Err(_) => {}
        }
        self.shared.took_snapshot();
        0
    }

    fn pause(&mut self) {
        self.next = None;
    }

    fn is_over(&self) -> bool {
        self.next.is_none()
    }

    fn retire(&mut self, _written: u64) {
        (self.next, self.ended) = (None, true);
    }

    fn is_done(&mut self) -> bool {
        self.ended
    }

    fn finish(&mut self, _round: &Round, _deadline: Instant) {
        (self.next, self.ended) = (None, true);
    }
}
