// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run: checked probes become live ones, events go to sinks, and at the end every event is accounted for.
//!
//! ```text
//! start     prepare all ─▶ load all ─▶ open sinks ─▶ attach all          (one failure undoes everything)
//! run       reader thread: rings ─▶ encoders ─▶ sinks        main: signals, time, counters, losses
//! finish    silence all ─▶ last CPU leaves ─▶ drain rings ─▶ flush sinks ─▶ summary ─▶ detach, aside
//! ```
//!
//! What never happens here: nothing is printed; what people should read goes through [`Report`].

mod clock;
mod commands;
mod control;
mod daemon;
mod finish;
mod intake;
mod output;
mod problem;
mod reader;
mod sampler;
mod start;
mod unit;

pub use daemon::{DaemonOptions, Said, daemon};
pub use finish::Ended;
pub use problem::refusal;
pub use start::StartError;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::format::Look;

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
    let mut live = start::start(config, catalog, options)?;
    let mut control = control::Control::new().map_err(|error| vec![StartError::other(&error)])?;
    for unit in &live.units {
        if let Some(remark) = &unit.attached.remark {
            report(Report::Remark { probe: &unit.title, text: remark });
        }
    }
    let intakes = std::mem::take(&mut live.intakes);
    let reader = reader::Reader::spawn(intakes, Arc::clone(&live.budget), control.end());
    let reader = reader.map_err(|error| vec![StartError::other(&error)])?;
    let mechanism = |unit| -> (&str, &str) {
        let unit: &unit::Unit = unit;
        (&unit.title, &unit.attached.mechanism)
    };
    report(Report::Ready(live.units.iter().map(mechanism).collect()));
    control.run(&mut live, options);
    // The end may wait for a reader of standard error that does not read.
    control::let_signals_end_it();
    Ok(finish::finish(live, reader))
}
