// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attaches a loaded program: one file for each hook kind. Try first, diagnose after.

mod kprobe;
mod raw_tracepoint;
mod tracepoint;
mod uprobe;
mod xdp;

pub(super) use kprobe::{check as check_kprobes, check_target as check_kprobe_target};
pub(super) use raw_tracepoint::check as check_raw_tracepoint;
pub(super) use uprobe::{check as check_uprobe, process_of};
pub(super) use xdp::{check as check_xdp, has_native as native_xdp};

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;

use libbpf_rs::{Link, MapCore, MapHandle, Object, ProgramMut};

use super::counters::CounterReader;
use super::counts::Counts;
use super::error::KernelError;
use super::host::Host;
use super::load::Loaded;
use crate::catalog::{Counters, HookDecl};
use crate::spec::{Hook, Place, ProbeSpec, TracepointName};

/// What keeps a program attached; dropping it detaches.
enum Hold {
    Libbpf { _link: Link },
    Fd { _link: OwnedFd },
}

/// A program that is attached. Dropping it detaches it.
pub struct Attached {
    // Fields are dropped in this order: links, then what points into the object's memory, then the object.
    holds: Vec<Hold>,
    counts: Option<Counts>,
    object: Object,
    functions: Vec<HookDecl>,
    /// How it is attached, in words: `xdp on eth0 (native)`.
    pub mechanism: String,
    /// What a person should know: a fallback under `mode: auto`.
    pub remark: Option<String>,
}

/// How one function was attached.
struct Attachment {
    hold: Hold,
    mechanism: String,
    remark: Option<String>,
}

impl Attachment {
    fn new(link: Link, mechanism: String) -> Self {
        Self { hold: Hold::Libbpf { _link: link }, mechanism, remark: None }
    }
}

impl Loaded {
    /// Attaches the program where the probe says.
    pub fn attach(self, spec: &ProbeSpec, host: &Host) -> Result<Attached, KernelError> {
        let mut holds = Vec::new();
        let mut mechanisms = Vec::new();
        let mut remark = None;
        for function in &self.functions {
            let program = self.object.progs_mut().find(|program| program.name() == function.function.as_str());
            let Some(program) = program else { continue };
            let attachment = attach_function(spec, function, &program, host)?;
            holds.push(attachment.hold);
            mechanisms.push(attachment.mechanism);
            remark = remark.or(attachment.remark);
        }
        let counts = self.counts();
        let (object, functions) = (self.object, self.functions);
        Ok(Attached { holds, counts, object, functions, mechanism: mechanisms.join(", "), remark })
    }
}

/// Takes over what a `bpf_program__attach_…` function returned; the error is an errno, which libbpf sets.
///
/// # Safety
/// `link` is the result of such a function, called just before, and nobody else owns it.
unsafe fn take_link(link: *mut libbpf_sys::bpf_link) -> Result<Link, i32> {
    match NonNull::new(link) {
        // SAFETY: the caller's promise.
        Some(link) => Ok(unsafe { Link::from_ptr(link) }),
        None => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

fn attach_function(
    spec: &ProbeSpec,
    function: &HookDecl,
    program: &ProgramMut<'_>,
    host: &Host,
) -> Result<Attachment, KernelError> {
    match &spec.hook {
        Hook::Xdp { interface, mode } => xdp::attach(program, interface, *mode, host),
        Hook::Kprobe { symbol, offset } => kprobe::attach(program, symbol, *offset, false, host),
        Hook::Kretprobe { symbol } => kprobe::attach(program, symbol, 0, true, host),
        Hook::Tracepoint(name) => tracepoint::attach(program, name, host),
        Hook::RawTracepoint { name } => raw_tracepoint::attach(program, name, host),
        Hook::Uprobe(point) => uprobe::attach(program, point, false, host),
        Hook::Uretprobe(point) => uprobe::attach(program, point, true, host),
        Hook::Own => attach_own(function, program, host),
    }
}

/// Why the target of a probe cannot be what it says; `None` where it seems to be there. Costs a search: to be asked when
/// something went wrong.
pub(super) fn missing_target(spec: &ProbeSpec, host: &Host) -> Option<KernelError> {
    let no_function = |symbol: &str| !host.has_kprobes() || host.kernel_symbol(symbol).count == 0;
    match &spec.hook {
        Hook::Kprobe { symbol, offset } if no_function(symbol) => {
            Some(kprobe::diagnose("kprobe", symbol, symbol, *offset, libc::ENOENT, host))
        }
        Hook::Kretprobe { symbol } if no_function(symbol) => {
            Some(kprobe::diagnose("kretprobe", symbol, symbol, 0, libc::ENOENT, host))
        }
        Hook::RawTracepoint { name } if !host.may_have_raw_tracepoint(name) => {
            Some(raw_tracepoint::diagnose(name, libc::ENOENT, host))
        }
        Hook::Kprobe { .. }
        | Hook::Kretprobe { .. }
        | Hook::RawTracepoint { .. }
        | Hook::Xdp { .. }
        | Hook::Tracepoint(_)
        | Hook::Uprobe(_)
        | Hook::Uretprobe(_)
        | Hook::Own => None,
    }
}

/// A function that says itself where it belongs.
fn attach_own(function: &HookDecl, program: &ProgramMut<'_>, host: &Host) -> Result<Attachment, KernelError> {
    let target = function.target.as_deref().unwrap_or_default();
    let attached = match (function.kind.as_str(), target.split_once(':')) {
        ("kprobe", _) => kprobe::attach(program, target, 0, false, host),
        ("kretprobe", _) => kprobe::attach(program, target, 0, true, host),
        ("raw_tracepoint", _) => raw_tracepoint::attach(program, target, host),
        ("tracepoint", Some((category, name))) => {
            let name = TracepointName { category: category.to_owned(), name: name.to_owned() };
            tracepoint::attach(program, &name, host)
        }
        (kind, _) => {
            let message =
                format!("function `{}` wants the hook `{kind}`, which this build does not attach", function.function);
            Err(KernelError::new(Place::Program, message, ""))
        }
    };
    // The YAML names no target that could be to blame.
    attached.map_err(|error| KernelError { place: Place::Program, ..error })
}

impl Attached {
    /// What the program counts about its events; `None` if it emits none.
    pub fn counts(&self) -> Option<&Counts> {
        self.counts.as_ref()
    }

    /// Reads its counters.
    pub fn counter_reader(&self, counters: &Counters) -> libbpf_rs::Result<CounterReader> {
        let map = self.object.maps().find(|map| map.name() == counters.map.as_str());
        let map = map.ok_or_else(|| libbpf_rs::Error::from(std::io::Error::other("the counters' map is missing")))?;
        Ok(CounterReader::new(MapHandle::try_from(&map)?, counters.clone()))
    }

    /// How often the kernel's recursion guard kept the program from running (Linux 5.12; 0 before).
    pub fn missed(&self) -> u64 {
        let wanted = |name: &std::ffi::OsStr| self.functions.iter().any(|function| name == function.function.as_str());
        self.object
            .progs()
            .filter(|program| wanted(program.name()))
            .map(|program| recursion_misses(program.as_fd().as_raw_fd()))
            .sum()
    }

    /// Detaches the program and waits until no CPU runs it any more: what it has counted then is final.
    pub fn detach(&mut self) {
        self.holds.clear();
    }
}

/// Waits until every program that was detached before has ended on every CPU: a grace period of RCU.
///
/// Closing a link takes the program off its hook at once, but a CPU that has entered it finishes it.
pub fn settle() {
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: the call takes no pointers. Where it is not supported (CONFIG_MEMBARRIER, nohz_full) it returns an error,
    // and the caller's own wait for balanced counts does the rest.
    unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
}

fn recursion_misses(fd: i32) -> u64 {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut len = mem::size_of_val(&info) as u32;
    // SAFETY: `info` is plain data, all zero, of the length that is passed; the kernel fills what it knows.
    let code = unsafe { libbpf_sys::bpf_obj_get_info_by_fd(fd, std::ptr::from_mut(&mut info).cast(), &mut len) };
    if code == 0 { info.recursion_misses } else { 0 }
}
