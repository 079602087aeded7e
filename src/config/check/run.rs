// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all files share: names, interfaces, files that are written.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::checked::{Checked, CheckedProbe, Config};
use crate::config::codes;
use crate::config::cx::NAMELESS;
use crate::config::destination::DestinationForm;
use crate::config::draft::Draft;
use crate::config::problem::Problem;
use crate::config::set::SetFile;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::Node;
use crate::spec::{AT_THE_END, Claim, Destination, Format, Place, ProbeId, Rights, SetSpec, SinkId, SinkSpec, Targets};

/// The files so far.
#[derive(Default)]
pub(crate) struct Run {
    names: HashMap<String, Location>,
    files: HashMap<PathBuf, (Format, Rights, Location)>,
    /// Which probe has an interface: its name, where it has one, and where it says so.
    interfaces: HashMap<String, (String, Location)>,
    probes: Vec<CheckedProbe>,
    sinks: Vec<SinkSpec>,
    sets: Vec<SetSpec>,
    set_files: Vec<SetFile>,
    sink_ids: HashMap<(Destination, Option<Format>), SinkId>,
    parked: Vec<ProbeId>,
    /// The variables that files declare; what they are is for each file alone.
    vars: BTreeSet<String>,
    /// The variables of files that have their values from the environment: file, name, and which of the environment.
    through: Vec<(PathBuf, String, Vec<String>)>,
    /// Some file could not be read as a whole.
    unread: bool,
    problems: Vec<Problem>,
}

impl Run {
    pub(crate) fn add_problems(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// Notes that a file could not be read as a whole: what it declares is not known.
    pub(super) fn note_unread(&mut self) {
        self.unread = true;
    }

    /// Notes that a file has a variable.
    pub(super) fn declare_var(&mut self, name: &str) {
        self.vars.insert(name.to_owned());
    }

    /// The variables of all files; `None` where they are not known.
    pub(super) fn declared_vars(&self) -> Option<BTreeSet<String>> {
        (!self.unread).then(|| self.vars.clone())
    }

    /// Notes which variables of a file have their values from the environment, and from which names there.
    pub(super) fn note_environment(&mut self, source: &SourceFile, vars: &mut Vec<(String, Vec<String>)>) {
        let some = vars.drain(..).filter(|(_, names)| !names.is_empty());
        self.through.extend(some.map(|(var, names)| (source.path.clone(), var, names)));
    }

    /// What has been noted of the environment.
    pub(super) fn take_environment(&mut self) -> Vec<(PathBuf, String, Vec<String>)> {
        std::mem::take(&mut self.through)
    }

    /// Takes a probe's name, whatever else is wrong with the probe.
    pub(crate) fn claim_name(&mut self, source: &Arc<SourceFile>, probe: &Node, problems: &mut Vec<Problem>) {
        let Some(node) = probe.at(&["name"]) else { return };
        let Some(name) = node.text() else { return };
        let place = Location::new(source, node.span);
        let Some(first) = self.names.get(name) else {
            self.names.insert(name.to_owned(), place);
            return;
        };
        let problem = Problem::new(codes::DUPLICATE_PROBE, place, format!("a second probe has the name `{name}`"));
        let problem = problem.related(first.clone(), "the first one");
        problems.push(problem.help("rename it: names must be unique in all files that run together"));
    }

    /// Makes room for the files of so many more sinks.
    pub(super) fn expect_files(&mut self, count: usize) {
        self.files.reserve(count);
    }

    /// Takes the file of a sink for its format.
    pub(crate) fn claim_file(&mut self, sink: &SinkSpec, place: &Location, problems: &mut Vec<Problem>) {
        let claim = (DestinationForm::of(&sink.destination).claim)(&sink.destination);
        let (Some(path), Some(format)) = (claim, sink.format) else { return };
        let Some((other, rights, first)) = self.files.get(&path) else {
            self.files.insert(path, (format, sink.rights.clone(), place.clone()));
            return;
        };
        if *other == format {
            if *rights != sink.rights {
                let message = format!("`{}` would be created with two modes or owners", path.display());
                let problem = Problem::new(codes::SINK_FORMATS, place.clone(), message).label("differs here");
                let problem = problem.related(first.clone(), "from this one");
                problems.push(problem.help("use the same `mode` and `owner` for both, or use one sink in both places"));
            }
            return;
        }
        let message = format!("`{}` would be written as {} and as {}", path.display(), other.name(), format.name());
        let problem = Problem::new(codes::SINK_FORMATS, place.clone(), message)
            .label(format!("as {}", format.name()))
            .related(first.clone(), format!("as {}", other.name()));
        problems.push(problem.help("use the same format for both, or write to two files"));
    }

    /// Takes a set that probes may ask for, once.
    pub(crate) fn add_set(&mut self, set: &SetSpec) {
        if self.sets.iter().all(|known| known.name != set.name) {
            self.sets.push(set.clone());
        }
    }

    /// Notes that sets are in files of their own.
    pub(super) fn add_set_files(&mut self, files: &[SetFile]) {
        self.set_files.extend(files.iter().cloned());
    }

    /// Takes a probe. One that is not whole has its problem: it is never run.
    pub(crate) fn add(&mut self, draft: Draft, problems: &mut Vec<Problem>) {
        let Draft { mut spec, program, places, sinks, enabled, source } = draft;
        if !enabled {
            self.parked.push(spec.id);
            return;
        }
        let to_metrics = sinks.iter().find(|sink| sink.destination == Destination::Metrics).cloned();
        for sink in sinks {
            let id = self.sink(sink);
            spec.sinks.push(id);
        }
        let probe = CheckedProbe { spec, program, source, places, values: Arc::default() };
        problems.extend(to_metrics.and_then(|sink| never_scraped(&probe, &sink)));
        self.claim_interface(&probe, problems);
        self.probes.push(probe);
    }

    /// The number of a sink; the same for all that write the same way to the same place.
    fn sink(&mut self, sink: SinkSpec) -> SinkId {
        let destination = plain(&sink.destination);
        let new = SinkId(self.sinks.len());
        let id = *self.sink_ids.entry((destination, sink.format)).or_insert(new);
        if id == new {
            self.sinks.push(sink);
        }
        id
    }

    fn claim_interface(&mut self, probe: &CheckedProbe, problems: &mut Vec<Problem>) {
        let Some(Claim::Interface(interface)) = crate::hook::claims(&probe.spec) else { return };
        let one = [interface];
        // What a glob matches, and which interface is the first that there is, is known on the machine only.
        let interfaces = match &probe.spec.targets {
            Targets::Each(names) => names.as_slice(),
            Targets::One => &one,
            Targets::FirstOf(_) => &[],
        };
        for interface in interfaces.iter().filter(|name| !Targets::is_pattern(name)) {
            self.claim_one(interface, probe, problems);
        }
    }

    fn claim_one(&mut self, interface: &String, probe: &CheckedProbe, problems: &mut Vec<Problem>) {
        let place = probe.locate(&Place::Entry(interface.clone()));
        let name = probe.spec.id.name.clone();
        let Some((owner, first)) = self.interfaces.get(interface) else {
            self.interfaces.insert(interface.clone(), (name, place));
            return;
        };
        let message = format!("two XDP probes use the interface `{interface}`");
        let by = |name: &str| if name == NAMELESS { "here".to_owned() } else { format!("by `{name}`") };
        let problem = Problem::new(codes::XDP_CLAIM, place, message)
            .label(format!("used {}", by(&name)))
            .related(first.clone(), format!("already used {}", by(owner)))
            .help("an interface runs one XDP program: park one of the probes with `enabled: false`");
        problems.push(problem);
    }

    /// The verdict.
    pub(crate) fn finish(self) -> Checked {
        let good = !self.problems.iter().any(Problem::is_error);
        let Self { probes, sinks, sets, set_files, parked, problems, .. } = self;
        if good {
            let config = Some(Config { probes, sinks, sets, parked });
            Checked { config, fragments: Vec::new(), set_files, problems }
        } else {
            Checked { config: None, fragments: probes, set_files, problems }
        }
    }
}

/// True for two that write the same way to the same place.
pub(crate) fn same_sink(one: &SinkSpec, two: &SinkSpec) -> bool {
    plain(&one.destination) == plain(&two.destination) && one.format == two.format
}

/// The same destination without detours.
fn plain(destination: &Destination) -> Destination {
    (DestinationForm::of(destination).plain)(destination)
}

/// `metrics` for a probe that has nothing to be scraped, or too late.
fn never_scraped(probe: &CheckedProbe, sink: &SinkSpec) -> Option<Problem> {
    let name = &probe.spec.id.name;
    let (message, help) = if !probe.counts() {
        (
            format!("`metrics` takes what is counted, and the probe `{name}` counts nothing: it has events"),
            "count them with `aggregate: { values: { events: count() } }`, or send them to another sink",
        )
    } else if probe.spec.interval == AT_THE_END {
        (
            format!("the probe `{name}` reports at its end, when nobody can scrape its metrics any more"),
            "give it an interval, such as `interval: 10s`: metrics add up what was counted",
        )
    } else {
        return None;
    };
    let named = |place: &Place| *place == Place::Sink(sink.name.clone());
    let span = probe.places.iter().find(|(place, _)| named(place)).or(probe.places.first()).map(|(_, span)| *span);
    let place = Location::new(&probe.source, span.unwrap_or(Span { start: 0, end: 0 }));
    Some(Problem::new(codes::NEEDLESS_KEY, place, message).help(help))
}
