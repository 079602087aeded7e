// SPDX-License-Identifier: MIT OR Apache-2.0
//! `syscall`: one program for all calls of a probe, behind one at raw `sys_enter` or `sys_exit` that all probes share (Linux 4.17;
//! always a link).
//!
//! That one finds the probe's program by the number of the call: `kernel::layer`. So hooks at one end are one place, whichever calls
//! they are about.

use std::collections::BTreeMap;

use std::os::fd::AsFd as _;

use libbpf_rs::ProgramMut;

use super::attachment::{Attachment, Hold};
use super::kind::{Exchange, KernelKind, always, misplaced, nothing_missing};
use super::listing::{Listing, Places, Signature, Source, Unasked};
use super::raw_tracepoint::{self, diagnose};
use super::tracepoint::passes_by;
use crate::expr::{Scope, SyscallScope};
use crate::kernel::error::KernelError;
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::layer::{NoSeat, Seats, event};
use crate::kernel::site::syscall::event_of;
use crate::spec::{CallEnd, Hook, HookKind, Site, SyscallAbi, SyscallSite};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Syscall,
    captures_by_btf: false,
    exchange: Exchange::Seats,
    check: |_, _| Ok(()),
    inspect,
    missing: nothing_missing,
    scope,
    attach,
    is_same_place,
    mechanism,
    counts_missed: always,
    listing: Some(Listing {
        source: Source::Machine(calls),
        unasked: |_| Unasked::Listed,
        describe: |name, _, host| {
            let arguments = host.syscall_arguments(name)?;
            let arguments = arguments.into_iter().map(|argument| (argument.name, argument.c_type)).collect();
            Some(Signature::Function(arguments, "long".to_owned()))
        },
    }),
    tries: |host, one| vec![one(quiet(), host)],
    ..raw_tracepoint::KIND
};

/// What stands in for a tracepoint sees no more than that.
fn inspect(hook: &Hook, host: &Host) -> Vec<Finding> {
    let event = site_of(hook).ok().filter(|site| site.as_tracepoint);
    let name = event.and_then(|site| Some(event_of(site.calls.first()?, site.end)));
    name.and_then(|name| passes_by(&name, host)).into_iter().collect()
}

/// A call that hardly anybody makes.
fn quiet() -> Hook {
    let site = SyscallSite { calls: vec!["acct".to_owned()], end: CallEnd::Return, as_tracepoint: false };
    Hook { kind: HookKind::Syscall, site: Site::Syscall(site) }
}

fn site_of(hook: &Hook) -> Result<&SyscallSite, KernelError> {
    if let Site::Syscall(site) = &hook.site { Ok(site) } else { Err(misplaced(hook)) }
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let site = site_of(hook)?;
    // The program that is used for several has only what is in the same place at all of them; what stands in a register by its
    // number is of any type then.
    let first = site.calls.iter().map(String::as_str).find(|call| *call != "*").unwrap_or_default();
    Ok(Scope::Syscall(SyscallScope {
        name: match (site.as_tracepoint, site.calls.len()) {
            (true, _) => event_of(first, site.end).to_string(),
            (false, 1) => first.to_owned(),
            (false, _) => site.to_string(),
        },
        arguments: host.syscall_arguments(first),
        is_one: site.calls.len() == 1,
        end: site.end,
        as_tracepoint: site.as_tracepoint,
    }))
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let site = site_of(hook)?;
    match Seats::take(site, program.as_fd(), host) {
        Ok(seats) => Ok(Attachment::new(Hold::Seats(seats), hook.clone())),
        Err(NoSeat::Program(error)) => Err(error),
        Err(NoSeat::Code(code)) => Err(diagnose(event(site.end), code, host)),
    }
}

fn is_same_place(now: &Hook, next: &Hook) -> bool {
    let ends = (site_of(now).map(|site| site.end), site_of(next).map(|site| site.end));
    matches!(ends, (Ok(now), Ok(next)) if now == next)
}

fn mechanism(hook: &Hook, _: &Host) -> (String, String) {
    let Ok(site) = site_of(hook) else { return (String::new(), String::new()) };
    let how = format!("link of the raw tracepoint {}, shared by all probes at system calls", event(site.end));
    let why = match (site.as_tracepoint, site.end) {
        (true, _) => "it has all that the tracepoint of a system call has, skips no run, and ends at once",
        (false, CallEnd::Return) => {
            "it costs calls that are not asked for next to nothing; at the return the arguments are still there, and text has been read into \
             memory"
        }
        (false, CallEnd::Entry) => {
            "it costs calls that are not asked for next to nothing; the kernel has not done anything yet"
        }
    };
    (how, why.to_owned())
}

fn calls(_: &Host) -> Places {
    let mut all = BTreeMap::new();
    for (_, name) in SyscallAbi::Compat.all() {
        all.insert((*name).to_owned(), "of 32-bit processes only".to_owned());
    }
    for (_, name) in SyscallAbi::Native.all() {
        all.insert((*name).to_owned(), String::new());
    }
    (all, None)
}
