// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading what runs: everything at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::entry::Entry;
use super::service::headline;
use super::state::Daemon;
use crate::config::render;
use crate::format::SinkTotals;
use crate::plan::UnitId;
use crate::runner::engine::Unit;
use crate::runner::source::now_unix_ns;
use crate::sink::Sink;
use crate::spec::{LossCause, SinkSpec, SpanCounts};
use crate::status::{FileState, FileStatus, ProbeState, ProbeStatus, SinkShare, SinkStatus, Status};
use crate::words::path_text;

impl Daemon<'_> {
    /// Everything at this moment.
    pub(super) fn snapshot(&self) -> Status {
        let entries = self.units.entries.iter().map(|(id, entry)| {
            let mut status = probe(id, entry);
            status.rate = self.rates.borrow_mut().rate(id, status.produced.unwrap_or(status.delivered));
            status
        });
        let mut probes: Vec<ProbeStatus> = entries.chain(self.stopped()).collect();
        probes.sort_by(|a, b| (&a.file, &a.name, &a.target).cmp(&(&b.file, &b.name, &b.target)));
        self.rates.borrow_mut().keep(|id| self.units.entries.contains_key(id));
        let sinks = self.units.engine.sinks.iter();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_unix_ns: self.started_unix_ns,
            now_unix_ns: now_unix_ns(),
            generation: self.followed.generation,
            config_hash: self.followed.hash(),
            reloads: self.reloads,
            directories: self.roots.status(),
            files: self.files(),
            probes,
            sinks: sinks.map(|(spec, sink)| sink_status(spec, sink)).collect(),
        }
    }

    /// What runs, in one line, without asking the kernel.
    pub(super) fn headline(&self) -> String {
        let stopped = self.followed.stopped.keys().map(|_| ProbeState::Stopped);
        // Those of a directory that is not read have no mistake of their own.
        let bad_files = self.followed.refused.values().flatten().filter(|problem| !self.roots.is_said(problem));
        let bad_files: BTreeSet<&Path> = bad_files.map(|problem| problem.primary.source.path.as_path()).collect();
        let text = headline(self.units.entries.values().map(state).chain(stopped), bad_files.len());
        self.roots.headline().map_or_else(|| text.clone(), |roots| format!("{text}; {roots}"))
    }

    fn files(&self) -> Vec<FileStatus> {
        let followed = &self.followed;
        let mut paths: Vec<&Path> = followed.texts.keys().chain(followed.refused.keys()).map(AsRef::as_ref).collect();
        paths.sort();
        paths.dedup();
        let file = |path: &Path| {
            let problems = followed.refused.get(path);
            let state = match problems {
                None => FileState::Ok,
                Some(_) if followed.texts.contains_key(path) => FileState::Kept,
                Some(_) => FileState::Refused,
            };
            let probes = followed.config.iter().flat_map(|config| &config.probes);
            let remarks = self.roots.remarks.iter().filter(|remark| remark.primary.source.path == path);
            FileStatus {
                path: path_text(path).into_owned(),
                state,
                probes: probes.filter(|probe| probe.path() == path).count(),
                problems: problems.into_iter().flatten().chain(remarks).map(|problem| render(problem, false)).collect(),
            }
        };
        paths.into_iter().map(file).collect()
    }

    /// Probes that were stopped by hand.
    fn stopped(&self) -> impl Iterator<Item = ProbeStatus> {
        let probes = self.followed.config.iter().flat_map(|config| &config.probes);
        probes.filter_map(|checked| {
            let stopped = self.followed.stopped.get(&checked.spec.id)?;
            let id = UnitId { probe: checked.spec.id.clone(), target: None };
            let entry = Entry::new(checked.clone(), stopped.since_unix_ns);
            Some(ProbeStatus { state: ProbeState::Stopped, ..probe(&id, &entry) })
        })
    }
}

fn state(entry: &Entry) -> ProbeState {
    match (&entry.running, &entry.failure) {
        (Some(_), None) => ProbeState::Running,
        (Some(_), Some(_)) => ProbeState::Outdated,
        (None, Some(failure)) if failure.waiting => ProbeState::Waiting,
        (None, _) => ProbeState::Failed,
    }
}

fn sink_status(spec: &SinkSpec, sink: &Sink) -> SinkStatus {
    SinkStatus {
        name: sink.name().to_owned(),
        destination: spec.destination.to_string(),
        open: !sink.is_closed(),
        written_bytes: sink.written_bytes(),
        failed_writes: sink.failed_writes(),
        error: sink.trouble().unwrap_or_default(),
    }
}

fn probe(id: &UnitId, entry: &Entry) -> ProbeStatus {
    let running = entry.running.as_ref();
    let stats = running.and_then(|unit| unit.attached.run_stats());
    // In the order that an event goes, backwards: what sinks have first, what was produced last. While events come, no count
    // is then more than those that it is a part of.
    let sinks = running.map(Unit::sinks).unwrap_or_default();
    let counted = running.map(Unit::counted).unwrap_or_default();
    ProbeStatus {
        name: id.probe.name.clone(),
        target: id.target.clone(),
        file: path_text(entry.checked.path()).into_owned(),
        state: state(entry),
        since_unix_ns: entry.since_unix_ns,
        generation: entry.versions,
        mechanism: running.map(|unit| unit.attached.mechanism.clone()).unwrap_or_default(),
        error: error(entry),
        produced: running.filter(|unit| unit.has_events() || unit.counts()).map(|_| counted.events()),
        delivered: sinks.iter().map(|sink| sink.delivered).sum(),
        rate: 0.0,
        lost: by_cause(sinks.iter().flat_map(|sink| sink.lost.iter().copied()).chain(counted.lost())),
        uncounted: running
            .filter(|unit| unit.missed_unknown())
            .map(|_| LossCause::Missed.name().to_owned())
            .into_iter()
            .collect(),
        filtered: counted.filtered,
        undecided: counted.undecided,
        of_itself: counted.of_itself,
        spans: counted.spans.iter().flat_map(SpanCounts::named).map(|(name, count)| (name.to_owned(), count)).collect(),
        full_tables: running.map(Unit::full_tables).unwrap_or_default(),
        sinks: sinks.iter().map(share).collect(),
        kernel_memory_bytes: running.map_or(0, |unit| unit.attached.kernel_memory_bytes()),
        runs: stats.map(|(runs, _)| runs),
        run_time_ns: stats.map(|(_, time)| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        links: running.map(|unit| unit.attached.link_ids()).unwrap_or_default(),
    }
}

/// What is wrong with it: why its file is not carried out, or why what runs cannot be read.
fn error(entry: &Entry) -> String {
    match &entry.failure {
        Some(failure) => failure.message.clone(),
        None if entry.running.as_ref().is_some_and(Unit::is_unreadable) => {
            "its ring buffer cannot be read: its events wait, and are lost when it is full".to_owned()
        }
        None => String::new(),
    }
}

/// What one sink got.
fn share(sink: &SinkTotals) -> SinkShare {
    let SinkTotals { name, delivered, lost, .. } = sink;
    SinkShare { name: name.clone(), delivered: *delivered, lost: by_cause(lost.iter().copied()) }
}

/// By cause; without zeros.
fn by_cause(counts: impl Iterator<Item = (LossCause, u64)>) -> BTreeMap<String, u64> {
    let mut lost: BTreeMap<String, u64> = BTreeMap::new();
    for (cause, count) in counts.filter(|(_, count)| *count > 0) {
        *lost.entry(cause.name().to_owned()).or_default() += count;
    }
    lost
}
