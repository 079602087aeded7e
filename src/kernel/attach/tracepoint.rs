// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a perf event for the tracepoint, with the program on it (Linux 4.7; as a link, 5.15).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

use super::{Attachment, take_link};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::host::Host;
use crate::spec::{Place, TracepointName};

pub(super) fn attach(program: &ProgramMut<'_>, name: &TracepointName, host: &Host) -> Result<Attachment, KernelError> {
    match attach_to(program, name, host) {
        Ok(link) => Ok(Attachment::new(link, format!("tracepoint {name}"))),
        Err(code) => Err(diagnose(name, code, host)),
    }
}

/// What `bpf_program__attach_tracepoint` does, which finds tracefs only where it is mounted. If this fails, `diagnose` says why.
fn attach_to(program: &ProgramMut<'_>, name: &TracepointName, host: &Host) -> Result<Link, i32> {
    let event = open(host.tracepoint_number(name).ok_or(libc::ENOENT)?)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded and the event is open; the result goes nowhere else.
    let link = unsafe { take_link(libbpf_sys::bpf_program__attach_perf_event(program, event.as_raw_fd())) }?;
    // The link closes it.
    let _ = event.into_raw_fd();
    Ok(link)
}

/// A perf event of a tracepoint. That of one CPU stands for all: the kernel runs a program wherever the tracepoint is hit.
fn open(number: u64) -> Result<OwnedFd, i32> {
    let attributes = libbpf_sys::perf_event_attr {
        type_: libbpf_sys::PERF_TYPE_TRACEPOINT,
        size: mem::size_of::<libbpf_sys::perf_event_attr>() as u32,
        config: number,
        ..Default::default()
    };
    let (every_process, cpu, no_group) = (-1, 0, -1);
    let flags = libbpf_sys::PERF_FLAG_FD_CLOEXEC as libc::c_ulong;
    // SAFETY: the attributes live across the call and say how long they are; the rest are numbers.
    let fd =
        unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attributes, every_process, cpu, no_group, flags) };
    match i32::try_from(fd) {
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        Ok(_) | Err(_) => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

fn diagnose(name: &TracepointName, code: i32, host: &Host) -> KernelError {
    if let Err((message, help)) = host.tracepoint(name) {
        return KernelError::new(Place::Target, message, help);
    }
    if name.category == "ftrace" {
        let message = format!("`{name}` is no tracepoint, but the form of a line that the tracer itself writes");
        return KernelError::new(Place::Target, message, "nothing can be attached to the category `ftrace`");
    }
    let message = format!("failed to attach to tracepoint `{name}`: {}", describe(code));
    let help = match code {
        libc::EPERM | libc::EACCES => privilege_help("CAP_BPF and CAP_PERFMON"),
        libc::EINVAL => "the program reads behind the end of this tracepoint's record".to_owned(),
        libc::E2BIG => "64 programs are attached to this tracepoint already, which is the kernel's limit".to_owned(),
        _ => String::new(),
    };
    KernelError::new(Place::Target, message, help)
}
