// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a perf event for the tracepoint, with the program on it (Linux 4.7; as a link, 5.15).

use libbpf_rs::{ProgramMut, TracepointCategory};

use super::Attachment;
use crate::kernel::error::{KernelError, describe, errno, privilege_help};
use crate::kernel::host::Host;
use crate::spec::{Place, TracepointName};

pub(super) fn attach(program: &ProgramMut<'_>, name: &TracepointName, host: &Host) -> Result<Attachment, KernelError> {
    let category = TracepointCategory::Custom(name.category.clone());
    match program.attach_tracepoint(category, &name.name) {
        Ok(link) => Ok(Attachment::new(link, format!("tracepoint {name}"))),
        Err(error) => Err(diagnose(name, errno(&error), host)),
    }
}

fn diagnose(name: &TracepointName, code: i32, host: &Host) -> KernelError {
    if let Err((message, help)) = host.tracepoint(name) {
        return KernelError::new(Place::Target, message, help);
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
