// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens to every object on its way into the kernel: which functions and maps it takes, and what is said where the verifier refuses
//! it.

use std::ffi::{CStr, c_char};
use std::os::fd::{AsFd as _, AsRawFd as _};

use libbpf_rs::{AsRawLibbpf, MapCore as _, Object, OpenObject};

use super::error::{KernelError, describe, privilege_help};
use super::hook::of;
use super::host::{Capabilities, Host};
use super::rates;
use super::tables::is_of_tables;
use super::usdt;
use crate::catalog::{FunctionAt, Program, SetPlace};
use crate::spec::{HookKind, Place, ProbeSpec};

/// Bytes of the verifier's log that are kept: the last lines tell why. Before Linux 6.4 one that is longer hides even the errno (ENOSPC).
/// What the kernel does not write to takes no memory.
const LOG_BYTES: usize = 8 << 20;
/// The array of `trace` that nothing jumps into.
const NOWHERE: &str = "nowhere";
/// Lines of it that a message shows.
const LOG_LINES: usize = 12;

pub(super) fn open_failed(program: &Program, error: &libbpf_rs::Error) -> KernelError {
    KernelError::at(Place::Program, format!("failed to open program `{}`: {error:#}", program.name))
}

/// Where the arguments of a USDT probe are.
pub(super) fn tell_arguments(object: &Object, spec: &ProbeSpec, host: &Host) -> Result<(), KernelError> {
    let map = object.maps().find(|map| map.name() == usdt::MAP && map.as_fd().as_raw_fd() >= 0);
    match (map, &spec.hook) {
        (Some(map), Some(hook)) => usdt::fill(&map, hook, host),
        (Some(_) | None, _) => Ok(()),
    }
}

/// Has the kernel create the maps and verify the programs. `OpenObject::load` does the same and hides the errno.
pub(super) fn verify(object: OpenObject) -> Result<Object, i32> {
    // SAFETY: an open object that was not loaded before.
    let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
    if code < 0 {
        return Err(-code);
    }
    // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
    Ok(unsafe { Object::from_ptr(object.take_ptr()) })
}

pub(super) fn select_functions(object: &mut OpenObject, functions: &[FunctionAt], log: &mut VerifierLog) {
    for mut program in object.progs_mut() {
        let wanted = functions.iter().any(|function| program.name() == function.function.as_str());
        program.set_autoload(wanted);
        if wanted {
            log.give_to(program.as_libbpf_object().as_ptr());
        }
    }
}

/// Sizes the ring; leaves out the maps that only carry types or that this program does not use.
pub(super) fn size_maps(object: &mut OpenObject, spec: &ProbeSpec, program: &Program) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == "events" {
            match program.event {
                Some(_) if !program.counts() => map.set_max_entries(spec.ring_bytes())?,
                Some(_) | None => map.set_autocreate(false)?,
            }
        } else if is_of_tables(&name) {
            // Those that are used are given (`give_tables`).
            map.set_autocreate(false)?;
        } else if name == usdt::MAP {
            map.set_autocreate(spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Usdt))?;
        } else if name == rates::MAP {
            match rates::windows(spec) {
                Some(windows) => map.set_max_entries(windows)?,
                None => map.set_autocreate(false)?,
            }
        } else if name.ends_with(".rodata.meta") || name == NOWHERE || SetPlace::of_map(&name).is_some() {
            map.set_autocreate(false)?;
        }
    }
    Ok(())
}

pub(super) fn refused(spec: &ProbeSpec, program: &Program, code: i32, log: &VerifierLog, host: &Host) -> KernelError {
    let name = &program.name;
    let by_kind = |one: FunctionAt| (of(one.hook.kind).refused)(&one.hook, code, host);
    if let Some(error) = program.attached_for(spec).into_iter().find_map(by_kind) {
        return error.of_hook_in(spec);
    }
    // Without CAP_PERFMON the verifier forbids what all others may do, and says nothing of the capability.
    let forbidden = || log.is_empty() || !Capabilities::effective().has("CAP_PERFMON");
    if matches!(code, libc::EPERM | libc::EACCES) && forbidden() {
        let message = format!("no permission to load program `{name}` ({})", describe(code));
        return KernelError::new(
            Place::Program,
            message,
            privilege_help("CAP_BPF and CAP_PERFMON (and CAP_NET_ADMIN for xdp, tc and cgroup)"),
        );
    }
    if host.btf().is_none() && !program.captures() && log.is_empty() {
        let message = format!("program `{name}` needs the kernel's BTF, and this kernel has none");
        let help = "use a kernel with CONFIG_DEBUG_INFO_BTF, which provides /sys/kernel/btf/vmlinux";
        return KernelError::new(Place::Program, message, help);
    }
    if code == libc::ENOMEM || code == libc::E2BIG && log.is_empty() {
        let message = format!("the kernel has no memory for program `{name}` and its ring buffer ({})", describe(code));
        return KernelError::new(Place::Program, message, "set a smaller `buffer` for this probe");
    }
    let message = format!("the kernel refused program `{name}` ({})", describe(code));
    let refusal = KernelError::at(Place::Program, message);
    match log.tail() {
        Some(tail) => refusal.note(format!("the end of the verifier's log:\n{tail}")),
        None => refusal,
    }
}

/// Where the verifier writes; it lives until the object is loaded.
pub(super) struct VerifierLog {
    buffer: Vec<c_char>,
}

impl VerifierLog {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new() }
    }

    /// Programs are loaded one after the other and the first refusal ends it: one buffer serves all of them.
    fn give_to(&mut self, program: *mut libbpf_sys::bpf_program) {
        if self.buffer.is_empty() {
            // An empty text. What lies behind it is left alone: to clear it for each of a hundred probes would take as long as to
            // load them.
            self.buffer = Vec::with_capacity(LOG_BYTES);
            self.buffer.push(0);
        }
        // SAFETY: `program` belongs to an open object; the buffer is neither moved nor freed before the load, which
        // borrows `self` for its error message afterwards. libbpf fills it only when the load fails.
        let code = unsafe { libbpf_sys::bpf_program__set_log_buf(program, self.buffer.as_mut_ptr(), LOG_BYTES as u64) };
        debug_assert_eq!(code, 0, "the object is not loaded yet");
    }

    fn text(&self) -> String {
        if self.buffer.is_empty() {
            return String::new();
        }
        // SAFETY: the buffer begins with a NUL, and the kernel terminates what it writes into it.
        let text = unsafe { CStr::from_ptr(self.buffer.as_ptr()) };
        text.to_string_lossy().into_owned()
    }

    fn is_empty(&self) -> bool {
        self.text().trim().is_empty()
    }

    /// The last lines, without the statistics that follow the reason.
    fn tail(&self) -> Option<String> {
        let text = self.text();
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.starts_with("processed ") && !line.trim().is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
        (!tail.is_empty()).then(|| tail.join("\n"))
    }
}
