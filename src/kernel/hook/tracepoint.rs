// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a perf event for the tracepoint, with the program on it (Linux 4.7; as a link, 5.15).

use std::collections::BTreeMap;

use libbpf_rs::ProgramMut;

use super::attachment::{Attachment, Hold};
use super::kind::{
    Exchange, Feature, KernelKind, Part, always, always_live, is_equal, misplaced, no_name, not_to_blame,
    nothing_missing, nothing_to_prepare, within_reach,
};
use super::listing::{Declared, Listing, Places, Signature, Source, Unasked};
use super::perf_event;
use super::perf_links;
use super::trial::QUIET_EVENT;
use crate::config::codes;
use crate::expr::{RecordScope, Scope, TraceField, TraceShape};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::{Capabilities, Host};
use crate::kernel::site::syscall::of_event;
use crate::spec::{CallEnd, Hook, HookKind, Place, Site, TracepointName};
use crate::words::Refusal;

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Tracepoint,
    feature: Feature { what: "programs at tracepoints", since: "4.7", version: (4, 7) },
    parts: &[Part { what: "tracefs, readable", is_there: |host| host.tracefs().is_ok(), by_privilege: true }],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: false,
    exchange: Exchange::Slot { jump: "slot_tracepoint", nothing: "nothing_tracepoint" },
    check: |hook, host| fields(hook, host).map(drop),
    inspect,
    missing: nothing_missing,
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
    mechanism: |_, host| perf_links::event_of("the tracepoint", host),
    counts_missed: perf_links::counts_missed,
    listing: Some(Listing {
        source: Source::Machine(tracepoints),
        unasked: |_| Unasked::Listed,
        describe: |target, _, host| declared_fields(target, host).map(Signature::Fields),
    }),
    tried_with: "trace",
    tries: |host, one| {
        let name = TracepointName { category: "sched".to_owned(), name: QUIET_EVENT.to_owned() };
        vec![one(Hook { kind: HookKind::Tracepoint, site: Site::Event(name) }, host)]
    },
};

fn name_of(hook: &Hook) -> Result<&TracepointName, KernelError> {
    if let Site::Event(name) = &hook.site { Ok(name) } else { Err(misplaced(hook)) }
}

fn fields(hook: &Hook, host: &Host) -> Result<Vec<TraceField>, KernelError> {
    host.tracepoint(name_of(hook)?).map_err(|refusal| KernelError::of(Place::Target, refusal))
}

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    Ok(Scope::Record(RecordScope { name: hook.site.to_string(), fields: fields(hook, host)? }))
}

fn inspect(hook: &Hook, host: &Host) -> Vec<Finding> {
    let finding = match (host.tracefs(), fields(hook, host)) {
        (Err(refusal), _) => {
            let message = format!("failed to look up tracepoint `{}`: {}", hook.site, refusal.message);
            let error = KernelError::of(Place::Target, Refusal { message, ..refusal });
            let may_mount = Capabilities::effective().has("CAP_SYS_ADMIN");
            Some(if may_mount { Finding::Wrong(error) } else { Finding::Unknown(error) })
        }
        (Ok(_), Err(error)) => Some(Finding::Wrong(error)),
        (Ok(_), Ok(_)) => name_of(hook).ok().and_then(|name| passes_by(name, host)),
    };
    finding.into_iter().collect()
}

fn tracepoints(host: &Host) -> Places {
    let listed = host
        .tracefs()
        .map_err(|Refusal { message, help, .. }| match help {
            Some(help) => format!("{message}; {help}"),
            None => message,
        })
        .and_then(|path| {
            std::fs::read_to_string(path.join("available_events"))
                .map_err(|error| format!("failed to list them: {error}"))
        });
    match listed {
        Ok(text) => (text.lines().map(|line| (line.to_owned(), String::new())).collect(), None),
        Err(reason) => (BTreeMap::new(), Some(format!("tracepoints: {reason}"))),
    }
}

fn declared_fields(target: &str, host: &Host) -> Option<Declared> {
    let (category, name) = target.split_once(':')?;
    let name = TracepointName { category: category.to_owned(), name: name.to_owned() };
    let fields = host.tracepoint(&name).ok()?;
    let declare = |field: TraceField| {
        let brackets = match field.shape {
            TraceShape::Scalar => String::new(),
            TraceShape::Array(count) => format!("[{count}]"),
            TraceShape::DataLoc | TraceShape::RelLoc => "[]".to_owned(),
        };
        (field.name, field.c_type + &brackets)
    };
    Some(fields.into_iter().map(declare).collect())
}

/// The kernel's own tracepoints of system calls are those of its 64-bit table (`arch_trace_is_compat_syscall`).
pub(super) fn passes_by(name: &TracepointName, host: &Host) -> Option<Finding> {
    if name.category != "syscalls" || !host.runs_32_bit() {
        return None;
    }
    let message = "this kernel can run 32-bit processes, and tracepoints of system calls do not see their calls";
    let help = match of_event(name) {
        Some((call, CallEnd::Entry)) => format!("`syscall: {{ name: {call}, at: entry }}` sees all processes"),
        Some((call, CallEnd::Return)) => format!("`syscall: {call}` sees all processes"),
        None => "a `syscall` hook sees all processes".to_owned(),
    };
    Some(Finding::Warning(KernelError::new(Place::Target, message, help).coded(codes::NOT_ALL_PROCESSES)))
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let name = name_of(hook)?;
    match attach_to(program, name, host) {
        Ok(hold) => Ok(Attachment::new(hold, hook.clone())),
        Err(code) => Err(diagnose(name, code, host)),
    }
}

/// What `bpf_program__attach_tracepoint` does, which finds tracefs only where it is mounted. If this fails, `diagnose` says why. The event of one
/// CPU stands for all: the kernel runs a program wherever the tracepoint is hit.
fn attach_to(program: &ProgramMut<'_>, name: &TracepointName, host: &Host) -> Result<Hold, i32> {
    let attributes = libbpf_sys::perf_event_attr {
        type_: libbpf_sys::PERF_TYPE_TRACEPOINT,
        config: host.tracepoint_number(name).ok_or(libc::ENOENT)?,
        ..Default::default()
    };
    perf_event::attach(program, perf_event::open(attributes, perf_event::Scope::Cpu(0))?)
}

fn diagnose(name: &TracepointName, code: i32, host: &Host) -> KernelError {
    if let Err(refusal) = host.tracepoint(name) {
        return KernelError::of(Place::Target, refusal);
    }
    if name.category == "ftrace" {
        let message = format!("`{name}` is not a tracepoint, but a record format of the tracer");
        return KernelError::new(Place::Target, message, "nothing can be attached to the category `ftrace`");
    }
    let message = format!("failed to attach to tracepoint `{name}`: {}", describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => Some(privilege_help("CAP_BPF and CAP_PERFMON")),
        libc::EINVAL => Some("the program reads past the end of this tracepoint's record".to_owned()),
        libc::E2BIG => {
            Some("64 programs are attached to this tracepoint already, which is the kernel's limit".to_owned())
        }
        _ => None,
    };
    KernelError::at(Place::Target, message).maybe_help(help)
}
