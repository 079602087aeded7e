// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uprobe` and `uretprobe`: a perf event of the uprobe PMU (Linux 4.17; as a link, 5.15).

use std::fs;
use std::mem;
use std::path::Path;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

use super::{Attachment, Landed, take_link};
use crate::config::codes;
use crate::kernel::check::Finding;
use crate::kernel::error::{ENOTSUPP, KernelError, describe, privilege_help};
use crate::kernel::host::Host;
use crate::kernel::host::in_first_namespace;
use crate::kernel::site::binary::BinaryFile;
use crate::kernel::site::binary::Held;
use crate::kernel::site::binary::Located;
use crate::spec::{HookKind, Place, UserPoint};

pub(super) fn attach(
    program: &ProgramMut<'_>,
    kind: HookKind,
    point: &UserPoint,
    host: &Host,
) -> Result<Attachment, KernelError> {
    let on_return = kind == HookKind::Uretprobe;
    let binaries = &host.binaries;
    let located = if on_return { binaries.locate_return(point) } else { binaries.locate(point) }?;
    // Read before the kernel does: it keeps a copy of the instruction, and a write since then is one to notice.
    let code = located.instruction();
    let remark = if on_return { located.danger(point) } else { None };
    let Located { file, offset, .. } = located;
    match attach_at(program, file.binary.bytes(), offset, point.pid, on_return) {
        Ok(link) => {
            let point = UserPoint { binary: file.path.display().to_string(), ..point.clone() };
            let held = Held::new(file.binary.bytes().descriptor(), file.identity).map_err(|error| {
                KernelError::new(Place::Binary, format!("failed to keep `{}` open: {error}", file.path.display()), "")
            })?;
            let landed = Some(Landed { file: file.identity, held, offset, code });
            let remarks: Vec<String> =
                remark.into_iter().chain(file.doubt(&point).map(|error| error.message)).collect();
            let remark = Some(remarks.join("; ")).filter(|remark| !remark.is_empty());
            Ok(Attachment { landed, remark, ..Attachment::new(link, format!("{kind} {point}")) })
        }
        Err(code) => Err(diagnose(kind, point, &file.path, code, host)),
    }
}

/// The kernel takes a path, and follows this one to the file that was looked into: whatever has its name by now, that is what
/// the offset is for.
fn attach_at(
    program: &ProgramMut<'_>,
    file: &BinaryFile,
    offset: u64,
    pid: Option<u32>,
    on_return: bool,
) -> Result<Link, i32> {
    let path = file.link().map_err(|_| libc::ENOENT)?;
    let options = libbpf_sys::bpf_uprobe_opts {
        sz: mem::size_of::<libbpf_sys::bpf_uprobe_opts>() as libbpf_sys::size_t,
        retprobe: on_return,
        ..Default::default()
    };
    // -1: every process.
    let pid = pid.map_or(Ok(-1), i32::try_from).map_err(|_| libc::ESRCH)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; path and options live across the call, whose result goes nowhere else.
    unsafe {
        let offset = offset as libbpf_sys::size_t;
        take_link(libbpf_sys::bpf_program__attach_uprobe_opts(program, pid, path.as_ptr(), offset, &options))
    }
}

/// What is wrong with the file, the function or the process, as far as can be known without attaching.
pub(in crate::kernel) fn check(kind: HookKind, point: &UserPoint, host: &Host) -> Result<(), KernelError> {
    if !host.has_uprobes() {
        let message =
            format!("this kernel has no uprobes, so `{kind}: {}:{}` cannot be attached", point.binary, point.place);
        return Err(KernelError::new(Place::Hook, message, "it takes a kernel with CONFIG_UPROBE_EVENTS"));
    }
    if kind == HookKind::Uretprobe { host.binaries.locate_return(point) } else { host.binaries.locate(point) }?;
    match point.pid {
        Some(pid) if !Path::new("/proc").join(pid.to_string()).exists() => Err(no_process(pid)),
        Some(_) | None => Ok(()),
    }
}

/// What is known to be dangerous about a probe at the return of this function.
pub(in crate::kernel) fn check_return(point: &UserPoint, host: &Host) -> Option<Finding> {
    let danger = host.binaries.locate_return(point).ok()?.danger(point)?;
    let help = "if it may throw, take a `uprobe`; what is caught inside of it does no harm";
    Some(Finding::Warning(KernelError::new(Place::Target, danger, help).coded(codes::UNWOUND_RETURN)))
}

/// What programs see as the number of the process that a thread of this number belongs to. `None` where they see another
/// one than this process does, in a PID namespace that is not the first, and where there is no such thread.
pub(in crate::kernel) fn process_of(pid: u32) -> Option<u32> {
    if !in_first_namespace() {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())
}

fn no_process(pid: u32) -> KernelError {
    KernelError::new(Place::Process, format!("there is no process {pid}"), "")
}

fn diagnose(kind: HookKind, point: &UserPoint, path: &Path, code: i32, host: &Host) -> KernelError {
    let at = format!("{}:{}", path.display(), point.place);
    if matches!(code, libc::EPERM | libc::EACCES) {
        let message = format!("the kernel did not let us attach to `{at}` ({})", describe(code));
        return KernelError::new(Place::Target, message, privilege_help("CAP_SYS_ADMIN"));
    }
    // The file may have been replaced, the process may have ended.
    if let Err(error) = check(kind, point, host) {
        return error;
    }
    match (code, point.pid) {
        (libc::ESRCH, Some(pid)) => no_process(pid),
        (libc::EINVAL | libc::EIO | libc::ENOEXEC | libc::EOPNOTSUPP | ENOTSUPP, _) => {
            let message = format!("the kernel does not allow a {kind} at `{at}` ({})", describe(code));
            let help = match code {
                libc::EIO => "its file system does not keep files in the kernel's memory: copy the file elsewhere",
                _instruction => "it cannot replace this instruction: choose another place",
            };
            KernelError::new(Place::Target, message, help)
        }
        (code, _) => KernelError::new(Place::Target, format!("failed to attach to `{at}`: {}", describe(code)), ""),
    }
}
