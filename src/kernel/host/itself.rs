// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who this process is for the kernel.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::OnceLock;

use libbpf_rs::{AsRawLibbpf as _, Object, ObjectBuilder};

use crate::catalog::internal_object;

/// PROC_PID_INIT_INO of `include/linux/proc_ns.h`.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// True in the first PID namespace, where a process has the number that programs see.
fn in_first_namespace() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|namespace| namespace.as_os_str() == FIRST_NAMESPACE)
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

/// The number of this process in the first PID namespace; `None` where the kernel does not tell.
pub(in crate::kernel) fn own_process() -> Option<u32> {
    static FOUND: OnceLock<Option<u32>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let found = if in_first_namespace() { Some(std::process::id()) } else { ask() };
        if found.is_none() {
            tracing::warn!("this kernel cannot identify ebpf-run: probes also see its own activity");
        }
        found
    })
}

/// Has a program say it: `bpf/internal/itself.bpf.c`.
fn ask() -> Option<u32> {
    let mut builder = ObjectBuilder::default();
    let object = builder.open_memory(internal_object("itself")?).ok()?;
    // SAFETY: an open object that was not loaded before.
    if unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) } < 0 {
        return None;
    }
    // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
    let object = unsafe { Object::from_ptr(object.take_ptr()) };
    let program = object.progs().next()?;
    let mut options =
        libbpf_sys::bpf_test_run_opts { sz: size_of::<libbpf_sys::bpf_test_run_opts>() as u64, ..Default::default() };
    // SAFETY: the options are plain data, without buffers, and live across the call.
    let code = unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_fd().as_raw_fd(), &mut options) };
    (code == 0 && options.retval != 0).then_some(options.retval)
}
