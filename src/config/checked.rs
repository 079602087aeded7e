// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a check makes of files: everything that a run needs, or what is left to ask the machine about.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::discretion::Values;
use super::problem::Problem;
use super::set::SetFile;
use super::source::{Location, SourceFile, Span};
use crate::catalog::Program;
use crate::spec::{Place, ProbeId, ProbeSpec, SetName, SetSpec, SinkSpec, Targets};
use crate::words;

/// What is left when nothing is wrong: everything that a run needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The probes to run, in the order of the files.
    pub probes: Vec<CheckedProbe>,
    /// The sinks that those probes use; [`crate::spec::SinkId`] counts here.
    pub sinks: Vec<SinkSpec>,
    /// The sets that those probes ask for, and others that their files declare; no name twice.
    pub sets: Vec<SetSpec>,
    /// Probes with `enabled: false`: checked, not to be run.
    pub parked: Vec<ProbeId>,
}

impl Config {
    /// The names of the sets that its probes ask for.
    pub fn used_sets(&self) -> BTreeSet<SetName> {
        self.probes.iter().flat_map(|probe| probe.spec.sets.iter().map(|set| set.name.clone())).collect()
    }
}

impl CheckedProbe {
    /// True for one that counts; others have events.
    pub fn counts(&self) -> bool {
        self.program.counters.is_some() || !self.spec.aggregates.is_empty()
    }
}

/// What a check found out.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration; `None` where a problem is an error.
    pub config: Option<Config>,
    /// Where there is no configuration: every probe that says where it attaches, without its parts that have a problem.
    /// Not to be run; to be asked about, so that what this machine says of it is known as well.
    pub fragments: Vec<CheckedProbe>,
    /// The sets that are in files of their own, whoever asks for them.
    pub set_files: Vec<SetFile>,
    /// All problems of all files, in the order of the files and of their lines.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// The probes that this machine can be asked about: those of the configuration, or what there is without one.
    pub fn probes(&self) -> &[CheckedProbe] {
        self.config.as_ref().map_or(&self.fragments, |config| &config.probes)
    }

    /// Puts problems that were found before the files were read in front, and takes the configuration away.
    #[must_use]
    pub fn refused_for(mut self, mut problems: Vec<Problem>) -> Self {
        if let Some(config) = self.config.take_if(|_| !problems.is_empty()) {
            self.fragments = config.probes;
        }
        problems.append(&mut self.problems);
        Self { problems, ..self }
    }
}

/// A probe that may run, and where its parts stand in its file.
#[derive(Debug, Clone)]
pub struct CheckedProbe {
    /// What decides how it runs.
    pub spec: ProbeSpec,
    /// What it runs: the program that `spec` names.
    pub program: Arc<Program>,
    pub(super) source: Arc<SourceFile>,
    pub(super) places: Vec<(Place, Span)>,
    /// What variables said when the files were checked.
    pub(super) values: Arc<Values>,
}

impl CheckedProbe {
    /// The file that it stands in.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// True where both come from one reading of the file.
    pub fn is_of_same_reading(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    /// A problem of the probe without what variables of the environment say.
    #[must_use]
    pub fn discreet(&self, problem: Problem) -> Problem {
        self.values.leave_out(problem)
    }

    /// Where in the file a part of the probe stands; the nearest thing around it where it is not written.
    pub fn locate(&self, place: &Place) -> Location {
        let mut wanted = place.clone();
        loop {
            let found = self.places.iter().find(|(known, _)| *known == wanted);
            if let Some(span) = self.span_of_part(&wanted) {
                return Location::new(&self.source, span);
            }
            if let Some((_, span)) = found.or_else(|| self.standing_for(&wanted)) {
                return Location::new(&self.source, *span);
            }
            wanted = match wanted {
                Place::Mode | Place::Entry(_) | Place::Binary | Place::Process | Place::BuildId => Place::Target,
                Place::Target
                | Place::Program
                | Place::Capture(_)
                | Place::Clause(_)
                | Place::Key(_)
                | Place::Aggregate(..) => Place::Hook,
                Place::SpanHook(role, number, of) => match *of {
                    Place::Hook | Place::Probe => Place::Hook,
                    Place::Part { of, .. } => Place::SpanHook(role, number, of),
                    Place::Entry(_) | Place::Mode | Place::Binary | Place::Process | Place::BuildId => {
                        Place::SpanHook(role, number, Box::new(Place::Target))
                    }
                    Place::Target
                    | Place::Clause(_)
                    | Place::Aggregate(..)
                    | Place::Key(_)
                    | Place::Capture(_)
                    | Place::Program
                    | Place::Param(_)
                    | Place::Sink(_)
                    | Place::SpanHook(..) => Place::SpanHook(role, number, Box::new(Place::Hook)),
                },
                Place::Param(_) => Place::Program,
                Place::Hook | Place::Sink(_) => Place::Probe,
                Place::Part { of, .. } => *of,
                Place::Probe => return Location::new(&self.source, Span::default()),
            };
        }
    }

    /// Where a part of a text stands that is noted as a whole.
    fn span_of_part(&self, wanted: &Place) -> Option<Span> {
        let Place::Part { of, range } = wanted else { return None };
        self.places.iter().find_map(|(known, span)| {
            let Place::Part { of: known, range: whole } = known else { return None };
            let holds = known == of && range.end <= whole.end;
            holds.then(|| Span::new(span.start + range.start, span.start + range.end))
        })
    }

    /// The first of several targets that stands for the name of an entry. What is neither named nor matched came with the
    /// one that says no name at all.
    fn standing_for(&self, wanted: &Place) -> Option<&(Place, Span)> {
        let Place::Entry(name) = wanted else { return None };
        let entry = |stands: &dyn Fn(&str) -> bool| {
            self.places.iter().find(|(known, _)| matches!(known, Place::Entry(entry) if stands(entry)))
        };
        entry(&|glob| words::matches_glob(glob, name)).or_else(|| entry(&|entry| entry == Targets::DEFAULT_ROUTE))
    }
}
