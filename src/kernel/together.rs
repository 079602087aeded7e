// SPDX-License-Identifier: MIT OR Apache-2.0
//! Targets that one program can serve become one: functions at which the same is read, and the link says at which it runs
//! (`kprobe.multi`, Linux 5.18 with CONFIG_FPROBE; `uprobe.multi`, Linux 6.6).

use std::sync::Arc;

use super::agree::know_each_other;
use super::expand::Expanded;
use super::hook::{breakpoint_of_call, by_breakpoint};
use super::host::Host;
use super::prepare::{resolve_captures, resolve_for};
use super::prepared::Prepared;
use crate::catalog::Program;
use crate::expr::{TargetName, learn};
use crate::spec::{FetchSource, Hook, HookKind, Place, ProbeSpec, Targets};

/// What each target is called.
type Names = Arc<[(i64, String)]>;

/// What a probe stands for on this machine, those of its targets made one that one program can serve.
pub fn together(spec: &ProbeSpec, mut all: Vec<Expanded>, program: &Program, host: &Host) -> Vec<Expanded> {
    know_each_other(spec, &mut all, host);
    count_alike(&mut all, program, host);
    // Each pairs its own calls.
    let is_for_many = spec.span.is_none() && spec.hook.as_ref().and_then(link_kind).is_some();
    if all.len() < 2 || !is_for_many || one_link_each(spec, program, host).is_some() {
        return all;
    }
    let numbered = |(number, one): (usize, &Expanded)| (number as i64, one.target.clone().unwrap_or_default());
    let names: Names = all.iter().enumerate().map(numbered).collect();
    let mut groups: Vec<(Option<Prepared>, Vec<Expanded>)> = Vec::new();
    let mut apart = Vec::new();
    // Each of several groups would know the names of its own targets only.
    let asks_which = all.iter().any(|one| !one.spec.siblings.is_empty());
    let each = if asks_which { all.clone() } else { Vec::new() };
    for one in all {
        let Some(hook) = shareable(&one, host) else {
            apart.push(one);
            continue;
        };
        let prepared = prepared(spec, &one, hook, &names, program, host);
        match groups.iter_mut().find(|(known, _)| prepared.is_some() && *known == prepared) {
            Some((_, group)) => group.push(one),
            None => groups.push((prepared, vec![one])),
        }
    }
    let single = groups.len() == 1 && apart.is_empty();
    if asks_which && !single {
        return each;
    }
    let merged = groups.into_iter().map(|(_, group)| merge(spec, group, single));
    merged.chain(apart).collect()
}

/// Has all targets count in tables that look alike.
fn count_alike(all: &mut [Expanded], program: &Program, host: &Host) {
    if all.len() < 2 || !program.counts() || all.iter().all(|one| one.spec.elsewhere.is_empty()) {
        return;
    }
    let counting = |one: &Expanded| resolve_captures(&one.spec, program, host).ok()?.counting;
    let mut each = all.iter().filter_map(counting);
    let Some(mut known) = each.next() else { return };
    each.for_each(|other| learn(&mut known, &other));
    let known = Arc::new(known);
    all.iter_mut().for_each(|one| one.spec.counted_as = Some(Arc::clone(&known)));
}

/// Why each target of a probe has a program and a link of its own, where others have one for all; `None` where these have as well,
/// or it is so at all hooks of the kind.
pub fn one_link_each(spec: &ProbeSpec, program: &Program, host: &Host) -> Option<&'static str> {
    let (kind, of_kernel) = spec.hook.as_ref().and_then(link_kind)?;
    if !program.many.iter().any(|decl| decl.kind == kind) {
        return Some("the program has no function for several targets");
    }
    if of_kernel && !host.has_kprobe_multi() {
        return Some("this kernel has no kprobe.multi (Linux 5.18, CONFIG_FPROBE)");
    }
    (!of_kernel && host.version() < (6, 6)).then_some("this kernel has no uprobe.multi (Linux 6.6)")
}

/// The kind of a link that can hold a program at many targets of this hook, and whether these are the kernel's; `None` where there
/// is no such link.
fn link_kind(hook: &Hook) -> Option<(HookKind, bool)> {
    match hook.kind {
        HookKind::Kprobe | HookKind::Kretprobe => Some((hook.kind, true)),
        HookKind::Function => Some((by_breakpoint(hook.end()?), true)),
        HookKind::Uprobe | HookKind::Uretprobe => Some((hook.kind, false)),
        HookKind::Xdp
        | HookKind::Fentry
        | HookKind::Fexit
        | HookKind::Tracepoint
        | HookKind::RawTracepoint
        | HookKind::Usdt
        | HookKind::Lsm
        | HookKind::Tc
        | HookKind::Cgroup
        | HookKind::Syscall
        | HookKind::Timer
        | HookKind::Profile
        | HookKind::Perf
        | HookKind::Iter => None,
    }
}

/// The hook of a target as it would be among others under one link; `None` where something is known that would keep these from
/// being attached, or the probe names what there is no other way to.
fn shareable(one: &Expanded, host: &Host) -> Option<Hook> {
    let hook = one.spec.hook.as_ref()?;
    let Some((symbol, offset)) = hook.symbol() else {
        return hook.point().is_some_and(|point| point.symbol().is_some()).then(|| hook.clone());
    };
    let is_traceable = host.traceable_functions().is_none_or(|list| list.contains(symbol));
    if offset > 0 || !is_traceable || !host.is_function_unique(symbol) {
        return None;
    }
    let kind = match one.spec.asked.as_ref().and_then(Hook::end) {
        Some(end) => breakpoint_of_call(symbol, end, &one.spec.names(), host)?,
        None => hook.kind,
    };
    Some(Hook { kind, ..hook.clone() })
}

/// What the program would be told at this target, whichever it is; `None` where something is wrong there.
fn prepared(
    spec: &ProbeSpec,
    one: &Expanded,
    hook: Hook,
    names: &Names,
    program: &Program,
    host: &Host,
) -> Option<Prepared> {
    let word = hook.target_field()?;
    let (elsewhere, counted_as) = (one.spec.elsewhere.clone(), one.spec.counted_as.clone());
    let spec = ProbeSpec { elsewhere, counted_as, ..shared(spec, hook) };
    let target = TargetName { word, source: FetchSource::Target, names: Arc::clone(names) };
    resolve_for(&spec, program, host, Some(target)).ok()
}

/// The probe at a hook, with events that say which target they are of.
fn shared(spec: &ProbeSpec, hook: Hook) -> ProbeSpec {
    let word = hook.target_field();
    // What the file leaves open has been chosen.
    let asked = spec.hook.clone().filter(|asked| asked.kind != hook.kind);
    let mut spec = ProbeSpec { hook: Some(hook), targets: Targets::One, asked, ..spec.clone() };
    if let Some(word) = word.filter(|_| spec.aggregates.is_empty()) {
        spec.name_target(word);
    }
    spec
}

fn merge(spec: &ProbeSpec, mut group: Vec<Expanded>, single: bool) -> Expanded {
    if group.len() == 1 {
        return group.remove(0);
    }
    let buffers = group.iter().filter_map(|one| one.spec.buffer_bytes).fold(0_u32, u32::saturating_add);
    let elsewhere = group.first().map(|one| one.spec.elsewhere.clone()).unwrap_or_default();
    let counted_as = group.first().and_then(|one| one.spec.counted_as.clone());
    let mut names: Vec<String> = group.into_iter().filter_map(|one| one.target).collect();
    names.sort();
    let Some(hook) = spec.hook.as_ref().and_then(|hook| at_all(hook, &names)) else {
        return Expanded { spec: spec.clone(), target: None, place: Place::Target };
    };
    let target = (!single).then(|| hook.site.to_string());
    let part = || buffers.next_power_of_two().min(spec.ring_bytes());
    let buffer_bytes = if single { spec.buffer_bytes } else { Some(part()) };
    Expanded {
        spec: ProbeSpec { buffer_bytes, elsewhere, counted_as, ..shared(spec, hook) },
        target,
        place: Place::Target,
    }
}

/// The hook under one link that holds its program at all of these.
fn at_all(hook: &Hook, names: &[String]) -> Option<Hook> {
    let (kind, _) = link_kind(hook)?;
    match hook.symbol() {
        Some((symbol, _)) => Some(Hook::function(kind, symbol).at_all(names)),
        None => Some(hook.at_all(names)),
    }
}
