// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: called with the kernel's own arguments (Linux 4.17; always a link).

use libbpf_rs::ProgramMut;

use super::Attachment;
use crate::kernel::error::{KernelError, describe, errno, privilege_help};
use crate::kernel::host::Host;
use crate::spec::Place;

pub(super) fn attach(program: &ProgramMut<'_>, name: &str, host: &Host) -> Result<Attachment, KernelError> {
    match program.attach_raw_tracepoint(name) {
        Ok(link) => Ok(Attachment::new(link, format!("raw_tracepoint {name}"))),
        Err(error) => Err(diagnose(name, errno(&error), host)),
    }
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
