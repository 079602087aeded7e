// SPDX-License-Identifier: MIT OR Apache-2.0
//! A bpf_link between a program and a descriptor or an interface: made, and its program exchanged.

use std::mem;
use std::os::fd::{FromRawFd, OwnedFd};

/// Attaches a program to what `target` is the number of; the error is an errno.
pub(in crate::kernel) fn create(
    program: i32,
    target: i32,
    place: libbpf_sys::bpf_attach_type,
    flags: u32,
) -> Result<OwnedFd, i32> {
    let options = libbpf_sys::bpf_link_create_opts {
        sz: mem::size_of::<libbpf_sys::bpf_link_create_opts>() as libbpf_sys::size_t,
        flags,
        ..Default::default()
    };
    // SAFETY: the options live across the call, which takes numbers else; the kernel refuses what does not fit together.
    let fd = unsafe { libbpf_sys::bpf_link_create(program, target, place, &options) };
    if fd < 0 {
        return Err(-fd);
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Exchanges the program inside a link (Linux 5.9): each event runs in the old one or in the new one.
pub(super) fn replace(link: i32, program: i32, old: i32) -> Result<(), i32> {
    let mut options = libbpf_sys::bpf_link_update_opts {
        sz: mem::size_of::<libbpf_sys::bpf_link_update_opts>() as libbpf_sys::size_t,
        flags: libbpf_sys::BPF_F_REPLACE,
        ..Default::default()
    };
    options.old_prog_fd = old as u32;
    // SAFETY: the options live across the call, which takes descriptors that the caller holds.
    let code = unsafe { libbpf_sys::bpf_link_update(link, program, &options) };
    if code < 0 { Err(-code) } else { Ok(()) }
}
