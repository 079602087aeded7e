// SPDX-License-Identifier: MIT OR Apache-2.0
//! Targets that one program can serve become one: functions at which the same is read, and the link says at which it runs
//! (`kprobe.multi`, Linux 5.18 with CONFIG_FPROBE; `uprobe.multi`, Linux 6.6).

use std::sync::Arc;

use super::agree::know_each_other;
use super::expand::Expanded;
use super::host::Host;
use super::prepare::{Prepared, resolve_for};
use crate::catalog::Program;
use crate::expr::TargetName;
use crate::spec::{FetchSource, Hook, HookKind, Place, ProbeSpec, Targets};

/// What each target is called.
type Names = Arc<[(i64, String)]>;

/// What a probe stands for on this machine, those of its targets made one that one program can serve.
pub fn together(spec: &ProbeSpec, mut all: Vec<Expanded>, program: &Program, host: &Host) -> Vec<Expanded> {
    know_each_other(spec, &mut all, host);
    let is_for_many = spec.hook.as_ref().is_some_and(|hook| is_of_kernel(hook.kind).is_some());
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
        if !can_share(&one, host) {
            apart.push(one);
            continue;
        }
        let prepared = prepared(spec, &one, &names, program, host);
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

/// Why each target of a probe has a program and a link of its own, where others have one for all; `None` where these have as well,
/// or it is so at all hooks of the kind.
pub fn one_link_each(spec: &ProbeSpec, program: &Program, host: &Host) -> Option<&'static str> {
    let kind = spec.hook.as_ref()?.kind;
    let of_kernel = is_of_kernel(kind)?;
    if !program.many.iter().any(|decl| decl.kind == kind) {
        return Some("the program has no function for several targets");
    }
    if spec.limits.rate.is_some() {
        return Some("a rate holds for each target by itself");
    }
    if of_kernel && !host.has_kprobe_multi() {
        return Some("this kernel has no kprobe.multi (Linux 5.18, CONFIG_FPROBE)");
    }
    (!of_kernel && host.version() < (6, 6)).then_some("this kernel has no uprobe.multi (Linux 6.6)")
}

/// For kinds of which one link can hold a program at many targets, whether these are the kernel's; `None` for the others.
fn is_of_kernel(kind: HookKind) -> Option<bool> {
    match kind {
        HookKind::Kprobe | HookKind::Kretprobe => Some(true),
        HookKind::Uprobe | HookKind::Uretprobe => Some(false),
        HookKind::Xdp
        | HookKind::Fentry
        | HookKind::Fexit
        | HookKind::Tracepoint
        | HookKind::RawTracepoint
        | HookKind::Usdt
        | HookKind::Lsm
        | HookKind::Tc
        | HookKind::Cgroup
        | HookKind::Function
        | HookKind::Syscall => None,
    }
}

/// True for a target of which nothing is known that would keep the others from being attached.
fn can_share(one: &Expanded, host: &Host) -> bool {
    let Some(hook) = &one.spec.hook else { return false };
    match hook.symbol() {
        Some((symbol, 0)) => {
            host.traceable_functions().is_none_or(|list| list.contains(symbol)) && host.is_function_unique(symbol)
        }
        Some(_) => false,
        None => hook.point().is_some_and(|point| point.symbol().is_some()),
    }
}

/// What the program would be told at this target, whichever it is; `None` where something is wrong there.
fn prepared(spec: &ProbeSpec, one: &Expanded, names: &Names, program: &Program, host: &Host) -> Option<Prepared> {
    let hook = one.spec.hook.as_ref()?;
    let word = hook.target_field()?;
    let spec = ProbeSpec { elsewhere: one.spec.elsewhere.clone(), ..shared(spec, hook.clone()) };
    let target = TargetName { word, source: FetchSource::Target, names: Arc::clone(names) };
    resolve_for(&spec, program, host, Some(target)).ok()
}

/// The probe at a hook, with events that say which target they are of.
fn shared(spec: &ProbeSpec, hook: Hook) -> ProbeSpec {
    let word = hook.target_field();
    let mut spec = ProbeSpec { hook: Some(hook), targets: Targets::One, ..spec.clone() };
    if let Some(word) = word {
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
    let mut names: Vec<String> = group.into_iter().filter_map(|one| one.target).collect();
    names.sort();
    let Some(hook) = spec.hook.as_ref().map(|hook| hook.at_all(&names)) else {
        return Expanded { spec: spec.clone(), target: None, place: Place::Target };
    };
    let target = (!single).then(|| hook.site.to_string());
    let part = || buffers.next_power_of_two().min(spec.ring_bytes());
    let buffer_bytes = if single { spec.buffer_bytes } else { Some(part()) };
    Expanded { spec: ProbeSpec { buffer_bytes, elsewhere, ..shared(spec, hook) }, target, place: Place::Target }
}
