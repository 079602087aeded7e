// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mechanism behind hooks that leave it open: what costs least, skips no run, and has what the probe names.
//!
//! | asked | chosen |
//! |---|---|
//! | `function` at an entry | `fentry`; `kprobe` where that cannot be, or would skip runs |
//! | `function` at a return | `fexit`; `kretprobe` likewise |
//! | `tracepoint: syscalls:…` | raw `sys_enter` or `sys_exit`, where that has all fields that are named |
//! | `function` at several | one `kprobe.multi` or `kretprobe.multi` where the kernel has it, see `together` |
//! | another `tracepoint` of which no field is named | the raw tracepoint |
//!
//! Perf tracepoints skip runs in silence where one interrupts another, and a hundred of them take seconds to close.

use crate::kernel::hook::{mechanism_of_call, of};
use crate::kernel::host::Host;
use crate::kernel::site::syscall::{lacking, of_event};
use crate::spec::{CallEnd, Hook, HookKind, ProbeSpec, Site, SyscallSite, TracepointName};
use crate::words::list;

/// The probe with its mechanism chosen; the same where it names that itself.
pub(super) fn chosen(spec: ProbeSpec, host: &Host) -> ProbeSpec {
    let Some(asked) = spec.hook.clone().filter(|_| spec.asked.is_none()) else { return spec };
    let hook = choose(&asked, &spec.names(), host);
    if hook == asked { spec } else { ProbeSpec { hook: Some(hook), asked: Some(asked), ..spec } }
}

/// What runs for a hook of a probe that names these; the hook itself where nothing is to be chosen.
pub(super) fn choose(hook: &Hook, names: &[&str], host: &Host) -> Hook {
    match (hook.kind, &hook.site) {
        (HookKind::Function, Site::Call { symbol, end }) => {
            let (kind, _) = mechanism_of_call(symbol, *end, names, host);
            Hook::function(kind, symbol)
        }
        (HookKind::Tracepoint, Site::Event(name)) => tracepoint(name, names, host).unwrap_or_else(|| hook.clone()),
        _other_kinds => hook.clone(),
    }
}

/// Why the hook of the probe is what it is; `None` where the file says so.
pub(super) fn reason(spec: &ProbeSpec, host: &Host) -> Option<String> {
    let asked = spec.asked.as_ref()?;
    match &asked.site {
        // One link for all: the kind of link says why.
        Site::Call { .. } if spec.hook.as_ref().is_some_and(|hook| hook.several().is_some()) => None,
        Site::Call { symbol, end } => Some(mechanism_of_call(symbol, *end, &spec.names(), host).1.to_owned()),
        // What stands in for a tracepoint of a system call says why itself.
        Site::Event(_) if spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Syscall) => None,
        Site::Syscall(asked) => special(asked, spec.hook.as_ref()),
        Site::Event(_) => {
            let why = "no field of the record is needed: the raw tracepoint skips no run, and ends at once. Naming one later makes it \
                       a perf event: for a moment both run then";
            Some(why.to_owned())
        }
        Site::Interface { .. }
        | Site::Traffic { .. }
        | Site::Cgroup { .. }
        | Site::Function { .. }
        | Site::RawEvent(_)
        | Site::SecurityHook(_)
        | Site::Binary(_)
        | Site::Timer(_)
        | Site::Profile(_)
        | Site::Perf { .. }
        | Site::Items(_) => None,
    }
}

/// What is not as one would think about the system calls of a probe.
fn special(asked: &SyscallSite, hook: Option<&Hook>) -> Option<String> {
    let missing = lacking(&asked.calls);
    let end = hook.and_then(Hook::end);
    let mut said = Vec::new();
    if asked.end == CallEnd::Return && end == Some(CallEnd::Entry) {
        said.push("at the entry, because it never returns".to_owned());
    }
    if !missing.is_empty() {
        said.push(format!("this architecture has no {}", list(missing, 16)));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// The raw tracepoint that has all that the probe names.
fn tracepoint(name: &TracepointName, names: &[&str], host: &Host) -> Option<Hook> {
    let fields = host.tracepoint(name).ok()?;
    let named = || names.iter().filter(|name| fields.iter().any(|field| field.name == **name));
    if let Some((call, end)) = of_event(name) {
        let site = Site::Syscall(SyscallSite { calls: vec![call.to_owned()], end, as_tracepoint: true });
        let hook = Hook { kind: HookKind::Syscall, site };
        let scope = (of(hook.kind).scope)(&hook, host).ok()?;
        let has_all = named().all(|name| scope.has(name, host.types().into()));
        return has_all.then(|| hook.clone());
    }
    if named().next().is_some() {
        return None;
    }
    // What is no field is a builtin, unless the raw tracepoint calls an argument so.
    let declared = host.raw_tracepoint(&name.name)?.declarations();
    let is_argument = |name: &&str| declared.iter().any(|(known, _)| known == name);
    let site = Site::RawEvent(name.name.clone());
    (!names.iter().any(is_argument)).then_some(Hook { kind: HookKind::RawTracepoint, site })
}
