// SPDX-License-Identifier: MIT OR Apache-2.0
//! The engine: makes, exchanges, reads and ends units for both ways to run.
//!
//! ```text
//! make      prepare ─▶ load ─▶ sources ─▶ attach ─▶ read
//! swap      the program, its place, its sinks: what ran before runs on where the kernel refuses
//! end       silence ─▶ settle ─▶ drain ─▶ flush ─▶ close ─▶ add up
//! ```
//!
//! `once` runs all probes of a configuration with it, or none; `daemon` makes what runs follow the files. What never happens here:
//! nothing is printed, no file of a configuration is read.

mod deliveries;
mod end;
mod make;
mod notices;
mod reader;
mod readers;
mod retire;
mod sinks;
mod swap;
mod tables;
mod tails;
mod tally;
mod unit;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use self::readers::Readers;
use self::retire::Retiring;
use self::sinks::Sinks;
use self::tables::Tables;
use self::tails::Tails;
use super::sets::LiveSets;
use super::source::{Budget, End};
use crate::format::Look;
use crate::kernel::Host;
use crate::runner::watcher::Watcher;

pub use end::Ended;
pub(super) use make::{Draft, Made};
pub(super) use reader::Sources;
pub(super) use retire::detach_aside;
pub(super) use tails::News;
pub(super) use unit::Unit;

/// What units are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They run to the end as they are.
    Once,
    /// They are exchanged without a gap when a file changes, and a file system that does not answer holds up none of them. `guarded`: programs and libraries
    /// that others than root could change are refused.
    Follow { guarded: bool },
}

/// Everything that units share.
pub(super) struct Engine {
    pub(super) sinks: Sinks,
    pub(super) readers: Readers,
    /// How `pretty` looks.
    pub(super) look: Look,
    /// Somebody who looks at samples.
    pub(super) watcher: Option<Watcher>,
    pub(super) tails: Tails,
    pub(super) sets: LiveSets,
    tables: Tables,
    purpose: Purpose,
    retiring: Retiring,
    last_id: u64,
}

impl Engine {
    /// An engine without units. `end` is told when the budget is spent. Fails where the kernel refuses a thread.
    pub(super) fn new(look: Look, purpose: Purpose, budget: Budget, end: Arc<End>) -> io::Result<Self> {
        Ok(Self {
            sinks: Sinks::new(purpose == Purpose::Once),
            readers: Readers::new(budget, end)?,
            look,
            watcher: None,
            tails: Tails::default(),
            tables: Tables::default(),
            sets: LiveSets::new(purpose == Purpose::Follow { guarded: true }),
            purpose,
            retiring: Retiring::default(),
            last_id: 0,
        })
    }

    /// This machine, as it is now.
    pub(super) fn host(&self) -> Host {
        match self.purpose {
            Purpose::Follow { guarded: true } => Host::guarded(),
            Purpose::Follow { guarded: false } | Purpose::Once => Host::default(),
        }
    }

    /// From now on a copy of what this probe reports, or all of `units`, goes to a connection.
    pub(super) fn add_tail<'u>(
        &mut self,
        stream: OwnedFd,
        probe: Option<String>,
        units: impl Iterator<Item = &'u Unit>,
    ) -> Result<(), String> {
        self.tails.add(stream, probe, units, &self.readers, &self.look)
    }

    /// Looks after retired sources, unused sinks, and those who look on. True while there are some.
    pub(super) fn sweep(&mut self) -> bool {
        let retires = self.retiring.sweep();
        self.readers.sweep();
        self.sinks.sweep(Instant::now());
        self.tails.sweep(&self.readers, &self.look);
        retires || self.sinks.is_closing() || !self.tails.is_empty()
    }

    /// Whether there was a `--count`, and all of it came.
    pub(super) fn is_spent(&self) -> bool {
        self.readers.is_spent()
    }

    /// Whether nothing will come any more: all probes are snapshots that were taken.
    pub(super) fn is_over(&self) -> bool {
        self.readers.is_over()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
