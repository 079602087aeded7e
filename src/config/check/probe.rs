// SPDX-License-Identifier: MIT OR Apache-2.0
//! One probe, topic by topic; its places are noted on the way.

use std::sync::Arc;

use super::defaults::Defaults;
use super::run::{Draft, Run};
use super::sinks::FileSinks;
use super::{fields, hook, offered, program, sinks, values};
use crate::catalog::{Catalog, Program};
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::Node;
use crate::config::{codes, raw};
use crate::spec::{DEFAULT_INTERVAL, Hook, Place, ProbeId, ProbeSpec, Targets};

/// What every topic needs: where things stand, and a place to complain.
pub(super) struct Cx<'a> {
    pub(super) source: &'a Arc<SourceFile>,
    pub(super) node: &'a Node,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) places: Vec<(Place, Span)>,
}

impl Cx<'_> {
    /// The value at the end of these keys, or the nearest thing around it.
    pub(super) fn value(&self, keys: &[&str]) -> Span {
        (0..=keys.len())
            .rev()
            .find_map(|length| self.node.at(&keys[..length]))
            .map_or(self.node.span, |node| if std::ptr::eq(node, self.node) { self.name() } else { node.span })
    }

    /// The last of these keys itself, or the nearest thing around it.
    pub(super) fn key(&self, keys: &[&str]) -> Span {
        let parent = keys.split_last().and_then(|(last, above)| self.node.at(above)?.get(last));
        parent.map_or_else(|| self.value(keys), |entry| entry.key_span)
    }

    /// The probe's name: what stands for the probe as a whole.
    pub(super) fn name(&self) -> Span {
        self.node.at(&["name"]).map_or(self.node.span, |node| node.span)
    }

    pub(super) fn at(&self, span: Span) -> Location {
        Location::new(self.source, span)
    }

    pub(super) fn note_place(&mut self, place: Place, span: Span) {
        self.places.push((place, span));
    }

    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// An error at a span.
    pub(super) fn error(&self, code: &'static str, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(code, self.at(span), message)
    }
}

/// What a file has for all its probes.
pub(super) struct InFile<'a> {
    pub(super) source: &'a Arc<SourceFile>,
    pub(super) catalog: &'a Catalog,
    pub(super) sinks: &'a FileSinks,
    pub(super) defaults: &'a Defaults,
}

/// What stands for a name that is missing; no probe can be called so.
pub(super) const NAMELESS: &str = "?";

/// Checks a probe and hands what is good of it to the run; nothing where that does not say where it attaches. `certain` is
/// false where the parts that are left out may have said so, or that it is not to be run.
pub(super) fn check(
    file: &InFile<'_>,
    node: &Node,
    raw: &raw::Probe,
    certain: bool,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    let InFile { source, catalog, sinks: file_sinks, defaults } = *file;
    let mut cx = Cx { source, node, problems, places: Vec::new() };
    cx.note_place(Place::Probe, cx.name());

    let hook = match &raw.hook {
        Some(raw) => hook::check(&mut cx, raw),
        None => Some((Hook::Own, Targets::One)),
    };
    let program = program::choose(&mut cx, raw, catalog);
    // Nothing follows from a hook that must go.
    let hook = if program.is_some_and(Program::has_own_hooks) { Some((Hook::Own, Targets::One)) } else { hook };
    let params = program::params(&mut cx, raw, program);
    program::refuse_needless_keys(&mut cx, raw, program);
    let mut capture = fields::captures(&mut cx, raw, program);
    let labels = fields::labels(&mut cx, raw, program, defaults);
    let interval = values::interval(&mut cx, raw.interval.as_deref()).or(defaults.interval).unwrap_or(DEFAULT_INTERVAL);
    let buffer_bytes = values::buffer(&mut cx, raw.buffer.as_deref()).or(defaults.buffer_bytes);
    let include_self = raw.include_self.or(defaults.include_self).filter(|_| program.is_some_and(Program::captures));
    let limits = values::limits_of_probe(&mut cx, raw.limits.as_ref(), program, defaults.limits);
    let sinks = match (&raw.sinks, &defaults.sinks) {
        (Some(names), _) => file_sinks.resolve(&mut cx, names, run),
        (None, Some(sinks)) => {
            cx.places.extend(sinks.iter().map(|(sink, span)| (Place::Sink(sink.name.clone()), *span)));
            sinks.clone()
        }
        (None, None) => vec![(sinks::unsaid(), cx.name())],
    };
    let sinks = sinks.into_iter().map(|(sink, _)| sink).collect();

    if let Some((hook, _)) = &hook {
        offered::keep(&mut cx, hook, &mut capture);
    }
    if let Some((hook, targets)) = &hook
        && *targets != Targets::One
        && !matches!(targets, Targets::FirstOf(_))
    {
        fields::refuse_target_field(&mut cx, hook, &capture, &labels);
    }

    let places = std::mem::take(&mut cx.places);
    let program = program.or_else(|| program::stand_in(raw, catalog));
    let (Some((hook, targets)), Some(program), true) = (hook, program, certain) else { return };
    fields::keep_fitting(&mut capture, program);
    let id = ProbeId { name: raw.name.clone() };
    let spec = ProbeSpec {
        id,
        hook,
        targets,
        program: program.name.clone(),
        params,
        capture,
        interval,
        labels,
        sinks: Vec::new(),
        buffer_bytes,
        include_self,
        limits,
    };
    let draft = Draft { spec, places, sinks, source: Arc::clone(source) };
    run.add(draft, raw.enabled.unwrap_or(true), problems);
}

/// Complains that a name is not one of those that exist.
pub(super) fn unknown<'w>(
    problem: Problem,
    name: &str,
    what: &str,
    known: impl Iterator<Item = &'w str> + Clone,
) -> Problem {
    let nearest = crate::words::nearest(name, known.clone());
    let problem = problem.maybe_help(nearest.map(|word| format!("did you mean `{word}`?")));
    problem.note(format!("{what}: {}", crate::words::list(known, 16)))
}

/// True for the words that code, JSON keys and `key=value` lines can carry: `[A-Za-z_][A-Za-z0-9_]*`.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The code for all hook targets.
pub(super) const TARGET: &str = codes::BAD_TARGET;
