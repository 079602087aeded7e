// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says what happened: to people through a callback, on the event streams as `probe_state` and `reload`.

use std::path::Path;
use std::sync::Arc;

use super::entry::Failure;
use super::said::Said;
use crate::config::Problem;
use crate::format::{Look, Notice, notice};
use crate::plan::{Action, UnitId};
use crate::runner::engine::{News, Unit};
use crate::runner::source::now_unix_ns;
use crate::sink::{Batch, Sink};
use crate::spec::Format;
use crate::words::path_text;

/// What a unit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Started,
    Replaced,
    Rerouted,
    Restored,
    Stopped,
}

impl State {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Start(_) => Self::Started,
            Action::Replace(_) => Self::Replaced,
            Action::Reroute(_) | Action::Rename(..) => Self::Rerouted,
            Action::Forget(_) => Self::Restored,
            Action::Stop(_) => Self::Stopped,
        }
    }

    /// What the probe does now, and what happened to it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Started => ("running", "started"),
            Self::Replaced => ("running", "replaced"),
            Self::Rerouted => ("running", "rerouted"),
            Self::Restored => ("running", "restored"),
            Self::Stopped => ("stopped", "stopped"),
        }
    }
}

/// Where it is said.
pub(super) struct Tell<'a> {
    pub(super) say: &'a mut dyn FnMut(&Said<'_>),
    /// Gathered for those who look on.
    pub(super) news: News,
    /// How `pretty` looks.
    pub(super) look: Look,
}

impl Tell<'_> {
    /// Something went as it should.
    pub(super) fn state(&mut self, id: &UnitId, unit: &Unit, state: State) {
        let (now, what) = state.words();
        let mechanism = &unit.attached.mechanism;
        let text = match state {
            State::Stopped => format!("`{id}` {what}"),
            State::Started | State::Replaced | State::Rerouted | State::Restored => {
                format!("`{id}` {what}: {mechanism}")
            }
        };
        let note = unit.handover.remark().filter(|_| state == State::Replaced);
        let text = note.map_or(text.clone(), |note| format!("{text}; {note}"));
        (self.say)(&Said::Unit(id, &text));
        if let (State::Started, Some(remark)) = (state, &unit.attached.remark) {
            (self.say)(&Said::UnitWarning(id, &format!("`{id}`: {remark}")));
        }
        let fields = [("state", now), ("change", what), ("mechanism", mechanism)];
        let fields: Vec<(&str, &str)> = fields.into_iter().chain(note.map(|note| ("note", note))).collect();
        self.on_streams(id, Some(unit), &fields);
    }

    /// A unit could not be brought to run as its file says: each problem is said.
    pub(super) fn failed(&mut self, id: &UnitId, unit: Option<&Unit>, problems: &[Problem], failure: &Failure) {
        let state = match (unit.is_some(), failure.waiting) {
            (true, _) => "outdated",
            (false, true) => "waiting",
            (false, false) => "failed",
        };
        for problem in problems {
            (self.say)(&if failure.waiting { Said::Waiting(id, problem) } else { Said::Refused(id, problem) });
        }
        let code = problems.first().map_or("", |problem| problem.code);
        self.on_streams(id, unit, &[("state", state), ("code", code), ("message", &failure.message)]);
    }

    /// What a unit was attached to has gone.
    pub(super) fn lost(&mut self, id: &UnitId, unit: &Unit, message: &str) {
        (self.say)(&Said::UnitWarning(id, &format!("`{id}` is waiting: {message}")));
        self.on_streams(id, Some(unit), &[("state", "waiting"), ("message", message)]);
    }

    /// A file changed.
    pub(super) fn reload<'u>(&mut self, file: &Path, problem: Option<&Problem>, units: impl Iterator<Item = &'u Unit>) {
        let path = path_text(file);
        let (code, message) = problem.map_or(("", String::new()), |problem| (problem.code, problem.message.clone()));
        let result = if problem.is_some() { "refused" } else { "ok" };
        let fields = [("file", &*path), ("result", result), ("code", code), ("message", &message)];
        let line = Notice { probe: None, kind: "reload", fields: &fields, count: None };
        self.news.push((None, notice(Format::Jsonl, &line, now_unix_ns(), &self.look)));
        let mut told: Vec<Arc<Sink>> = Vec::new();
        for (sink, _) in units.flat_map(|unit| &unit.routes) {
            if !told.iter().any(|known| Arc::ptr_eq(known, sink)) {
                send(sink, &line, &self.look);
                told.push(Arc::clone(sink));
            }
        }
    }

    /// To the sinks that the unit has, and to those who look on.
    fn on_streams(&mut self, id: &UnitId, unit: Option<&Unit>, fields: &[(&str, &str)]) {
        let target = id.target.as_deref().map(|target| ("target", target));
        let fields: Vec<(&str, &str)> = target.into_iter().chain(fields.iter().copied()).collect();
        let name = &id.probe.name;
        let line = Notice { probe: Some(name), kind: "probe_state", fields: &fields, count: None };
        self.news.push((Some(name.clone()), notice(Format::Jsonl, &line, now_unix_ns(), &self.look)));
        for (sink, _) in unit.iter().flat_map(|unit| &unit.routes) {
            send(sink, &line, &self.look);
        }
    }
}

/// A line that is no event. Where the sink has no room it is left out: the log has it too.
fn send(sink: &Sink, line: &Notice<'_>, look: &Look) {
    let bytes = notice(sink.format(), line, now_unix_ns(), look);
    if sink.send(Batch::of_no_events(bytes)).is_err() {
        tracing::debug!(sink = sink.name(), "no room for a line about `{}`", line.kind);
    }
}
