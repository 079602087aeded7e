// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: called with the kernel's own arguments (Linux 4.17; always a link).

use std::collections::BTreeMap;
use std::ffi::CString;

use libbpf_rs::{AsRawLibbpf, ProgramMut};

use super::attachment::{Attachment, Hold, take_link};
use super::kind::{
    Exchange, Feature, KernelKind, always, always_live, is_equal, misplaced, no_name, not_to_blame, nothing_to_prepare,
    within_reach,
};
use super::listing::{Listing, Places, Signature, Source, Unasked};
use super::trial::QUIET_EVENT;
use crate::catalog::Named;
use crate::expr::{Arguments, FunctionScope, Owner, Prototype, Returned, Scope};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, Place, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::RawTracepoint,
    feature: Feature { what: "raw tracepoints", since: "4.17", version: (4, 17) },
    parts: &[],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: true,
    exchange: Exchange::Slot { jump: "slot_raw_tracepoint", nothing: "nothing_raw_tracepoint" },
    check: |_, _| Ok(()),
    inspect: |hook, host| missing(hook, host).map(Finding::Wrong).into_iter().collect(),
    missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope,
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach,
    is_live: always_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism: |_, _| {
        ("link of a raw tracepoint".to_owned(), "the only mechanism, and the fastest for a tracepoint".to_owned())
    },
    counts_missed: always,
    listing: Some(Listing {
        source: Source::Machine(raw_tracepoints),
        unasked: |_| Unasked::Listed,
        describe: |name, prototypes, host| {
            let quick = prototypes.get(&format!("__traceiter_{name}")).map(Prototype::without_first);
            let slow = || host.raw_tracepoint(name);
            quick.or_else(slow).map(|prototype| Signature::Event(prototype.declarations()))
        },
    }),
    tried_with: "trace",
    tries: |host, one| {
        let site = Site::RawEvent(QUIET_EVENT.to_owned());
        vec![one(Hook { kind: HookKind::RawTracepoint, site }, host)]
    },
};

fn name_of(hook: &Hook) -> Result<&str, KernelError> {
    if let Site::RawEvent(name) = &hook.site { Ok(name) } else { Err(misplaced(hook)) }
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let name = name_of(hook)?;
    Ok(Scope::Function(FunctionScope {
        owner: Owner::Event,
        name: name.to_owned(),
        prototype: host.raw_tracepoint(name),
        arguments: Arguments::Words,
        result: Returned::Nowhere,
        kinds: (HookKind::RawTracepoint, HookKind::RawTracepoint),
    }))
}

fn raw_tracepoints(host: &Host) -> Places {
    let Some(btf) = host.btf() else {
        return (BTreeMap::new(), Some("raw tracepoints: this kernel has no BTF, which lists them".to_owned()));
    };
    let names = btf.all(Named::Typedef).filter_map(|id| btf.name(id).strip_prefix("btf_trace_"));
    (names.map(|name| (name.to_owned(), String::new())).collect(), None)
}

/// As far as this kernel's types and tracefs tell.
fn missing(hook: &Hook, host: &Host) -> Option<KernelError> {
    let name = name_of(hook).ok()?;
    (!host.may_have_raw_tracepoint(name)).then(|| diagnose(name, libc::ENOENT, host))
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let name = name_of(hook)?;
    match attach_to(program, name) {
        Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
        Err(code) => Err(diagnose(name, code, host)),
    }
}

pub(super) fn attach_to(program: &ProgramMut<'_>, name: &str) -> Result<Hold, i32> {
    let name = CString::new(name).map_err(|_| libc::ENOENT)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; the name lives across the call, whose result goes nowhere else.
    unsafe { take_link(libbpf_sys::bpf_program__attach_raw_tracepoint(program, name.as_ptr())) }
}

pub(super) fn diagnose(name: &str, code: i32, host: &Host) -> KernelError {
    match code {
        libc::ENOENT => {
            let message = format!("this kernel has no raw tracepoint `{name}`");
            let help = match name.split_once(':') {
                Some((_, bare)) => Some(format!("raw tracepoints have no category: write `{bare}`")),
                None => host.nearest_raw_tracepoint(name),
            };
            KernelError::at(Place::Target, message).maybe_help(help)
        }
        code => {
            let message = format!("failed to attach to raw tracepoint `{name}`: {}", describe(code));
            let help = match code {
                libc::EPERM | libc::EACCES => Some(privilege_help("CAP_BPF and CAP_PERFMON")),
                libc::EINVAL => Some("the program reads more arguments than this tracepoint has".to_owned()),
                _ => None,
            };
            KernelError::at(Place::Target, message).maybe_help(help)
        }
    }
}
