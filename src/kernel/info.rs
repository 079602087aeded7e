// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel says about programs, maps and links behind descriptors.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::raw::c_int;
use std::time::Duration;

/// The part of a program's information that is used here; all zero where the kernel refuses.
pub(super) fn program(fd: c_int) -> libbpf_sys::bpf_prog_info {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut len = mem::size_of_val(&info) as u32;
    // SAFETY: `info` is plain data, all zero, of the length that is passed; the kernel fills what it knows.
    let code = unsafe { libbpf_sys::bpf_obj_get_info_by_fd(fd, std::ptr::from_mut(&mut info).cast(), &mut len) };
    if code == 0 { info } else { libbpf_sys::bpf_prog_info::default() }
}

/// How many entries the kernel made a map with; of a ring buffer: bytes.
pub(super) fn map_entries(map: BorrowedFd<'_>) -> io::Result<u32> {
    let mut info = libbpf_sys::bpf_map_info::default();
    let mut len = mem::size_of_val(&info) as u32;
    // SAFETY: as above.
    let code = unsafe { libbpf_sys::bpf_map_get_info_by_fd(map.as_raw_fd(), &mut info, &mut len) };
    if code == 0 { Ok(info.max_entries) } else { Err(io::Error::from_raw_os_error(-code)) }
}

/// What a loaded program is called; `None` where it has no name, or this process may not look.
pub(super) fn name_of_program(id: u32) -> Option<String> {
    // SAFETY: takes a number, returns a new descriptor or an error.
    let fd = unsafe { libbpf_sys::bpf_prog_get_fd_by_id(id) };
    if fd < 0 {
        return None;
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let info = program(fd.as_raw_fd());
    // SAFETY: the kernel terminates the name within its 16 bytes.
    let name = unsafe { CStr::from_ptr(info.name.as_ptr()) };
    Some(name.to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

/// A link's information; `None` where the descriptor is no link (a perf event before Linux 5.15).
pub(super) fn link(fd: c_int) -> Option<libbpf_sys::bpf_link_info> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut len = mem::size_of_val(&info) as u32;
    // SAFETY: as above; the kernel refuses descriptors that are no links of BPF, and writes at most `len` bytes.
    let code = unsafe { libbpf_sys::bpf_link_get_info_by_fd(fd, &mut info, &mut len) };
    (code == 0).then_some(info)
}

/// Runs and time of a program since it was loaded, while `kernel.bpf_stats_enabled` was on.
pub(super) fn run_stats(fd: c_int) -> (u64, Duration) {
    let info = program(fd);
    (info.run_cnt, Duration::from_nanos(info.run_time_ns))
}

/// Whether the kernel counts runs: `kernel.bpf_stats_enabled` (Linux 5.1).
pub(super) fn counts_runs() -> bool {
    fs::read_to_string("/proc/sys/kernel/bpf_stats_enabled").is_ok_and(|text| text.trim() == "1")
}

/// Bytes that the kernel charges for a program or map: `memlock` of its fdinfo. An estimate for maps from Linux 6.4 on.
pub(super) fn memory_bytes(fd: c_int) -> u64 {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("memlock:"));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
