// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hooks of a span on this machine.

use crate::catalog::{FunctionAt, Program};
use crate::expr::read_at;
use crate::kernel::error::KernelError;
use crate::kernel::expand::{Expanded, expand as expand_hook};
use crate::kernel::host::Host;
use crate::spec::{
    CallEnd, Capture, Hook, HookKind, Place, ProbeSpec, Site, Span, SpanEnds, SpanPart, SpanRole, SyscallSite, Targets,
};

/// The hooks of a probe with spans, each at places that are known: the first is the end that the probe itself hooks.
pub(in crate::kernel) fn hooks(spec: &ProbeSpec) -> Vec<SpanPart> {
    let (Some(span), Some(hook)) = (&spec.span, &spec.hook) else { return Vec::new() };
    match &span.ends {
        SpanEnds::Across(parts) => parts.clone(),
        SpanEnds::Thread => {
            let part = |role, hook| SpanPart {
                role,
                number: 0,
                hook,
                asked: spec.asked.clone(),
                targets: Targets::One,
                elsewhere: spec.elsewhere.clone(),
                key: Vec::new(),
                filter: Vec::new(),
            };
            vec![part(SpanRole::End, hook.clone()), part(SpanRole::Start, entry_of(hook))]
        }
    }
}

/// The entry of what this hook is the return of.
fn entry_of(hook: &Hook) -> Hook {
    let kind = match hook.kind {
        HookKind::Kretprobe => HookKind::Kprobe,
        HookKind::Fexit => HookKind::Fentry,
        HookKind::Uretprobe => HookKind::Uprobe,
        HookKind::Kprobe
        | HookKind::Fentry
        | HookKind::Uprobe
        | HookKind::Syscall
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
        | HookKind::Iter => hook.kind,
    };
    let site = match &hook.site {
        Site::Syscall(site) => Site::Syscall(SyscallSite { end: CallEnd::Entry, ..site.clone() }),
        Site::Call { symbol, .. } => Site::Call { symbol: symbol.clone(), end: CallEnd::Entry },
        other => other.clone(),
    };
    Hook { kind, site }
}

/// The probe as it would be at one of its hooks alone.
pub(in crate::kernel) fn spec_of(spec: &ProbeSpec, part: &SpanPart) -> ProbeSpec {
    ProbeSpec {
        hook: Some(part.hook.clone()),
        asked: part.asked.clone(),
        targets: part.targets.clone(),
        elsewhere: part.elsewhere.clone(),
        span: None,
        ..spec.clone()
    }
}

/// True for a hook that another of these, before it, has as well: its program runs behind that one's.
pub(in crate::kernel) fn is_behind(parts: &[SpanPart], number: usize) -> Option<usize> {
    // All system calls share programs, of which each place has one.
    let shares = |part: &SpanPart| part.hook.kind == HookKind::Syscall;
    let part = parts.get(number).filter(|part| !shares(part))?;
    parts[..number].iter().rposition(|other| other.hook == part.hook)
}

/// The functions that are attached for a probe with spans, in the order in which they are: those at returns come first, so that no end
/// is missed.
pub(in crate::kernel) fn attached(spec: &ProbeSpec, program: &Program) -> Vec<FunctionAt> {
    let parts = hooks(spec);
    let here = parts.iter().enumerate().filter(|(number, _)| is_behind(&parts, *number).is_none());
    here.flat_map(|(_, part)| program.attached_for(&spec_of(spec, part))).collect()
}

/// The probe with all hooks of its spans at places of this machine.
pub(in crate::kernel) fn expand(spec: &ProbeSpec, span: &Span, host: &Host) -> Result<Expanded, Vec<KernelError>> {
    let (mut found, mut errors): (Vec<SpanPart>, Vec<KernelError>) = (Vec::new(), Vec::new());
    for part in span.parts() {
        match expand_hook(&asking(spec, part, span.parts()), host) {
            Ok(all) => found.extend(all.into_iter().map(|one| SpanPart {
                hook: one.spec.hook.unwrap_or_else(|| part.hook.clone()),
                asked: one.spec.asked,
                elsewhere: one.spec.elsewhere,
                targets: Targets::One,
                ..part.clone()
            })),
            Err(refusals) => errors.extend(refusals.into_iter().map(|error| of_part(part, error))),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    found.sort_by_key(|part| part.role);
    let hook = found.first().map(|end| end.hook.clone());
    let asked = found.first().and_then(|end| end.asked.clone());
    let elsewhere = found.first().map(|end| end.elsewhere.clone()).unwrap_or_default();
    let span = Span { ends: SpanEnds::Across(found), ..span.clone() };
    let spec = ProbeSpec { hook, asked, elsewhere, targets: Targets::One, span: Some(Box::new(span)), ..spec.clone() };
    Ok(Expanded { spec, target: None, place: Place::Target })
}

/// An error about one hook of a span.
pub(in crate::kernel) fn of_part(part: &SpanPart, error: KernelError) -> KernelError {
    let place = Place::SpanHook(part.role, part.number, Box::new(error.place));
    KernelError { place, ..error }
}

/// The probe at one hook, reading all that may be read there: by its names the mechanism is chosen. Hooks that are the same are to have
/// the same.
fn asking(spec: &ProbeSpec, part: &SpanPart, all: &[SpanPart]) -> ProbeSpec {
    let own = |other: &&SpanPart| other.hook == part.hook && other.targets == part.targets;
    let of_hooks = all.iter().filter(own).flat_map(|part| part.key.iter().chain(&part.filter));
    let of_event = spec.capture.iter().map(|capture| &capture.expr).chain(&spec.filter);
    let of_event = of_event.filter_map(|expr| read_at(expr, part.role.word()));
    let exprs = of_hooks.cloned().chain(of_event);
    let capture = exprs.map(|expr| Capture { name: String::new(), expr }).collect();
    ProbeSpec { capture, filter: Vec::new(), asked: None, ..spec_of(spec, part) }
}
