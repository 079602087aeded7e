// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places in the file of a program or library, and the links that hold a program there: one for each (a perf event), or one for
//! all of them (`uprobe.multi`, Linux 6.6), where the program was loaded for that.

use std::mem;
use std::ptr;

use libbpf_rs::{AsRawLibbpf, ProgramMut};

use super::attachment::{Hold, take_link};
use crate::catalog::UserProbe;
use crate::kernel::host::Host;
use crate::kernel::site::binary::BinaryFile;
use crate::kernel::usdt;

/// One place in a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Point {
    /// Bytes into it.
    pub(super) offset: u64,
    /// Where in the file it is counted who is looking; 0: nowhere.
    counter: u64,
    /// What the program is told.
    cookie: u64,
}

impl Point {
    /// A place that is one of none.
    pub(super) fn alone(offset: u64) -> Self {
        Self { offset, counter: 0, cookie: 0 }
    }

    /// One of several functions.
    pub(super) fn numbered(offset: u64, number: u64) -> Self {
        Self { offset, counter: 0, cookie: number }
    }

    /// A place of a probe that the source names.
    pub(super) fn of_probe(site: &UserProbe, host: &Host) -> Self {
        let cookie = if usdt::by_cookie(host) { usdt::cookie(site) } else { 0 };
        Self { offset: site.offset, counter: site.semaphore, cookie }
    }
}

/// At all of these places, or at none.
pub(super) fn attach_at(
    program: &ProgramMut<'_>,
    file: &BinaryFile,
    points: &[Point],
    pid: Option<u32>,
    on_return: bool,
) -> Result<Hold, i32> {
    if is_multi(program) {
        return all_at_once(program, file, points, pid, on_return);
    }
    let attach = |point: &Point| one(program, file, *point, pid, on_return);
    match points {
        [point] => attach(point),
        several => several.iter().map(attach).collect::<Result<Vec<_>, _>>().map(Hold::Several),
    }
}

/// True for a program that the kernel has taken for links to many places.
fn is_multi(program: &ProgramMut<'_>) -> bool {
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded, and only asked.
    unsafe { libbpf_sys::bpf_program__expected_attach_type(program) == libbpf_sys::BPF_TRACE_UPROBE_MULTI }
}

/// The kernel takes a path, and follows this one to the file that was looked into: whatever has its name by now, that is what
/// the offset is for.
fn one(
    program: &ProgramMut<'_>,
    file: &BinaryFile,
    point: Point,
    pid: Option<u32>,
    on_return: bool,
) -> Result<Hold, i32> {
    let path = file.link().map_err(|_| libc::ENOENT)?;
    let options = libbpf_sys::bpf_uprobe_opts {
        sz: mem::size_of::<libbpf_sys::bpf_uprobe_opts>() as libbpf_sys::size_t,
        retprobe: on_return,
        ref_ctr_offset: point.counter as libbpf_sys::size_t,
        bpf_cookie: point.cookie,
        ..Default::default()
    };
    let pid = process(pid)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; path and options live across the call, whose result goes nowhere else.
    unsafe {
        let offset = point.offset as libbpf_sys::size_t;
        take_link(libbpf_sys::bpf_program__attach_uprobe_opts(program, pid, path.as_ptr(), offset, &options))
    }
}

fn all_at_once(
    program: &ProgramMut<'_>,
    file: &BinaryFile,
    points: &[Point],
    pid: Option<u32>,
    on_return: bool,
) -> Result<Hold, i32> {
    let path = file.link().map_err(|_| libc::ENOENT)?;
    let offsets: Vec<std::os::raw::c_ulong> = points.iter().map(|point| point.offset).collect();
    let counters: Vec<std::os::raw::c_ulong> = points.iter().map(|point| point.counter).collect();
    let cookies: Vec<u64> = points.iter().map(|point| point.cookie).collect();
    let options = libbpf_sys::bpf_uprobe_multi_opts {
        sz: mem::size_of::<libbpf_sys::bpf_uprobe_multi_opts>() as libbpf_sys::size_t,
        offsets: offsets.as_ptr(),
        ref_ctr_offsets: counters.as_ptr(),
        cookies: cookies.as_ptr(),
        cnt: points.len() as libbpf_sys::size_t,
        retprobe: on_return,
        ..Default::default()
    };
    let pid = process(pid)?;
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; path, options and the lists, each of `cnt` entries, live across the call, whose result goes
    // nowhere else. No pattern is given: the offsets stand for it.
    unsafe {
        take_link(libbpf_sys::bpf_program__attach_uprobe_multi(program, pid, path.as_ptr(), ptr::null(), &options))
    }
}

/// -1: every process.
fn process(pid: Option<u32>) -> Result<i32, i32> {
    pid.map_or(Ok(-1), i32::try_from).map_err(|_| libc::ESRCH)
}
