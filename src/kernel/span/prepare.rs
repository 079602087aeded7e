// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each program of a span is told of this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::parts::{hooks, of_part, spec_of};
use super::prepared::{PreparedPart, PreparedSpan};
use crate::catalog::{FetchTable, Program};
use crate::expr::{Blame, Machine, Scope, SpanBlame, SpanPoint, SpanWanted, TargetName, Wanted, learn, resolve_span};
use crate::kernel::error::KernelError;
use crate::kernel::hook::of;
use crate::kernel::host::{Host, cgroup_root, possible_cpus};
use crate::kernel::prepared::{Prepared, context, machine, set_places};
use crate::spec::{
    Aggregate, Fetch, FetchCopy, FetchSource, HookKind, KeyWord, Layout, Narrow, Place, ProbeSpec, SetUse, Span,
    SpanEnds, SpanPart, SpanRole,
};
use crate::words::Refusal;

/// Resolves a probe with spans. `head` is the head of its records.
pub(in crate::kernel) fn prepare_span(
    spec: &ProbeSpec,
    span: &Span,
    program: &Program,
    host: &Host,
    target: Option<&TargetName>,
    head: &Layout,
) -> Result<Prepared, Vec<KernelError>> {
    if program.span.is_none() {
        let message = format!("program `{}` has no spans", program.name);
        return Err(vec![KernelError::at(Place::Program, message)]);
    }
    let parts = hooks(spec);
    let mut scopes: Vec<Scope<'_>> = Vec::new();
    for part in &parts {
        let blamed = |error| vec![blamed(spec, part, error)];
        (of(part.hook.kind).check)(&part.hook, host).map_err(blamed)?;
        scopes.push((of(part.hook.kind).scope)(&part.hook, host).map_err(blamed)?);
    }
    let variable = |name: &str| host.variable(name);
    let cpu_memory = || host.cpu_memory().zip(possible_cpus());
    let specs: Vec<ProbeSpec> = parts.iter().map(|part| spec_of(spec, part)).collect();
    let mut machines: Vec<_> = specs
        .iter()
        .map(|spec| {
            let mut machine = machine(spec, host, &variable, &cpu_memory);
            if let Some(target) = target {
                machine.targets = vec![target.clone()];
            }
            machine
        })
        .collect();
    name_ends_alike(&parts, &mut machines);
    let points: Vec<SpanPoint<'_, '_>> = parts
        .iter()
        .zip(&scopes)
        .zip(&machines)
        .map(|((part, scope), machine)| SpanPoint {
            role: part.role,
            scope,
            machine,
            key: &part.key,
            filter: &part.filter,
        })
        .collect();
    let sets: Vec<SetUse> =
        spec.sets.iter().filter(|set| !set.is_of_cgroup() || cgroup_root().is_some()).cloned().collect();
    let in_thread = span.ends == SpanEnds::Thread;
    let aggregates: &[Aggregate] = if program.counts() { &spec.aggregates } else { &[] };
    let event = Wanted { captures: &spec.capture, filter: &spec.filter, sets: &sets };
    let resolved = resolve_span(&SpanWanted { event, in_thread, aggregates }, &points, head).map_err(|errors| {
        errors.into_iter().map(|(blame, refusal)| error(spec, &parts, blame, refusal)).collect::<Vec<_>>()
    })?;
    let told = parts.iter().zip(&scopes).zip(resolved.points).map(|((part, scope), mut told)| {
        if in_thread {
            told.key = key_of_call(part);
        }
        if let (Some(counting), Some(all)) = (&mut told.counting, &spec.counted_as) {
            learn(counting, all);
        }
        PreparedPart {
            hook: part.clone(),
            context: context(part.hook.kind, scope),
            set_places: set_places(spec, &told.steps),
            told,
            sets: Vec::new(),
        }
    });
    let prepared: Vec<PreparedPart> = told.collect();
    let Some(end) = prepared.first().cloned() else { return Err(vec![KernelError::at(Place::Hook, "it has no end")]) };
    let prepared = PreparedSpan {
        key_words: end.told.key.len() as u32,
        kept_bytes: kept_bytes(&prepared, resolved.kept_bytes),
        record_bytes: resolved.layout.size,
        via_bits: resolved.via_bits,
        // The head of a record has both.
        keeps_process: end.told.counting.is_none() || resolved.keeps_process,
        parts: prepared,
        span: span.clone(),
    };
    Ok(Prepared {
        key_reads_arguments: end.told.key_reads_arguments(),
        fetches: end.told.fetches,
        context: end.context,
        steps: end.told.steps,
        set_places: end.set_places,
        clauses: resolved.clauses,
        layout: end.told.counting.is_none().then_some(resolved.layout),
        counting: end.told.counting,
        span: Some(prepared),
        ..Prepared::default()
    })
}

/// Which of the ends it was is one value, with the names of all of them.
fn name_ends_alike(parts: &[SpanPart], machines: &mut [Machine<'_>]) {
    let mut ends: Vec<&mut TargetName> = parts
        .iter()
        .zip(machines)
        .filter(|(part, _)| part.role == SpanRole::End)
        .flat_map(|(_, machine)| &mut machine.targets)
        .filter(|target| matches!(target.source, FetchSource::Constant(_)))
        .collect();
    let words: BTreeSet<&'static str> = ends.iter().map(|target| target.word).collect();
    for word in words {
        let of_word = || ends.iter().filter(|target| target.word == word);
        let all: BTreeSet<&String> = of_word().flat_map(|target| target.names.iter().map(|(_, name)| name)).collect();
        let all: Arc<[(i64, String)]> =
            all.into_iter().enumerate().map(|(number, name)| (number as i64, name.clone())).collect();
        for target in ends.iter_mut().filter(|target| target.word == word) {
            let FetchSource::Constant(own) = target.source else { continue };
            let name = target.names.iter().find(|(number, _)| *number as u64 == own).map(|(_, name)| name.clone());
            let Some((number, _)) = all.iter().find(|(_, known)| Some(known) == name.as_ref()) else { continue };
            target.source = FetchSource::Constant(*number as u64);
            target.names = Arc::clone(&all);
        }
    }
}

fn blamed(spec: &ProbeSpec, part: &SpanPart, error: KernelError) -> KernelError {
    let is_named = spec.span.as_ref().is_some_and(|span| span.ends != SpanEnds::Thread);
    if is_named { of_part(part, error) } else { error }
}

fn error(spec: &ProbeSpec, parts: &[SpanPart], blame: SpanBlame, refusal: Refusal) -> KernelError {
    let at = |part: usize, place: Place| {
        let Some(part) = parts.get(part) else { return Place::Hook };
        Place::SpanHook(part.role, part.number, Box::new(place))
    };
    let place = match blame {
        SpanBlame::Event(Blame::Capture(index)) => {
            spec.capture.get(index).map_or(Place::Hook, |capture| Place::Capture(capture.name.clone()))
        }
        SpanBlame::Event(Blame::Clause(index)) => Place::Clause(index),
        SpanBlame::Event(Blame::Aggregate(part, table, index)) => Place::Aggregate(part, table, index),
        SpanBlame::Key(part, word) => at(part, Place::Key(word)),
        SpanBlame::Filter(part, clause) => at(part, Place::Clause(clause)),
    };
    KernelError::of(place, refusal)
}

/// Bytes of what is kept, with what paths may write behind it.
fn kept_bytes(parts: &[PreparedPart], slots: u32) -> u32 {
    let before_the_end = parts.iter().filter(|part| part.hook.role != SpanRole::End);
    before_the_end.map(|part| FetchTable::room(&part.told.fetches, slots)).max().unwrap_or(slots)
}

/// By which the entry and the return of a call know each other, whatever the function calls meanwhile: itself, too.
fn key_of_call(part: &SpanPart) -> Vec<KeyWord> {
    match part.hook.kind {
        // Its arguments lie at one place on the stack at both.
        HookKind::Fentry | HookKind::Fexit => vec![whole(FetchSource::Frame, 0)],
        HookKind::Syscall => vec![whole(FetchSource::PidTgid, 0)],
        HookKind::Kprobe
        | HookKind::Kretprobe
        | HookKind::Uprobe
        | HookKind::Uretprobe
        | HookKind::Function
        | HookKind::Xdp
        | HookKind::Tracepoint
        | HookKind::RawTracepoint
        | HookKind::Usdt
        | HookKind::Lsm
        | HookKind::Tc
        | HookKind::Cgroup
        | HookKind::Timer
        | HookKind::Profile
        | HookKind::Perf
        | HookKind::Iter => {
            // The return has taken the address to return to off the stack.
            let taken = if cfg!(target_arch = "x86_64") && part.role == SpanRole::Start { 8 } else { 0 };
            vec![whole(FetchSource::PidTgid, 0), whole(FetchSource::StackPointer, taken)]
        }
    }
}

fn whole(source: FetchSource, add: u32) -> KeyWord {
    let fetch = Fetch {
        source,
        hops: Vec::new(),
        user_from: None,
        offset: 0,
        narrow: Narrow::Same,
        index: None,
        keep: None,
        length: None,
        copy: FetchCopy::Value,
        size: 8,
        slot: 0,
        out: 0,
    };
    KeyWord { fetch, shift: 0, width: 64, signed: false, add }
}
