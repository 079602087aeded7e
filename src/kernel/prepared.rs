// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a probe's programs are told of this machine, whatever they do: what they are called with, which sets they ask.

use std::sync::Arc;

use super::host::Host;
use super::set_map::SetMap;
use super::site::interface::LinkLayer;
use super::span::PreparedSpan;
use super::tables::TableMaps;
use crate::catalog::{FetchContext, SetMapKind, SetPlace, demangle};
use crate::expr::{ClausePlan, Machine, Scope, TargetName, Variable};
use crate::spec::{Counting, Fetch, FetchSource, Hook, HookKind, Layout, ProbeSpec, SetName, Step, StepTest};

/// What a probe needs to be loaded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prepared {
    /// The work list, for a program that captures.
    pub fetches: Vec<Fetch>,
    /// What the program is called with.
    pub context: FetchContext,
    /// The kernel's part of `where`: a graph that begins with its first step. Empty: every event passes.
    pub steps: Vec<Step>,
    /// The set of each step whose test is of one, by the number of the step: the map of the program that stands for it.
    pub set_places: Vec<SetPlace>,
    /// The maps of these sets.
    pub sets: Vec<(SetPlace, SetMap)>,
    /// Who decides which condition of `where`.
    pub clauses: Vec<ClausePlan>,
    /// The record that it emits; `None` where it emits none.
    pub layout: Option<Layout>,
    /// The programs at its other hooks, where it pairs what begins and what ends.
    pub span: Option<PreparedSpan>,
    /// The tables that it counts in; `None` where it reports its events.
    pub counting: Option<Counting>,
    /// The maps of these tables, which all targets of a probe share.
    pub tables: Vec<Arc<TableMaps>>,
    /// Its key, or what makes its hook one of a span, reads an argument.
    pub key_reads_arguments: bool,
    /// What packets begin with, for a program that reads them.
    pub link_layer: LinkLayer,
}

/// The set of each step: the maps of a kind are taken one after the other, each set has one.
pub(super) fn set_places(spec: &ProbeSpec, steps: &[Step]) -> Vec<SetPlace> {
    let mut known: Vec<(&SetName, SetPlace)> = Vec::new();
    let mut place = |step: &Step| {
        let nowhere = SetPlace { kind: SetMapKind::Numbers, number: 0 };
        let StepTest::Set(name, _) = &step.test else { return nowhere };
        if let Some((_, place)) = known.iter().find(|(found, _)| *found == name) {
            return *place;
        }
        let Some(set) = spec.sets.iter().find(|set| set.name == *name) else { return nowhere };
        let kind = SetMapKind::of(set.kind);
        let number = known.iter().filter(|(_, place)| place.kind == kind).count() as u8;
        known.push((&set.name, SetPlace { kind, number }));
        SetPlace { kind, number }
    };
    steps.iter().map(&mut place).collect()
}

/// What paths of a probe at one target need to know of the machine.
pub(super) fn machine<'a>(
    spec: &ProbeSpec,
    host: &'a Host,
    variable: &'a dyn Fn(&str) -> Variable,
    cpu_memory: &'a dyn Fn() -> Option<(u64, u32)>,
) -> Machine<'a> {
    let elsewhere = spec.elsewhere.clone();
    let machine = Machine {
        variable,
        cpu_memory,
        is_one_of_several: !elsewhere.is_empty(),
        elsewhere,
        ..Machine::of_types(host.types())
    };
    if let Some(hook) = &spec.hook
        && let (Some(names), Some(word)) = (hook.several(), hook.target_field())
    {
        let number = |(number, name): (usize, &str)| (number as i64, demangle(name).unwrap_or_else(|| name.to_owned()));
        let names = names.into_iter().enumerate().map(number).collect();
        let targets = vec![TargetName { word, source: FetchSource::Target, names }];
        return Machine { targets, ..machine };
    }
    // What the file calls it, whatever runs there.
    match spec.asked.as_ref().or(spec.hook.as_ref()).and_then(Hook::target) {
        Some((word, name)) => machine.attached_to_one_of(word, &name, &spec.siblings),
        None => machine,
    }
}

/// What programs of a hook kind are called with.
pub(super) fn context(kind: HookKind, scope: &Scope<'_>) -> FetchContext {
    match kind {
        // What `function` stands for has been chosen.
        HookKind::Kprobe
        | HookKind::Kretprobe
        | HookKind::Uprobe
        | HookKind::Uretprobe
        | HookKind::Usdt
        | HookKind::Function => FetchContext::Registers,
        HookKind::Syscall => FetchContext::Syscall,
        HookKind::Fentry | HookKind::Fexit | HookKind::Lsm => FetchContext::Trampoline,
        HookKind::RawTracepoint => FetchContext::Words,
        HookKind::Xdp | HookKind::Tc => FetchContext::Packet,
        HookKind::Cgroup if scope.runs_in_process() => FetchContext::SocketCall,
        HookKind::Cgroup => FetchContext::Packet,
        HookKind::Timer => FetchContext::Timer,
        HookKind::Profile | HookKind::Perf => FetchContext::Sample,
        HookKind::Iter => FetchContext::Item,
        HookKind::Tracepoint => FetchContext::Record(match scope {
            Scope::Record(record) => record.bytes(),
            Scope::Inside
            | Scope::Function(_)
            | Scope::Syscall(_)
            | Scope::Usdt(_)
            | Scope::Network(_)
            | Scope::Machine(_)
            | Scope::Item(_) => 0,
        }),
    }
}
