// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a unit is, what it does, and what differs between two versions of it.

use std::fmt;
use std::sync::Arc;

use crate::catalog::Program;
use crate::spec::{Destination, FileIdentity, ProbeId, ProbeSpec, SinkSpec};

/// What runs and is replaced as one: a probe, or one target of a probe that names several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId {
    /// The probe.
    pub probe: ProbeId,
    /// Its interface or function, where the file names several.
    pub target: Option<String>,
}

/// `opens`, `packets/eth0`
impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.probe.name)?;
        match &self.target {
            Some(target) => write!(f, "/{target}"),
            None => Ok(()),
        }
    }
}

/// Everything that decides what a unit does. Two that are equal do the same, whatever comments their files have and
/// whichever other probes there are.
#[derive(Debug, Clone)]
pub struct Content {
    /// The probe with one target. Its `sinks` are empty: their numbers depend on other probes.
    pub spec: ProbeSpec,
    /// What it runs. `spec` names it, so that nothing compares it.
    pub program: Arc<Program>,
    /// Where its events go, in the order of the file.
    pub sinks: Vec<SinkSpec>,
    /// The file that its hook is in, where it is in one. A package that is upgraded brings another one.
    pub binary: Option<FileIdentity>,
}

/// What has to change between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// What happens to the events: sinks, labels, interval, description. The program stays where it is.
    Route,
    /// The program, where it is attached, or how.
    Program,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        // What a sink is called changes nothing. One that several files write to is called as the first of them says, which
        // may go while the others stay.
        let same = |(one, two): (&SinkSpec, &SinkSpec)| one.destination == two.destination && one.format == two.format;
        let same_sinks = self.sinks.len() == other.sinks.len() && self.sinks.iter().zip(&other.sinks).all(same);
        same_sinks && self.spec == other.spec && self.binary == other.binary
    }
}

impl Content {
    /// `spec`, which runs `program`, with sinks that are numbers in `sinks`.
    pub fn new(spec: &ProbeSpec, program: &Arc<Program>, sinks: &[SinkSpec]) -> Self {
        let own: Vec<SinkSpec> = spec.sinks.iter().filter_map(|id| sinks.get(id.0)).cloned().collect();
        let is_shown = own.iter().any(|sink| sink.destination == Destination::Metrics);
        let description = if is_shown { spec.description.clone() } else { String::new() };
        let spec = ProbeSpec { sinks: Vec::new(), description, ..spec.clone() };
        Self { spec, program: Arc::clone(program), sinks: own, binary: None }
    }

    /// The same in another file.
    #[must_use]
    pub fn in_file(&self, binary: FileIdentity) -> Self {
        Self { binary: Some(binary), ..self.clone() }
    }

    /// The same in the file that it was attached to, which may have been replaced since its name was looked up.
    #[must_use]
    pub fn attached_to(&self, file: Option<FileIdentity>) -> Self {
        Self { binary: file.or(self.binary), ..self.clone() }
    }

    /// What differs from this one to the next.
    pub fn change(&self, next: &Self) -> Change {
        if self == next {
            return Change::None;
        }
        let ProbeSpec { labels, interval, description, .. } = &next.spec;
        let rerouted = ProbeSpec {
            labels: labels.clone(),
            interval: *interval,
            description: description.clone(),
            ..self.spec.clone()
        };
        if rerouted == next.spec && self.binary == next.binary { Change::Route } else { Change::Program }
    }
}
