// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mechanism behind `function`: a trampoline, or a breakpoint where that cannot be or would skip runs.

use std::fs;

use super::{fentry, fexit, trampoline};
use crate::expr::{Prototype, REGISTER_ARGUMENTS};
use crate::kernel::host::Host;
use crate::spec::{CallEnd, HookKind};

/// The kind with which one link holds a program at many functions: for an end of this one, unless what a probe names of it takes a
/// trampoline.
pub(in crate::kernel) fn breakpoint_of_call(
    symbol: &str,
    end: CallEnd,
    names: &[&str],
    host: &Host,
) -> Option<HookKind> {
    let prototype = host.btf().and_then(|btf| Prototype::of_function(btf, symbol));
    (!needs_trampoline(end, &arguments(names, prototype.as_ref()))).then_some(by_breakpoint(end))
}

/// The kind for an end of any kernel function.
pub(in crate::kernel) fn by_breakpoint(end: CallEnd) -> HookKind {
    match end {
        CallEnd::Entry => HookKind::Kprobe,
        CallEnd::Return => HookKind::Kretprobe,
    }
}

fn needs_trampoline(end: CallEnd, arguments: &[usize]) -> bool {
    match end {
        CallEnd::Entry => arguments.iter().any(|index| *index >= REGISTER_ARGUMENTS),
        CallEnd::Return => !arguments.is_empty(),
    }
}

/// The kind for an end of a kernel function, and why.
pub(in crate::kernel) fn mechanism_of_call(
    symbol: &str,
    end: CallEnd,
    names: &[&str],
    host: &Host,
) -> (HookKind, &'static str) {
    let by_breakpoint = by_breakpoint(end);
    let by_trampoline = match end {
        CallEnd::Entry => &fentry::KIND,
        CallEnd::Return => &fexit::KIND,
    };
    let prototype = host.btf().and_then(|btf| Prototype::of_function(btf, symbol));
    let fits = prototype.is_some() && trampoline::misfit(symbol, host).is_none();
    let has_trampoline = fits && by_trampoline.is_there(host);
    let needs_trampoline = needs_trampoline(end, &arguments(names, prototype.as_ref()));
    if !has_trampoline {
        return (
            by_breakpoint,
            "no trampoline: the kernel's BTF does not describe the function, a struct is passed by value, it has too many arguments, or \
             there is no function tracer with direct calls",
        );
    }
    if needs_trampoline {
        let why = match end {
            CallEnd::Entry => "an argument is named that is not passed in a register",
            CallEnd::Return => "arguments are named, which are still there at this kind of return",
        };
        return (by_trampoline.kind, why);
    }
    if host.has_kprobes() && preempts(host) {
        return (by_breakpoint, "this kernel preempts programs at trampolines, and skips runs then");
    }
    (by_trampoline.kind, "the cheapest: a trampoline in the function, no breakpoint")
}

/// The numbers of the arguments that a probe names.
fn arguments(names: &[&str], prototype: Option<&Prototype<'_>>) -> Vec<usize> {
    let declared = prototype.map(Prototype::declarations).unwrap_or_default();
    let number = |name: &&str| {
        let by_name = declared.iter().position(|(known, _)| known == name);
        by_name.or_else(|| name.strip_prefix("arg").and_then(|digits| digits.parse().ok()))
    };
    names.iter().filter_map(number).collect()
}

/// True where a program at a trampoline can be interrupted by another thread (`preempt=full`, and `lazy` of Linux 6.13): the kernel
/// skips the runs of those then.
fn preempts(host: &Host) -> bool {
    // `none voluntary (full) lazy`
    if let Ok(modes) = fs::read_to_string("/sys/kernel/debug/sched/preempt") {
        return modes.contains("(full)") || modes.contains("(lazy)");
    }
    let options = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let mut asked = options.split_ascii_whitespace().filter_map(|option| option.strip_prefix("preempt="));
    match asked.next_back() {
        Some(mode) => matches!(mode, "full" | "lazy"),
        None => host.is_built_preemptible(),
    }
}
