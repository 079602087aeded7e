// SPDX-License-Identifier: MIT OR Apache-2.0
//! One probe, topic by topic; its places are noted on the way.

use std::sync::Arc;

use super::defaults::Defaults;
use super::run::{Draft, Run};
use super::sinks::FileSinks;
use super::{fields, hook, offered, program, sinks, values};
use crate::catalog::{Catalog, Program};
use crate::config::problem::Problem;
use crate::config::source::SourceFile;
use crate::config::yaml::Node;
use crate::config::{Cx, raw};
use crate::spec::{DEFAULT_INTERVAL, Place, ProbeId, ProbeSpec, Targets};

/// What a file has for all its probes.
pub(super) struct InFile<'a> {
    pub(super) source: &'a Arc<SourceFile>,
    pub(super) catalog: &'a Catalog,
    pub(super) sinks: &'a FileSinks,
    pub(super) defaults: &'a Defaults,
}

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
        Some(raw) => hook::check(&mut cx, raw).map(|(hook, targets)| (Some(hook), targets)),
        None => Some((None, Targets::One)),
    };
    let program = program::choose(&mut cx, raw, catalog);
    // Nothing follows from a hook that must go.
    let hook = if program.is_some_and(Program::has_own_hooks) { Some((None, Targets::One)) } else { hook };
    let params = program::params(&mut cx, raw, program);
    program::refuse_needless_keys(&mut cx, raw, program);
    let mut capture = fields::captures(&mut cx, raw, program);
    let labels = fields::labels(&mut cx, raw, program, &defaults.labels, &defaults.label_spans);
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

    if let Some((Some(hook), _)) = &hook {
        offered::keep(&mut cx, hook, &mut capture);
    }
    if let Some((Some(hook), targets)) = &hook
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
