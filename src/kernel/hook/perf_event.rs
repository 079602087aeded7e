// SPDX-License-Identifier: MIT OR Apache-2.0
//! Perf events: opened, and a program put on them.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use libbpf_rs::{AsRawLibbpf, ProgramMut};
use libbpf_sys::perf_event_attr;

use super::attachment::{Hold, take_link};
use crate::spec::PerfEvent;

/// Whose events a perf event is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// Those of all threads on this CPU.
    Cpu(u32),
    /// Those of the calling thread, wherever it runs.
    OwnThread,
}

/// Opens a perf event; the error is an errno.
pub(super) fn open(mut attributes: perf_event_attr, scope: Scope) -> Result<OwnedFd, i32> {
    attributes.size = mem::size_of::<perf_event_attr>() as u32;
    let (process, cpu) = match scope {
        Scope::Cpu(cpu) => (-1, i32::try_from(cpu).map_err(|_| libc::ENODEV)?),
        Scope::OwnThread => (0, -1),
    };
    let (no_group, flags) = (-1, libbpf_sys::PERF_FLAG_FD_CLOEXEC as libc::c_ulong);
    // SAFETY: the attributes live across the call and say how long they are; the rest are numbers. (rustix does not have it.)
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attributes, process, cpu, no_group, flags) };
    match i32::try_from(fd) {
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        Ok(_) | Err(_) => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

/// Puts a program on a perf event, and switches that on; the error is an errno.
pub(super) fn attach(program: &ProgramMut<'_>, event: OwnedFd) -> Result<Hold, i32> {
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded and the event is open; the result goes nowhere else.
    let link = unsafe { take_link(libbpf_sys::bpf_program__attach_perf_event(program, event.as_raw_fd())) }?;
    // The link closes it.
    let _ = event.into_raw_fd();
    Ok(link)
}

/// How a perf event is asked for that counts this, switched off.
pub(super) fn attributes(event: PerfEvent) -> perf_event_attr {
    let type_ = if event.is_of_hardware() { libbpf_sys::PERF_TYPE_HARDWARE } else { libbpf_sys::PERF_TYPE_SOFTWARE };
    let mut attributes = perf_event_attr { type_, config: number(event).into(), ..Default::default() };
    attributes.set_disabled(1);
    attributes
}

/// The number of an event within its type: `perf_sw_ids` and `perf_hw_id` of include/uapi/linux/perf_event.h.
fn number(event: PerfEvent) -> u32 {
    match event {
        PerfEvent::CpuClock => libbpf_sys::PERF_COUNT_SW_CPU_CLOCK,
        PerfEvent::TaskClock => libbpf_sys::PERF_COUNT_SW_TASK_CLOCK,
        PerfEvent::PageFaults => libbpf_sys::PERF_COUNT_SW_PAGE_FAULTS,
        PerfEvent::MinorFaults => libbpf_sys::PERF_COUNT_SW_PAGE_FAULTS_MIN,
        PerfEvent::MajorFaults => libbpf_sys::PERF_COUNT_SW_PAGE_FAULTS_MAJ,
        PerfEvent::ContextSwitches => libbpf_sys::PERF_COUNT_SW_CONTEXT_SWITCHES,
        PerfEvent::CpuMigrations => libbpf_sys::PERF_COUNT_SW_CPU_MIGRATIONS,
        PerfEvent::AlignmentFaults => libbpf_sys::PERF_COUNT_SW_ALIGNMENT_FAULTS,
        PerfEvent::EmulationFaults => libbpf_sys::PERF_COUNT_SW_EMULATION_FAULTS,
        PerfEvent::Cycles => libbpf_sys::PERF_COUNT_HW_CPU_CYCLES,
        PerfEvent::Instructions => libbpf_sys::PERF_COUNT_HW_INSTRUCTIONS,
        PerfEvent::RefCycles => libbpf_sys::PERF_COUNT_HW_REF_CPU_CYCLES,
        PerfEvent::CacheReferences => libbpf_sys::PERF_COUNT_HW_CACHE_REFERENCES,
        PerfEvent::CacheMisses => libbpf_sys::PERF_COUNT_HW_CACHE_MISSES,
        PerfEvent::Branches => libbpf_sys::PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
        PerfEvent::BranchMisses => libbpf_sys::PERF_COUNT_HW_BRANCH_MISSES,
        PerfEvent::BusCycles => libbpf_sys::PERF_COUNT_HW_BUS_CYCLES,
        PerfEvent::StalledCyclesFrontend => libbpf_sys::PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
        PerfEvent::StalledCyclesBackend => libbpf_sys::PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
    }
}
