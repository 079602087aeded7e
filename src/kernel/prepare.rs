// SPDX-License-Identifier: MIT OR Apache-2.0
//! A spec against this kernel's types: what the program is told, and how its records are read. Nothing is loaded yet.

use super::error::KernelError;
use super::hook::of;
use super::prepared::{Prepared, context, machine, set_places};
use super::span::prepare_span;
use crate::catalog::{FetchContext, Program};
use crate::expr::{Blame, Resolved, Scope, TargetName, Wanted, filter_fields, learn, resolve_probe, resolve_tables};
use crate::hook::is_without_process;
use crate::kernel::host::{Host, cgroup_root, possible_cpus};
use crate::kernel::site::interface::link_layer;
use crate::spec::{FetchCopy, Hook, HookKind, Layout, Place, ProbeSpec, SetUse, Site, SpanEnds};
use crate::words::Refusal;

/// Resolves the captures of a probe; reports every one that this kernel does not have.
pub fn prepare(spec: &ProbeSpec, program: &Program, host: &Host) -> Result<Prepared, Vec<KernelError>> {
    if let Some(hook) = &spec.hook {
        (of(hook.kind).check)(hook, host).map_err(|error| vec![error])?;
    }
    resolve_captures(spec, program, host)
}

/// The same, whatever becomes of the target.
pub(super) fn resolve_captures(spec: &ProbeSpec, program: &Program, host: &Host) -> Result<Prepared, Vec<KernelError>> {
    resolve_for(spec, program, host, None).map_err(|errors| {
        // What is wrong is said of what the file names.
        let asked = as_asked(spec);
        asked.and_then(|asked| resolve_for(&asked, program, host, None).err()).unwrap_or(errors)
    })
}

/// The probe at the tracepoints that its file names, where raw ones were chosen instead.
fn as_asked(spec: &ProbeSpec) -> Option<ProbeSpec> {
    let asked = |hook: Option<&Hook>, asked: &Option<Hook>| {
        let is_raw = hook.is_some_and(|hook| hook.kind == HookKind::RawTracepoint);
        asked.clone().filter(|asked| is_raw && asked.kind == HookKind::Tracepoint)
    };
    let mut whole = spec.clone();
    let mut is_other = false;
    if let Some(hook) = asked(spec.hook.as_ref(), &spec.asked) {
        (whole.hook, whole.asked, is_other) = (Some(hook), None, true);
    }
    if let Some(span) = &mut whole.span
        && let SpanEnds::Across(parts) = &mut span.ends
    {
        for part in parts {
            if let Some(hook) = asked(Some(&part.hook), &part.asked) {
                (part.hook, part.asked, is_other) = (hook, None, true);
            }
        }
    }
    is_other.then_some(whole)
}

/// The same for one of several targets, of which `target` says which it is.
pub(super) fn resolve_for(
    spec: &ProbeSpec,
    program: &Program,
    host: &Host,
    target: Option<TargetName>,
) -> Result<Prepared, Vec<KernelError>> {
    let mut prepared = Prepared { layout: program.event_under(&spec.params), ..Prepared::default() };
    if let (Some(interface), Some(_)) = (spec.interface(), program.no_link_header) {
        prepared.link_layer = link_layer(interface, host).map_err(|error| vec![error])?;
    }
    let Some(head) = program.event.as_ref().filter(|_| program.captures()) else {
        return filter_records(spec, prepared);
    };
    let head = &if spec.hook.as_ref().is_some_and(is_without_process) { without_process(head) } else { head.clone() };
    prepared.layout = Some(head.clone());
    if let Some(span) = &spec.span {
        return prepare_span(spec, span, program, host, target.as_ref(), head);
    }
    if spec.capture.is_empty()
        && spec.filter.is_empty()
        && !program.counts()
        && !spec.hook.as_ref().is_some_and(knows_context)
    {
        return Ok(prepared);
    }
    let scope = match &spec.hook {
        Some(hook) => (of(hook.kind).scope)(hook, host).map_err(|error| vec![error])?,
        None => Scope::Inside,
    };
    let variable = |name: &str| host.variable(name);
    let sets: Vec<SetUse> =
        spec.sets.iter().filter(|set| !set.is_of_cgroup() || cgroup_root().is_some()).cloned().collect();
    let wanted = Wanted { captures: &spec.capture, filter: &spec.filter, sets: &sets };
    let context = spec.hook.as_ref().map_or(FetchContext::Registers, |hook| context(hook.kind, &scope));
    let cpu_memory = || host.cpu_memory().zip(possible_cpus());
    let mut machine = machine(spec, host, &variable, &cpu_memory);
    if let Some(target) = target {
        machine.targets = vec![target];
    }
    let blamed = |errors| blamed(spec, host, errors);
    if program.counts() {
        let (mut counting, clauses) = resolve_tables(&spec.aggregates, wanted, &scope, &machine).map_err(blamed)?;
        spec.counted_as.iter().for_each(|all| learn(&mut counting, all));
        let set_places = set_places(spec, &counting.steps);
        let steps = counting.steps.clone();
        return Ok(Prepared {
            layout: None,
            counting: Some(counting),
            context,
            steps,
            set_places,
            clauses,
            ..prepared
        });
    }
    let resolved = resolve_probe(wanted, &scope, &machine, head).map_err(blamed)?;
    if context == FetchContext::Syscall && reads_packet(&resolved) {
        return Err(vec![no_packet()]);
    }
    let set_places = set_places(spec, &resolved.steps);
    let Resolved { fetches, layout, steps, clauses } = resolved;
    Ok(Prepared { fetches, layout: Some(layout), context, steps, set_places, clauses, ..prepared })
}

/// What is wrong with expressions, each with its place.
fn blamed(spec: &ProbeSpec, host: &Host, errors: Vec<(Blame, Refusal)>) -> Vec<KernelError> {
    // A target that is not there has no arguments either: say that, and only that.
    if let Some(error) = spec.hook.as_ref().and_then(|hook| (of(hook.kind).missing)(hook, host)) {
        return vec![error];
    }
    let blame = |(blame, refusal): (Blame, Refusal)| {
        let place = match blame {
            Blame::Capture(index) => Place::Capture(spec.capture[index].name.clone()),
            Blame::Clause(index) => Place::Clause(index),
            Blame::Aggregate(part, table, index) => Place::Aggregate(part, table, index),
        };
        KernelError::of(place, refusal)
    };
    errors.into_iter().map(blame).collect()
}

/// True where a packet somewhere in the kernel is read.
fn reads_packet(resolved: &Resolved) -> bool {
    let fetches = resolved.fetches.iter().chain(resolved.steps.iter().map(|step| &step.fetch));
    fetches.into_iter().any(|fetch| matches!(fetch.copy, FetchCopy::Packet { .. }))
}

/// The headers of a packet and the arguments of a system call are more than the stack of a program may hold on Linux 5.10.
fn no_packet() -> KernelError {
    KernelError::new(
        Place::Hook,
        "`as packet` does not work at system calls, which have no packet",
        "hook a tracepoint or a function that is called with the packet: `raw_tracepoint: net_dev_queue`, `kfree_skb`",
    )
}

/// `where` at a program with records of its own.
fn filter_records(spec: &ProbeSpec, mut prepared: Prepared) -> Result<Prepared, Vec<KernelError>> {
    if let Some(layout) = prepared.layout.as_mut().filter(|_| !spec.filter.is_empty()) {
        let blame = |errors: Vec<(usize, Refusal)>| {
            errors
                .into_iter()
                .map(|(index, refusal)| KernelError::of(Place::Clause(index), refusal))
                .collect::<Vec<_>>()
        };
        prepared.clauses = filter_fields(&spec.filter, &spec.sets, layout).map_err(blame)?;
    }
    Ok(prepared)
}

/// True where the program must know what it is called with even if it reads nothing of it.
fn knows_context(hook: &Hook) -> bool {
    is_without_process(hook) || hook.cgroup_point().is_some() || matches!(hook.site, Site::Syscall(_))
}

/// The head of records of packets, which no process has sent that is known.
fn without_process(head: &Layout) -> Layout {
    Layout { process: Vec::new(), ..head.clone() }
}
