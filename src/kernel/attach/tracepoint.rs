// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a perf event for the tracepoint, with the program on it (Linux 4.7; as a link, 5.15).

use std::ffi::CString;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

use super::{Attachment, take_link};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::host::Host;
use crate::spec::{Place, TracepointName};

pub(super) fn attach(program: &ProgramMut<'_>, name: &TracepointName, host: &Host) -> Result<Attachment, KernelError> {
    // libbpf reads the tracepoint's number there, but mounts nothing. If this fails, `diagnose` says why.
    let _ = host.tracefs();
    match attach_to(program, name) {
        Ok(link) => Ok(Attachment::new(link, format!("tracepoint {name}"))),
        Err(code) => Err(diagnose(name, code, host)),
    }
}

fn attach_to(program: &ProgramMut<'_>, name: &TracepointName) -> Result<Link, i32> {
    let category = CString::new(name.category.as_str()).map_err(|_| libc::ENOENT)?;
    let event = CString::new(name.name.as_str()).map_err(|_| libc::ENOENT)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; both names live across the call, whose result goes nowhere else.
    unsafe { take_link(libbpf_sys::bpf_program__attach_tracepoint(program, category.as_ptr(), event.as_ptr())) }
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
