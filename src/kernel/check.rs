// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe against this machine, without attaching anything: targets, captures, and what the verifier says.

use super::attach::{check_kprobe_target, check_raw_tracepoint, check_return, check_xdp};
use super::error::KernelError;
use super::load::Loaded;
use super::prepare::{Prepared, check_target, prepare, resolve_captures};
use crate::catalog::Program;
use crate::config::codes;
use crate::kernel::host::Capabilities;
use crate::kernel::host::Host;
use crate::kernel::site::{Expanded, expand_what_is_there};
use crate::spec::{Hook, HookKind, Place, ProbeSpec, Site, TracepointName};

/// One thing that a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The probe cannot run here as it is.
    Wrong(KernelError),
    /// The probe runs here when somebody starts it, and there is something to know about that.
    Warning(KernelError),
    /// Only attaching would tell, or it takes privileges that this process does not have to find out.
    Unknown(KernelError),
}

impl Finding {
    /// The finding about one of a probe's targets, with its blame put on that one.
    #[must_use]
    pub fn blame(self, one: &Expanded) -> Self {
        match self {
            Self::Wrong(error) => Self::Wrong(one.blame(error)),
            Self::Warning(error) => Self::Warning(one.blame(error)),
            Self::Unknown(error) => Self::Unknown(one.blame(error)),
        }
    }
}

/// Checks everything about a probe that can be known without running it: what its hook names, its captures, and, where this
/// process may load programs, the verifier's word on the specialised program. Nothing is
/// attached, and nothing stays loaded.
pub fn check(spec: &ProbeSpec, program: &Program, host: &Host) -> Vec<Finding> {
    let (expanded, errors) = expand_what_is_there(spec, host);
    let mut findings: Vec<Finding> = errors.into_iter().map(Finding::Wrong).collect();
    if let Some(hook) = spec.hook.as_ref().filter(|hook| expanded.is_empty() && hook.symbol().is_some()) {
        // Another name would not help where there are no kprobes at all.
        findings.extend(check_target(hook, host).err().map(Finding::Wrong));
    }
    for one in &expanded {
        let found = check_one(&one.spec, program, host).into_iter().map(|finding| finding.blame(one));
        // What is wrong with a capture is often wrong at each target.
        findings.extend(found.filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
    }
    findings
}

fn check_one(spec: &ProbeSpec, program: &Program, host: &Host) -> Vec<Finding> {
    let (prepared, mut findings) = inspect(spec, program, host);
    let Some(prepared) = prepared else { return findings };
    let missing = Capabilities::effective().missing_for(&kinds(spec, program));
    if !missing.is_empty() {
        let message = format!("not verified by the kernel: loading a program takes {}", missing.join(" and "));
        findings.push(Finding::Unknown(KernelError::new(Place::Program, message, "check as root to verify it")));
    } else if is_without_kprobes(spec, host) && !host.has_uprobes() {
        // A kernel with neither has no programs of this kind: it would say no more than that.
    } else if let Err(error) = Loaded::load(spec, program, &prepared, host) {
        findings.push(Finding::Wrong(error));
    }
    findings
}

/// The same of a probe with one target, without loading the program. `None` where a problem stands in the way of resolving its captures.
pub fn inspect(spec: &ProbeSpec, program: &Program, host: &Host) -> (Option<Prepared>, Vec<Finding>) {
    let mut findings = targets(spec, program, host);
    if is_without_kprobes(spec, host) {
        // The function and its types are there all the same, for a look that does not attach.
        return match resolve_captures(spec, program, host) {
            Ok(prepared) => (Some(prepared), findings),
            Err(errors) => {
                findings.extend(errors.into_iter().map(Finding::Wrong));
                (None, findings)
            }
        };
    }
    match prepare(spec, program, host) {
        Ok(prepared) => (Some(prepared), findings),
        Err(errors) => {
            // What is wrong with the target is said already, and its captures cannot be looked up then.
            let nothing_said = findings.is_empty();
            let is_new = |error: &KernelError| nothing_said || matches!(error.place, Place::Capture(_));
            findings.extend(errors.into_iter().filter(is_new).map(Finding::Wrong));
            (None, findings)
        }
    }
}

/// True at a function of a kernel that has it, and no kprobes.
fn is_without_kprobes(spec: &ProbeSpec, host: &Host) -> bool {
    let symbol = spec.hook.as_ref().and_then(Hook::symbol);
    symbol.is_some_and(|(symbol, _)| !host.has_kprobes() && host.kernel_symbol(symbol).count > 0)
}

/// The kinds of hooks whose privileges it takes.
fn kinds(spec: &ProbeSpec, program: &Program) -> Vec<HookKind> {
    program.attached_for(spec).into_iter().map(|one| one.hook.kind).collect()
}

fn targets(spec: &ProbeSpec, program: &Program, host: &Host) -> Vec<Finding> {
    if let Some(hook) = &spec.hook {
        return target(hook, host).into_iter().chain(untrusted(hook, host)).collect();
    }
    let own = program.attached_for(spec).into_iter().filter_map(|one| target(&one.hook, host));
    // The YAML names no target that could be to blame.
    let blame = |error| KernelError { place: Place::Program, ..error };
    let mut warned = false;
    own.map(|finding| match finding {
        Finding::Wrong(error) => Finding::Wrong(blame(error)),
        Finding::Warning(error) => Finding::Warning(blame(error)),
        Finding::Unknown(error) => Finding::Unknown(blame(error)),
    })
    // Several functions, one warning.
    .filter(|finding| !matches!(finding, Finding::Warning(_)) || !std::mem::replace(&mut warned, true))
    .collect()
}

/// What a person should know of a binary that others could change.
fn untrusted(hook: &Hook, host: &Host) -> Option<Finding> {
    let point = hook.point()?;
    let doubt = host.binaries.of(point).ok().and_then(|file| file.doubt(point));
    doubt.map(|error| Finding::Warning(error.coded(codes::UNTRUSTED_BINARY_HERE)))
}

fn target(hook: &Hook, host: &Host) -> Option<Finding> {
    if let (Site::Event(name), Err((reason, help))) = (&hook.site, host.tracefs()) {
        let error = KernelError::new(Place::Target, format!("failed to look up tracepoint `{name}`: {reason}"), help);
        let may_mount = Capabilities::effective().has("CAP_SYS_ADMIN");
        return Some(if may_mount { Finding::Wrong(error) } else { Finding::Unknown(error) });
    }
    if let Err(error) = check_target(hook, host) {
        return Some(Finding::Wrong(error));
    }
    match &hook.site {
        Site::Interface { name, mode } => check_xdp(name, *mode, host),
        Site::Function { symbol, .. } => check_kprobe_target(hook.kind, symbol, host),
        Site::RawEvent(name) => check_raw_tracepoint(name, host).map(Finding::Wrong),
        Site::Binary(point) if hook.kind == HookKind::Uretprobe => check_return(point, host),
        Site::Event(name) => passes_by(name, host),
        Site::Binary(_) => None,
    }
}

/// The kernel's own tracepoints of system calls are those of its 64-bit table (`arch_trace_is_compat_syscall`).
fn passes_by(name: &TracepointName, host: &Host) -> Option<Finding> {
    if name.category != "syscalls" || !host.runs_32_bit() {
        return None;
    }
    let raw = if name.name.starts_with("sys_exit_") { "sys_exit" } else { "sys_enter" };
    let message = "this kernel runs 32-bit processes too, and tracepoints of system calls do not see what those call";
    let help = format!(
        "`raw_tracepoint: {raw}` sees all processes; the number of a call of a 32-bit one is that of its own table"
    );
    Some(Finding::Warning(KernelError::new(Place::Target, message, help).coded(codes::NOT_ALL_PROCESSES)))
}
