// SPDX-License-Identifier: MIT OR Apache-2.0
//! The second gate: the rules. Raw probes become [`ProbeSpec`]s; one file for each topic.

mod defaults;
mod fields;
mod file;
mod hook;
mod partial;
mod probe;
mod program;
mod run;
mod sinks;
mod user_function;
mod values;

pub(super) use file::THROUGH;
pub(super) use values::duration;

use std::sync::Arc;

use super::environment::Environment;
use super::problem::Problem;
use super::source::{Location, SourceFile, Span};
use crate::catalog::Catalog;
use crate::spec::{Place, ProbeId, ProbeSpec, SinkSpec};

/// What is left when nothing is wrong: everything that a run needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The probes to run, in the order of the files.
    pub probes: Vec<CheckedProbe>,
    /// The sinks that those probes use; [`crate::spec::SinkId`] counts here.
    pub sinks: Vec<SinkSpec>,
    /// Probes with `enabled: false`: checked, not to be run.
    pub parked: Vec<ProbeId>,
}

/// What a check found out.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration; `None` where a problem is an error.
    pub config: Option<Config>,
    /// All problems of all files, in the order of the files and of their lines.
    pub problems: Vec<Problem>,
}

/// A probe that may run, and where its parts stand in its file.
#[derive(Debug, Clone)]
pub struct CheckedProbe {
    /// What decides how it runs.
    pub spec: ProbeSpec,
    source: Arc<SourceFile>,
    places: Vec<(Place, Span)>,
}

impl CheckedProbe {
    /// Where in the file a part of the probe stands; the nearest thing around it where it is not written.
    pub fn locate(&self, place: &Place) -> Location {
        let mut wanted = place.clone();
        loop {
            if let Some((_, span)) = self.places.iter().find(|(known, _)| *known == wanted) {
                return Location::new(&self.source, *span);
            }
            wanted = match wanted {
                Place::Mode | Place::Binary | Place::Process => Place::Target,
                Place::Target | Place::Program | Place::Capture(_) => Place::Hook,
                Place::Param(_) => Place::Program,
                Place::Hook | Place::Sink(_) => Place::Probe,
                Place::Probe => return Location::new(&self.source, Span::default()),
            };
        }
    }
}

/// Checks files that run together. Nothing outside of the arguments is looked at; what `${env:NAME}` in the files stands
/// for, `environment` knows.
pub fn check(files: &[SourceFile], catalog: &Catalog, environment: &Environment<'_>) -> Checked {
    let mut run = run::Run::default();
    for file in files {
        file::check(&Arc::new(file.clone()), catalog, environment, &mut run);
    }
    run.finish()
}
