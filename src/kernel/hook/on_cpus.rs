// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `timer`, `profile` and `perf` share: a perf event on one CPU or on each.
//!
//! An event belongs to its CPU: one that is switched off loses it for good, and one that is switched on later has none.

use libbpf_rs::ProgramMut;
use libbpf_sys::perf_event_attr;

use super::attachment::{Attachment, Hold};
use super::kind::{
    Exchange, Feature, KernelKind, always, is_equal, misplaced, no_name, not_to_blame, nothing_missing,
    nothing_to_prepare, within_reach,
};
use super::perf_event::{self, Scope};
use crate::expr;
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::finding::Finding;
use crate::kernel::host::{Host, online_cpus};
use crate::spec::{Hook, HookKind, PerfEvent, Place, Site};

/// What all of them say.
pub(super) const BASE: KernelKind = KernelKind {
    kind: HookKind::Timer,
    feature: Feature { what: "programs at perf events", since: "4.9", version: (4, 9) },
    parts: &[],
    capabilities: &["CAP_BPF", "CAP_PERFMON"],
    captures_by_btf: false,
    exchange: Exchange::Slot { jump: "slot_perf_event", nothing: "nothing_perf_event" },
    check,
    inspect: |hook, host| check(hook, host).err().map(Finding::Wrong).into_iter().collect(),
    missing: nothing_missing,
    is_out_of_reach: within_reach,
    has_programs: always,
    scope: |hook, _| Ok(expr::Scope::Machine(expr::MachineScope { has_process: hook.kind != HookKind::Timer })),
    prepare: nothing_to_prepare,
    refused: not_to_blame,
    attach,
    is_live,
    is_same_place: is_equal,
    locate: None,
    takes_entry: true,
    unfit: no_name,
    mechanism: |hook, host| (how(hook, host), why(hook).to_owned()),
    // `bpf_overflow_handler`: none where a program of a kprobe or a tracepoint is interrupted on that CPU.
    counts_missed: |_| false,
    listing: None,
    tried_with: "trace",
    tries: |_, _| Vec::new(),
};

/// What a hook has the kernel count, and after how many it fires.
struct Counter {
    event: PerfEvent,
    period: Period,
    /// On each CPU; else on the first.
    everywhere: bool,
}

enum Period {
    Every(u64),
    PerSecond(u32),
}

impl Counter {
    fn of(hook: &Hook) -> Result<Self, KernelError> {
        Ok(match hook.site {
            Site::Timer(every) => {
                let period = Period::Every(u64::try_from(every.as_nanos()).unwrap_or(u64::MAX >> 1));
                Self { event: PerfEvent::CpuClock, period, everywhere: false }
            }
            Site::Profile(frequency) => {
                let event = if counts(PerfEvent::Cycles).is_ok() { PerfEvent::Cycles } else { PerfEvent::CpuClock };
                Self { event, period: Period::PerSecond(frequency), everywhere: true }
            }
            Site::Perf { event, every } => Self { event, period: Period::Every(every), everywhere: true },
            Site::Interface { .. }
            | Site::Traffic { .. }
            | Site::Cgroup { .. }
            | Site::Function { .. }
            | Site::Event(_)
            | Site::RawEvent(_)
            | Site::SecurityHook(_)
            | Site::Binary(_)
            | Site::Call { .. }
            | Site::Syscall(_)
            | Site::Items(_) => return Err(misplaced(hook)),
        })
    }

    fn attributes(&self) -> perf_event_attr {
        let mut attributes = perf_event::attributes(self.event);
        match self.period {
            Period::Every(every) => attributes.__bindgen_anon_1.sample_period = every,
            Period::PerSecond(frequency) => {
                attributes.__bindgen_anon_1.sample_freq = frequency.into();
                attributes.set_freq(1);
            }
        }
        attributes
    }

    fn cpus(&self) -> Vec<u32> {
        let mut cpus = online_cpus();
        if !self.everywhere {
            cpus.truncate(1);
        }
        cpus
    }
}

/// Whether this machine counts an event: asked for the calling thread, outside the kernel, which takes no privileges. The error is an
/// errno.
fn counts(event: PerfEvent) -> Result<(), i32> {
    let mut attributes = perf_event::attributes(event);
    attributes.set_exclude_kernel(1);
    attributes.set_exclude_hv(1);
    perf_event::open(attributes, Scope::OwnThread).map(drop)
}

/// True for what says that there is no such counter, whatever the privileges.
fn is_unknown(code: i32) -> bool {
    matches!(code, libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV | libc::EINVAL)
}

/// The kernel's own events are everywhere; those of the CPU are not.
fn check(hook: &Hook, _: &Host) -> Result<(), KernelError> {
    match hook.site {
        Site::Perf { event, .. } if event.is_of_hardware() => match counts(event) {
            Err(code) if is_unknown(code) => Err(no_counter(event, code)),
            Ok(()) | Err(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

fn no_counter(event: PerfEvent, code: i32) -> KernelError {
    let word = event.word();
    if event != PerfEvent::Cycles && counts(PerfEvent::Cycles).is_ok() {
        let message = format!("the CPU of this machine does not count `{word}` ({})", describe(code));
        return KernelError::new(Place::Target, message, "`perf list` shows what it counts");
    }
    let message = format!("this machine has no hardware counters, so `{word}` cannot be counted ({})", describe(code));
    let help = "virtual machines mostly have none; `cpu-clock`, `page-faults` and `context-switches` are the kernel's own and \
                always there";
    KernelError::new(Place::Target, message, help)
}

fn attach(program: &ProgramMut<'_>, hook: &Hook, host: &Host) -> Result<Attachment, KernelError> {
    let counter = Counter::of(hook)?;
    let mut holds = Vec::new();
    let mut gone = libc::ENODEV;
    for cpu in counter.cpus() {
        let event = perf_event::open(counter.attributes(), Scope::Cpu(cpu));
        match event.and_then(|event| perf_event::attach(program, event)) {
            Ok(hold) => holds.push((cpu, hold)),
            // It was switched off a moment ago.
            Err(code @ libc::ENODEV) => gone = code,
            Err(code) => return Err(diagnose(&counter, code)),
        }
    }
    if holds.is_empty() {
        return Err(diagnose(&counter, gone));
    }
    let mechanism = format!("{hook}, {}", how(hook, host));
    Ok(Attachment { mechanism, ..Attachment::new(Hold::OnCpus(holds), hook.clone()) })
}

/// A timer lives with its CPU; the others are on all that there are.
fn is_live(hook: &Hook, hold: &Hold, _: &Host) -> bool {
    let Hold::OnCpus(holds) = hold else { return true };
    let online = online_cpus();
    let has_all = holds.iter().all(|(cpu, _)| online.contains(cpu));
    has_all && (hook.kind == HookKind::Timer || holds.len() == online.len())
}

fn diagnose(counter: &Counter, code: i32) -> KernelError {
    let word = counter.event.word();
    match (code, &counter.period) {
        (libc::EPERM | libc::EACCES, _) => {
            let message = format!("no permission for the perf event `{word}` ({})", describe(code));
            KernelError::new(Place::Target, message, privilege_help("CAP_BPF and CAP_PERFMON"))
        }
        (code, _) if counter.event.is_of_hardware() && is_unknown(code) && counts(counter.event).is_err() => {
            no_counter(counter.event, code)
        }
        (libc::EINVAL, Period::PerSecond(frequency)) => {
            let limit = std::fs::read_to_string("/proc/sys/kernel/perf_event_max_sample_rate").unwrap_or_default();
            let message = format!("the kernel does not allow {frequency} samples a second ({})", describe(code));
            let help = format!(
                "`sysctl kernel.perf_event_max_sample_rate` is {}: lower `frequency`, or raise that",
                limit.trim()
            );
            KernelError::new(Place::Target, message, help)
        }
        (code, _) => {
            KernelError::at(Place::Target, format!("failed to set up the perf event `{word}`: {}", describe(code)))
        }
    }
}

/// `cpu-clock on 2 CPUs`
fn how(hook: &Hook, _: &Host) -> String {
    let Ok(counter) = Counter::of(hook) else { return String::new() };
    let cpus = counter.cpus();
    let on = match (counter.everywhere, cpus.as_slice()) {
        (false, [cpu, ..]) => format!("CPU {cpu}"),
        (_, [_one]) => "the only CPU".to_owned(),
        (_, all) => format!("each of {} CPUs", all.len()),
    };
    format!("perf event `{}` on {on}", counter.event.word())
}

fn why(hook: &Hook) -> &'static str {
    match hook.site {
        Site::Timer(_) => {
            "the CPU's clock fires whether the CPU is idle or not; the event ends if that CPU is switched off"
        }
        Site::Profile(_) if counts(PerfEvent::Cycles).is_ok() => {
            "this CPU counts cycles, and samples come from code with interrupts off as well; an idle CPU has no cycles"
        }
        Site::Profile(_) => {
            "this machine lets us have no hardware counters: the clock has samples of idle CPUs as well (process 0)"
        }
        _ => {
            "the kernel calls the program when its counter overflows; CPUs that are switched on later are not among them"
        }
    }
}
