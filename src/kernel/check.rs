// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe against this machine, without attaching anything: targets, captures, and what the verifier says.

use super::agree::disagreements;
use super::error::{KernelError, few_of_each};
use super::expand::expand_what_is_there;
use super::finding::Finding;
use super::hook::{missing_capabilities, of};
use super::host::{Capabilities, Host};
use super::left_out::left_out;
use super::loaded::Loaded;
use super::prepare::{prepare, resolve_captures};
use super::prepared::Prepared;
use super::set_map::SetMap;
use super::tables::TableMaps;
use super::together::together;
use crate::catalog::{FunctionAt, Program, SetPlace};
use crate::spec::{HookKind, Place, ProbeSpec, Step, StepTest};

/// Checks everything about a probe that can be known without running it: what its hook names, its captures, and, where this
/// process may load programs, the verifier's word on the specialised program. Nothing is
/// attached, and nothing stays loaded.
pub fn check(spec: &ProbeSpec, program: &Program, host: &Host) -> Vec<Finding> {
    let (expanded, errors) = expand_what_is_there(spec, host);
    let expanded = together(spec, expanded, program, host);
    let is_said = |left_out: &KernelError| errors.iter().any(|error| error.place == left_out.place);
    let left_out = left_out(spec, host).into_iter().filter(|left_out| !is_said(left_out)).map(Finding::Warning);
    let mut findings: Vec<Finding> = left_out.collect();
    findings.extend(errors.into_iter().map(Finding::Wrong));
    findings.extend(disagreements(&expanded, program, host).into_iter().map(Finding::Wrong));
    if let Some(hook) = spec.hook.as_ref().filter(|hook| expanded.is_empty() && hook.symbol().is_some()) {
        // Another name would not help where there are no kprobes at all.
        findings.extend((of(hook.kind).check)(hook, host).err().map(Finding::Wrong));
    }
    let mut verified = Vec::new();
    for one in &expanded {
        let found = check_one(&one.spec, program, host, &mut verified)
            .into_iter()
            .map(|finding| finding.map(|error| one.blame(error)));
        // What is wrong with a capture is often wrong at each target.
        findings.extend(found.filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
    }
    let part = |finding: &Finding| finding.wrong().map(|error| error.place.clone());
    few_of_each(findings, part, Finding::wrong_mut)
}

/// `verified` has what the kernel has accepted at other targets of the probe: at functions it is the same program, unless the verifier
/// compares it with the function.
fn check_one(
    spec: &ProbeSpec,
    program: &Program,
    host: &Host,
    verified: &mut Vec<(FunctionAt, Prepared)>,
) -> Vec<Finding> {
    let (prepared, mut findings) = inspect(spec, program, host);
    let Some(mut prepared) = prepared else { return findings };
    let functions = program.attached_for(spec);
    let kinds: Vec<HookKind> = functions.iter().map(|one| one.hook.kind).collect();
    let is_verified = |(function, known): &(FunctionAt, Prepared)| {
        let is_it = |one: &FunctionAt| one.function == function.function && is_the_same_anywhere(one.hook.kind);
        functions.iter().all(is_it) && *known == prepared
    };
    let missing = missing_capabilities(&kinds, Capabilities::effective());
    if !missing.is_empty() {
        let message = format!("not verified by the kernel: loading a program needs {}", missing.join(" and "));
        findings.push(Finding::Unknown(KernelError::new(Place::Program, message, "check as root to verify it")));
    } else if !is_whole(&prepared) {
        // Something is wrong with a value of a table, and has been said: there is nothing to verify.
    } else if kinds.iter().any(|kind| !(of(*kind).has_programs)(host)) {
        // The kernel would say no more than that it has none of this type.
    } else if !verified.iter().any(is_verified) {
        let asked = prepared.clone();
        match give_empty_maps(&mut prepared).and_then(|()| Loaded::load(spec, program, &prepared, host)) {
            Ok(_) => verified.extend(functions.first().cloned().map(|function| (function, asked))),
            Err(error) => findings.push(Finding::Wrong(error)),
        }
    }
    findings
}

/// False where a table has no values: each has one at least.
fn is_whole(prepared: &Prepared) -> bool {
    prepared.counting.iter().flat_map(|counting| &counting.tables).all(|table| table.value_bytes > 0)
}

/// The verifier asks for the maps of sets and tables, not for what is in them.
fn give_empty_maps(prepared: &mut Prepared) -> Result<(), KernelError> {
    give_empty_sets(&prepared.steps, &prepared.set_places, &mut prepared.sets)?;
    for part in prepared.span.iter_mut().flat_map(|span| &mut span.parts) {
        give_empty_sets(&part.told.steps, &part.set_places, &mut part.sets)?;
    }
    let failed = |error| KernelError::at(Place::Probe, format!("failed to make a table: {error}"));
    let Some(counting) = &prepared.counting else { return Ok(()) };
    TableMaps::fit(counting).map_err(|refusal| KernelError::of(Place::Probe, refusal))?;
    let mut small = counting.clone();
    small.tables.iter_mut().for_each(|table| table.max_keys = 1);
    prepared.tables = TableMaps::of(&small).map_err(failed)?;
    Ok(())
}

fn give_empty_sets(steps: &[Step], places: &[SetPlace], sets: &mut Vec<(SetPlace, SetMap)>) -> Result<(), KernelError> {
    for (step, place) in steps.iter().zip(places) {
        let StepTest::Set(name, _) = &step.test else { continue };
        if sets.iter().any(|(known, _)| known == place) {
            continue;
        }
        let failed = |error| KernelError::at(Place::Probe, format!("failed to make the set `{}`: {error}", name.0));
        sets.push((*place, SetMap::new(place.kind, 1).map_err(failed)?));
    }
    Ok(())
}

/// True where programs for two places differ in nothing but what they are told.
fn is_the_same_anywhere(kind: HookKind) -> bool {
    match kind {
        HookKind::Kprobe
        | HookKind::Kretprobe
        | HookKind::Uprobe
        | HookKind::Uretprobe
        | HookKind::Timer
        | HookKind::Profile
        | HookKind::Perf => true,
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
        | HookKind::Syscall
        | HookKind::Iter => false,
    }
}

/// The same of a probe with one target, without loading the program. `None` where a problem stands in the way of resolving its captures.
pub fn inspect(spec: &ProbeSpec, program: &Program, host: &Host) -> (Option<Prepared>, Vec<Finding>) {
    let mut findings = targets(spec, program, host);
    if spec.hook.as_ref().is_some_and(|hook| (of(hook.kind).is_out_of_reach)(hook, host)) {
        // The target and its types are there all the same, for a look that does not attach.
        return match resolve_captures(spec, program, host) {
            Ok(prepared) => (Some(prepared), findings),
            Err(errors) => {
                findings.extend(errors.into_iter().map(Finding::Wrong));
                (None, findings)
            }
        };
    }
    match prepare(spec, program, host) {
        Ok(prepared) => (Some(prepared), findings),
        Err(errors) => {
            // What is wrong with the target is said already, and its captures cannot be looked up then.
            let nothing_said = findings.is_empty();
            let is_new = |error: &KernelError| nothing_said || matches!(error.place.whole(), Place::Capture(_));
            findings.extend(errors.into_iter().filter(is_new).map(Finding::Wrong));
            (None, findings)
        }
    }
}

fn targets(spec: &ProbeSpec, program: &Program, host: &Host) -> Vec<Finding> {
    if let Some(hook) = &spec.hook {
        return (of(hook.kind).inspect)(hook, host);
    }
    let own = program.attached_for(spec).into_iter().flat_map(|one| (of(one.hook.kind).inspect)(&one.hook, host));
    // The YAML names no target that could be to blame.
    let blame = |error| KernelError { place: Place::Program, ..error };
    let mut warned = false;
    own.map(|finding| finding.map(blame))
        // Several functions, one warning.
        .filter(|finding| !matches!(finding, Finding::Warning(_)) || !std::mem::replace(&mut warned, true))
        .collect()
}
