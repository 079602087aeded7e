// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kinds share whose programs are called by a trampoline, which the kernel puts where a function has room for a call
//! of ftrace (Linux 5.5; on arm64, 6.4). The verifier knows the function by its number in the kernel's BTF.

use libbpf_rs::{AsRawLibbpf, OpenObject, ProgramMut};

use super::attachment::{Attachment, take_link};
use super::kind::{
    Exchange, Feature, KernelKind, Part, always, always_live, is_equal, misplaced, not_to_blame, within_reach,
};
use super::list_functions::{FUNCTIONS, described_functions};
use super::listing::{Listing, Source, Unasked};
use crate::catalog::Named;
use crate::expr::{Arguments, FunctionScope, Owner, Prototype, Returned, Scope, TrampolineTakes};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, Place};

/// The first kernel with trampolines for BPF. Direct calls of ftrace came to arm64 with 2aa6ac03516d.
const SINCE: Feature = match cfg!(target_arch = "aarch64") {
    true => Feature { what: "trampolines at functions", since: "6.4", version: (6, 4) },
    false => Feature { what: "trampolines at functions", since: "5.5", version: (5, 5) },
};

/// What puts a call of a trampoline into a function, the kernel's function that shows it, and what it takes. On arm64 the tracer alone
/// does not.
const TRACER: Tracer = match cfg!(target_arch = "aarch64") {
    true => Tracer {
        what: "a kernel with direct calls of the function tracer (Linux 6.4 on arm64)",
        missing: "direct calls of the function tracer",
        shown_by: &["register_ftrace_direct"],
        takes: "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS (Linux 6.4 on arm64)",
    },
    false => Tracer {
        what: "a kernel with the function tracer (CONFIG_FUNCTION_TRACER)",
        missing: "function tracer",
        shown_by: &["register_ftrace_direct", "register_ftrace_function"],
        takes: "CONFIG_FUNCTION_TRACER",
    },
};

struct Tracer {
    what: &'static str,
    missing: &'static str,
    shown_by: &'static [&'static str],
    takes: &'static str,
}

/// That the kernel's functions have room for a call.
pub(super) const HAS_TRACER: Part = Part { what: TRACER.what, is_there: has_tracer, by_privilege: false };

/// The first kernel whose trampolines take functions with structs as arguments (720e6a435194).
const TAKES_STRUCTS: (u32, u32) = (6, 1);

/// Arguments that are passed in registers, and the first kernel whose trampolines take more of them: 473e3150e30a, and 9014cf56f13d for
/// arm64.
const IN_REGISTERS: (usize, (u32, u32)) = if cfg!(target_arch = "aarch64") { (8, (6, 17)) } else { (6, (6, 6)) };
/// MAX_BPF_FUNC_ARGS of include/linux/bpf.h.
const MOST_WORDS: usize = 12;

/// What all of them say.
pub(super) const BASE: KernelKind = KernelKind {
    kind: HookKind::Fentry,
    feature: SINCE,
    parts: &[
        Part {
            what: "the kernel's BTF, for the function's number in it",
            is_there: |host| host.btf().is_some(),
            by_privilege: false,
        },
        HAS_TRACER,
    ],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: true,
    exchange: Exchange::Slot { jump: "", nothing: "" },
    check,
    inspect: |hook, host| missing(hook, host).map(Finding::Wrong).into_iter().collect(),
    missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope: |hook, host| scope(hook, Returned::Nowhere, host),
    prepare,
    refused: not_to_blame,
    attach,
    is_live: always_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit,
    mechanism: |_, _| {
        let why = "the quickest way to a function: no breakpoint, and the arguments by their types";
        ("trampoline in the function, held by a link".to_owned(), why.to_owned())
    },
    counts_missed: always,
    listing: Some(Listing {
        source: Source::Machine(described_functions),
        unasked: |_| Unasked::NotListed,
        ..FUNCTIONS
    }),
    tried_with: "trace",
    tries: |_, _| Vec::new(),
};

/// True where the kernel's functions have room for a call, and the kernel can tell where.
fn has_tracer(host: &Host) -> bool {
    TRACER.shown_by.iter().any(|symbol| host.kernel_symbol(symbol).count > 0)
}

/// Why no program can be at any function, for one that asks for `hook`.
pub(super) fn without_tracer(hook: &str, host: &Host) -> Option<KernelError> {
    let message = || format!("this kernel has no {}, so `{hook}` cannot be attached", TRACER.missing);
    let help = || format!("it takes a kernel with {}; a `kprobe` does not", TRACER.takes);
    (!has_tracer(host)).then(|| KernelError::new(Place::Hook, message(), help()))
}

/// True for a function that the kernel's BTF describes.
fn describes(symbol: &str, host: &Host) -> bool {
    host.btf().is_some_and(|btf| btf.find(Named::Func, symbol).is_some())
}

/// Why a program cannot be at a function of that name.
fn unfit(symbol: &str, host: &Host) -> Option<&'static str> {
    if !describes(symbol, host) {
        return Some("the kernel's BTF does not describe them");
    }
    misfit(symbol, host)
}

/// The same for a function that BTF describes: whether this kernel's trampolines hand its arguments over.
pub(super) fn misfit(symbol: &str, host: &Host) -> Option<&'static str> {
    host.btf().and_then(|btf| Prototype::of_function(btf, symbol))?.misfit(takes(host.version()))
}

fn takes(version: (u32, u32)) -> TrampolineTakes {
    let (in_registers, more_since) = IN_REGISTERS;
    let words = if version < more_since { in_registers } else { MOST_WORDS };
    TrampolineTakes { structs: version >= TAKES_STRUCTS, words }
}

/// What captures can name: the arguments by the words of the context, and what is returned where it is there.
pub(super) fn scope<'a>(hook: &'a Hook, result: Returned, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let (symbol, _) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    Ok(Scope::Function(FunctionScope {
        owner: Owner::Kernel,
        name: symbol.to_owned(),
        prototype: host.btf().and_then(|btf| Prototype::of_function(btf, symbol)),
        arguments: Arguments::Words,
        result,
        kinds: (HookKind::Fentry, HookKind::Fexit),
    }))
}

/// A function that the kernel's BTF describes is mostly all that it takes; whether there is a tracer is a search, for when attaching
/// has failed.
fn check(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let is_described = hook.symbol().is_some_and(|(symbol, _)| describes(symbol, host));
    let refusal = if is_described { misfitting(hook, host) } else { missing(hook, host) };
    refusal.map_or(Ok(()), Err)
}

fn misfitting(hook: &Hook, host: &Host) -> Option<KernelError> {
    let (symbol, _) = hook.symbol()?;
    let why = misfit(symbol, host)?;
    let message = format!("a {} cannot be at `{symbol}` and functions like it: {why}", hook.kind);
    Some(KernelError::new(Place::Target, message, "use a `kprobe` or a `kretprobe`"))
}

fn missing(hook: &Hook, host: &Host) -> Option<KernelError> {
    let (symbol, _) = hook.symbol()?;
    let kind = hook.kind;
    if host.btf().is_none() {
        let message = format!("this kernel has no BTF, so `{kind}: {symbol}` cannot be attached");
        return Some(KernelError::new(Place::Hook, message, "use a `kprobe` or a `kretprobe`"));
    }
    if describes(symbol, host) {
        return without_tracer(&format!("{kind}: {symbol}"), host).or_else(|| misfitting(hook, host));
    }
    let search = host.kernel_symbol(symbol);
    Some(if search.count == 0 {
        KernelError::at(Place::Target, format!("this kernel has no function `{symbol}`"))
            .maybe_help(search.help.clone())
    } else {
        let message = format!("the kernel's BTF does not describe `{symbol}`, so a {kind} cannot be attached to it");
        KernelError::new(Place::Target, message, "use a `kprobe` or a `kretprobe`, or probe a function that calls it")
    })
}

/// The verifier checks a program against the function that it is for.
fn prepare(object: &mut OpenObject, function: &str, hook: &Hook, _: &Host) -> Result<(), KernelError> {
    let (symbol, _) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    let mut programs = object.progs_mut();
    let Some(mut program) = programs.find(|program| program.name() == function) else { return Ok(()) };
    program.set_attach_target(0, Some(symbol.to_owned())).map_err(|error| {
        let message = format!("failed to find `{symbol}` in the kernel's BTF: {error:#}");
        KernelError::new(Place::Target, message, "use a `kprobe` or a `kretprobe`")
    })
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let (symbol, _) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; the result goes nowhere else.
    match unsafe { take_link(libbpf_sys::bpf_program__attach_trace(program)) } {
        Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
        Err(code) => Err(diagnose(hook, symbol, code, host)),
    }
}

fn diagnose(hook: &Hook, symbol: &str, code: i32, host: &Host) -> KernelError {
    let kind = hook.kind;
    if let Some(error) = missing(hook, host) {
        return error;
    }
    let message = format!("the kernel does not allow a {kind} at `{symbol}` ({})", describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => {
            let message = format!("the kernel did not let us attach to `{symbol}` ({})", describe(code));
            return KernelError::new(Place::Target, message, privilege_help("CAP_BPF and CAP_PERFMON"));
        }
        // BPF_MAX_TRAMP_LINKS of include/linux/bpf.h.
        libc::E2BIG => "38 programs are attached to this function already, which is the kernel's limit",
        libc::EBUSY => "something else has changed the beginning of the function: live patching, or another tracer",
        _other => "probe a function that calls it, or use a `kprobe`",
    };
    KernelError::new(Place::Target, message, help)
}
