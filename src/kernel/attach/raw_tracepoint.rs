// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: called with the kernel's own arguments (Linux 4.17; always a link).

use std::ffi::CString;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

use super::{Attachment, take_link};
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::host::Host;
use crate::spec::Place;

pub(super) fn attach(program: &ProgramMut<'_>, name: &str, host: &Host) -> Result<Attachment, KernelError> {
    match attach_to(program, name) {
        Ok(link) => Ok(Attachment::new(link, format!("raw_tracepoint {name}"))),
        Err(code) => Err(diagnose(name, code, host)),
    }
}

fn attach_to(program: &ProgramMut<'_>, name: &str) -> Result<Link, i32> {
    let name = CString::new(name).map_err(|_| libc::ENOENT)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; the name lives across the call, whose result goes nowhere else.
    unsafe { take_link(libbpf_sys::bpf_program__attach_raw_tracepoint(program, name.as_ptr())) }
}

/// What is wrong with the name, as far as this kernel's types and tracefs tell.
pub(in crate::kernel) fn check(name: &str, host: &Host) -> Option<KernelError> {
    (!host.may_have_raw_tracepoint(name)).then(|| diagnose(name, libc::ENOENT, host))
}

pub(super) fn diagnose(name: &str, code: i32, host: &Host) -> KernelError {
    match code {
        libc::ENOENT => {
            let message = format!("this kernel has no raw tracepoint `{name}`");
            let help = match name.split_once(':') {
                Some((_, bare)) => format!("raw tracepoints have no category: write `{bare}`"),
                None => host.nearest_raw_tracepoint(name),
            };
            KernelError::new(Place::Target, message, help)
        }
        code => {
            let message = format!("failed to attach to raw tracepoint `{name}`: {}", describe(code));
            let help = match code {
                libc::EPERM | libc::EACCES => privilege_help("CAP_BPF and CAP_PERFMON"),
                libc::EINVAL => "the program reads more arguments than this tracepoint has".to_owned(),
                _ => String::new(),
            };
            KernelError::new(Place::Target, message, help)
        }
    }
}
