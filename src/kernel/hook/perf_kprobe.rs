// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `kprobe` and `kretprobe` share: a perf event of the kprobe PMU (Linux 4.17; as a link, 5.15).

use std::ffi::CString;
use std::mem;
use std::ptr;

use libbpf_rs::{AsRawLibbpf, ProgramMut};

use super::attachment::{Attachment, Hold, take_link};
use super::kind::{
    Feature, KPROBE_SLOT, KernelKind, Part, always_live, inside, is_equal, misplaced, not_to_blame, nothing_to_prepare,
};
use super::list_functions::FUNCTIONS;
use super::perf_links;
use super::trial::quiet_function;
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::site::function::SymbolSearch;
use crate::spec::{Hook, HookKind, Place, Site};

/// What both say.
pub(super) const BASE: KernelKind = KernelKind {
    kind: HookKind::Kprobe,
    feature: Feature { what: "kprobes as perf events", since: "4.17", version: (4, 17) },
    parts: &[Part {
        what: "a kernel with kprobes (CONFIG_KPROBE_EVENTS)",
        is_there: Host::has_kprobes,
        by_privilege: false,
    }],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: true,
    exchange: KPROBE_SLOT,
    check,
    inspect,
    missing,
    is_out_of_reach: |hook, host| {
        !host.has_kprobes() && hook.symbol().is_some_and(|(symbol, _)| host.kernel_symbol(symbol).count > 0)
    },
    has_programs: perf_links::has_kprobe_programs,
    scope: inside,
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach,
    is_live: always_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: |name, host| {
        if !host.is_function_unique(name) {
            return Some("several functions have their name");
        }
        let is_excepted = host.kprobe_blacklist().is_some_and(|list| list.contains(name));
        is_excepted.then_some("the kernel does not allow kprobes in them")
    },
    mechanism: |hook, host| match hook.several() {
        Some(names) => {
            let why = format!("one program for {} functions: the link says at which it runs", names.len());
            ("kprobe.multi link".to_owned(), why)
        }
        None => perf_links::event_of("a kprobe", host),
    },
    counts_missed: perf_links::counts_missed,
    listing: Some(FUNCTIONS),
    tried_with: "trace",
    tries: |_, _| Vec::new(),
};

/// Where both are tried.
pub(super) fn quiet_hook(kind: HookKind, host: &Host) -> Hook {
    Hook::function(kind, quiet_function(host))
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    if let Some(names) = hook.several() {
        let on_return = hook.kind == HookKind::Kretprobe;
        return match attach_to_all(program, &names, on_return) {
            Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
            Err(code) => Err(diagnose_all(hook, code)),
        };
    }
    let (symbol, offset) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    match attach_at(program, symbol, offset, hook.kind == HookKind::Kretprobe) {
        Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
        Err(code) => Err(diagnose(hook.kind, symbol, &hook.site.to_string(), offset, code, host)),
    }
}

/// One link for all of these (`kprobe.multi`, Linux 5.18): the program is told which by the number of each.
fn attach_to_all(program: &ProgramMut<'_>, names: &[&str], on_return: bool) -> Result<Hold, i32> {
    let names =
        names.iter().map(|name| CString::new(*name)).collect::<Result<Vec<_>, _>>().map_err(|_| libc::ENOENT)?;
    let mut pointers: Vec<*const std::ffi::c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let cookies: Vec<u64> = (0..names.len() as u64).collect();
    let options = libbpf_sys::bpf_kprobe_multi_opts {
        sz: mem::size_of::<libbpf_sys::bpf_kprobe_multi_opts>() as libbpf_sys::size_t,
        syms: pointers.as_mut_ptr(),
        cookies: cookies.as_ptr(),
        cnt: names.len() as libbpf_sys::size_t,
        retprobe: on_return,
        ..Default::default()
    };
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; options, names and cookies, `cnt` of each, live across the call, whose result goes nowhere
    // else. No pattern is given: the names stand for it.
    unsafe { take_link(libbpf_sys::bpf_program__attach_kprobe_multi_opts(program, ptr::null(), &options)) }
}

fn diagnose_all(hook: &Hook, code: i32) -> KernelError {
    let (kind, site) = (hook.kind, &hook.site);
    let message = format!("failed to attach one {kind} to `{site}` together: {}", describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => privilege_help("CAP_BPF and CAP_PERFMON"),
        _other => "a function among them cannot be traced; write a narrower glob".to_owned(),
    };
    KernelError::new(Place::Target, message, help)
}

fn attach_at(program: &ProgramMut<'_>, symbol: &str, offset: u64, on_return: bool) -> Result<Hold, i32> {
    let symbol = CString::new(symbol).map_err(|_| libc::ENOENT)?;
    let options = libbpf_sys::bpf_kprobe_opts {
        sz: mem::size_of::<libbpf_sys::bpf_kprobe_opts>() as libbpf_sys::size_t,
        offset: offset as libbpf_sys::size_t,
        retprobe: on_return,
        ..Default::default()
    };
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; symbol and options live across the call, whose result goes nowhere else.
    unsafe { take_link(libbpf_sys::bpf_program__attach_kprobe_opts(program, symbol.as_ptr(), &options)) }
}

/// Whether this kernel has kprobes at all; costs a look at one file.
fn check(hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let (symbol, _) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    if host.has_kprobes() { Ok(()) } else { Err(without_kprobes(hook.kind, symbol, host)) }
}

fn without_kprobes(kind: HookKind, symbol: &str, host: &Host) -> KernelError {
    let message = format!("this kernel has no kprobes, so `{kind}: {symbol}` cannot be attached");
    KernelError::new(Place::Hook, message, instead(kind, symbol, host))
}

fn inspect(hook: &Hook, host: &Host) -> Vec<Finding> {
    let finding = match (check(hook, host), &hook.site) {
        (Err(error), _) => Some(Finding::Wrong(error)),
        (Ok(()), Site::Function { symbol, .. }) => inspect_name(hook.kind, symbol, host),
        (
            Ok(()),
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Binary(_)
            | Site::Call { .. }
            | Site::Syscall(_)
            | Site::Timer(_)
            | Site::Profile(_)
            | Site::Perf { .. }
            | Site::Items(_),
        ) => None,
    };
    finding.into_iter().collect()
}

fn missing(hook: &Hook, host: &Host) -> Option<KernelError> {
    let (symbol, offset) = hook.symbol()?;
    let is_missing = host.has_kprobes() && host.kernel_symbol(symbol).count == 0;
    is_missing.then(|| diagnose(hook.kind, symbol, symbol, offset, libc::ENOENT, host))
}

/// What is wrong with the name of the function, as far as the kernel's lists tell.
fn inspect_name(kind: HookKind, symbol: &str, host: &Host) -> Option<Finding> {
    if host.kallsyms().is_empty() {
        let message = format!("failed to look up function `{symbol}`: `/proc/kallsyms` cannot be read");
        return Some(Finding::Unknown(KernelError::at(Place::Target, message)));
    }
    let search = host.kernel_symbol(symbol);
    if let Some(error) = no_function(symbol, &search) {
        return Some(Finding::Wrong(error));
    }
    if host.kprobe_blacklist().is_some_and(|blacklist| blacklist.contains(symbol)) {
        let message = format!("the kernel does not allow a {kind} at `{symbol}`: it is on its list of exceptions");
        let error = KernelError::new(Place::Target, message, "probe a function that calls it");
        return Some(Finding::Wrong(error));
    }
    // With CONFIG_KPROBE_EVENTS_ON_NOTRACE it is allowed, which nobody does outside debugging.
    if host.traceable_functions().is_some_and(|list| !list.contains(symbol)) {
        let message = format!("most kernels refuse a {kind} at `{symbol}`: ftrace does not trace it");
        return Some(Finding::Unknown(KernelError::new(Place::Target, message, "probe a function that calls it")));
    }
    if search.count > 1 {
        let error = ambiguous(symbol, &search);
        // Linux 6.7, and later updates of older series.
        return Some(if host.version() >= (6, 7) { Finding::Wrong(error) } else { Finding::Unknown(error) });
    }
    None
}

fn ambiguous(symbol: &str, search: &SymbolSearch) -> KernelError {
    let message = format!("this kernel has {} functions named `{symbol}` and attaches to none of them", search.count);
    KernelError::new(Place::Target, message, "probe a function that calls it, or that it calls")
}

/// What to say where the kernel has no function of this name.
fn no_function(symbol: &str, search: &SymbolSearch) -> Option<KernelError> {
    if search.count != 0 {
        return None;
    }
    Some(if search.variants.is_empty() {
        KernelError::at(Place::Target, format!("this kernel has no function `{symbol}`"))
            .maybe_help(search.help.clone())
    } else {
        let message = format!("this kernel has no function `{symbol}`: the compiler split it");
        KernelError::new(Place::Target, message, format!("there is `{}`", search.variants.join("`, `")))
    })
}

/// Each of them is so long, and begins at a multiple of it.
const ARM64_INSTRUCTION_BYTES: u64 = 4;

fn diagnose(kind: HookKind, symbol: &str, at: &str, offset: u64, code: i32, host: &Host) -> KernelError {
    if matches!(code, libc::EPERM | libc::EACCES) {
        let message = format!("no permission to attach to `{at}` ({})", describe(code));
        return KernelError::new(Place::Target, message, privilege_help("CAP_BPF and CAP_PERFMON"));
    }
    if !host.has_kprobes() {
        return without_kprobes(kind, symbol, host);
    }
    let search = host.kernel_symbol(symbol);
    let place = Place::Target;
    if let Some(error) = no_function(symbol, &search) {
        return error;
    }
    match (search.count, code) {
        (2.., libc::EADDRNOTAVAIL) => ambiguous(symbol, &search),
        (_, libc::EILSEQ) => no_instruction(at),
        // arm64 has one error for all that it refuses.
        (_, libc::EINVAL) if cfg!(target_arch = "aarch64") && !offset.is_multiple_of(ARM64_INSTRUCTION_BYTES) => {
            no_instruction(at)
        }
        (_, libc::EINVAL | libc::ENOENT | libc::EADDRNOTAVAIL) => {
            let help = if offset == 0 {
                "probe a function that calls it"
            } else {
                "leave out `offset` to probe the entry of the function"
            };
            KernelError::new(place, format!("the kernel does not allow a {kind} at `{at}` ({})", describe(code)), help)
        }
        (_, code) => KernelError::at(place, format!("failed to attach to `{at}`: {}", describe(code))),
    }
}

fn no_instruction(at: &str) -> KernelError {
    let message = format!("`{at}` is not the start of an instruction");
    KernelError::new(Place::Target, message, "leave out `offset` to probe the entry of the function")
}

/// What a kernel without kprobes has for somebody who wanted this function.
fn instead(kind: HookKind, symbol: &str, host: &Host) -> String {
    let prefixes = ["do_sys_", "__do_sys_", "__se_sys_", "__x64_sys_", "__arm64_sys_", "ksys_"];
    let syscall = match symbol {
        // The common end of open(2), openat(2) and openat2(2); nearly everybody calls openat.
        "do_sys_openat2" | "do_sys_open" => Some("openat"),
        symbol => prefixes.iter().find_map(|prefix| symbol.strip_prefix(prefix)),
    };
    let when = if kind == HookKind::Kretprobe { "exit" } else { "enter" };
    let tracepoint = syscall.map(|name| format!("sys_{when}_{name}")).filter(|name| {
        let events = host.tracefs().map(|path| path.join("events/syscalls"));
        events.is_ok_and(|events| events.join(name).is_dir())
    });
    let others =
        if host.has_uprobes() { "tracepoints, raw tracepoints, uprobes" } else { "tracepoints, raw tracepoints" };
    match tracepoint {
        Some(name) => format!("it offers {others} and xdp: here, `tracepoint: \"syscalls:{name}\"`"),
        None => format!("it offers {others} and xdp"),
    }
}
