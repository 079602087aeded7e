// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mechanism behind `function`: a trampoline, or a breakpoint where that cannot be or would skip runs.

use std::fs;

use super::{fentry, fexit};
use crate::expr::{Prototype, REGISTER_ARGUMENTS};
use crate::kernel::host::Host;
use crate::spec::{CallEnd, HookKind};

/// The kind for an end of a kernel function, and why.
pub(in crate::kernel) fn mechanism_of_call(
    symbol: &str,
    end: CallEnd,
    names: &[&str],
    host: &Host,
) -> (HookKind, &'static str) {
    let (by_trampoline, by_breakpoint) = match end {
        CallEnd::Entry => (&fentry::KIND, HookKind::Kprobe),
        CallEnd::Return => (&fexit::KIND, HookKind::Kretprobe),
    };
    let prototype = host.btf().and_then(|btf| Prototype::of_function(btf, symbol));
    let has_trampoline = prototype.is_some() && by_trampoline.is_there(host);
    let arguments = arguments(names, prototype.as_ref());
    let needs_trampoline = match end {
        CallEnd::Entry => arguments.iter().any(|index| *index >= REGISTER_ARGUMENTS),
        CallEnd::Return => !arguments.is_empty(),
    };
    if !has_trampoline {
        return (
            by_breakpoint,
            "no trampoline: the kernel's BTF does not describe the function, or it has no function tracer",
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
