// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run of all probes of a configuration, or of none.

use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, let_signals_end_it};
use super::start::{StartError, start};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::format::Look;
use crate::runner::engine::end::{Ended, finish};
use crate::runner::engine::reader::Reader;
use crate::runner::engine::unit::Unit;

/// When a run ends by itself, and how `pretty` looks.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// End after this time, counted from the moment when everything is attached.
    pub duration: Option<Duration>,
    /// End after this many events; an interval's counters count as one.
    pub count: Option<u64>,
    /// How `pretty` looks.
    pub look: Look,
}

/// What a run tells people while it goes on.
pub enum Report<'a> {
    /// Something about a probe that a person should know, such as a fallback.
    Remark {
        /// The probe's name.
        probe: &'a str,
        /// One sentence.
        text: &'a str,
    },
    /// Everything is attached. Name and mechanism of each probe.
    Ready(Vec<(&'a str, &'a str)>),
}

/// Runs until a signal, `--duration`, `--count`, or until nobody reads the output any more. Returns what every probe did.
pub fn run(
    config: &Config,
    catalog: &Catalog,
    options: &Options,
    mut report: impl FnMut(Report<'_>),
) -> Result<Ended, Vec<StartError>> {
    // Until here a signal ends the process at once, however long the start takes; nothing outlives it.
    let mut live = start(config, catalog, options.count, &options.look)?;
    let mut control = Control::new().map_err(|error| vec![StartError::other(&error)])?;
    for unit in &live.units {
        if let Some(remark) = &unit.attached.remark {
            report(Report::Remark { probe: &unit.title, text: remark });
        }
    }
    let intakes = std::mem::take(&mut live.intakes);
    let reader = Reader::spawn(intakes, Arc::clone(&live.budget), control.end());
    let reader = reader.map_err(|error| vec![StartError::other(&error)])?;
    fn mechanism(unit: &Unit) -> (&str, &str) {
        (&unit.title, &unit.attached.mechanism)
    }
    report(Report::Ready(live.units.iter().map(mechanism).collect()));
    control.run(&mut live, options.duration);
    // The end may wait for a reader of standard error that does not read.
    let_signals_end_it();
    Ok(finish(live, reader))
}
