// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes what is silent off its hooks, without making anybody wait.
//!
//! Closing a perf event waits for grace periods of RCU, some 40 ms: one in which others may wait as well (since Linux 6.13,
//! `perf_event_detach_bpf_prog`), and for the last one of a tracepoint another, under a mutex (`perf_trace_destroy`). A hundred
//! tracepoints take four seconds, and no signal ends that. So a child holds the descriptors and closes them. Anyone who does not want
//! to wait for it ends this process, at once.

use std::io;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::attached::Attached;
use super::mount::Mount;

/// How often to see whether the child has ended, until it is only waited for.
const LOOK: Duration = Duration::from_millis(2);

/// Processes that close at the same time.
const CLOSERS: usize = 32;

/// In place of how many were closed: the parent has them open as well.
const NOT_YET: usize = usize::MAX;
/// How long the child waits for the parent, which may have been killed.
const BOUND: Duration = Duration::from_secs(2);

/// Hooks that a child takes programs off.
pub struct Detaching {
    /// `None`: it is done.
    child: Option<libc::pid_t>,
    hooks: usize,
    closed: Option<Shared>,
}

impl Detaching {
    /// Begins to take these off their hooks. They should be silent.
    pub fn begin(mut all: Vec<Attached>) -> Self {
        let mounts: Vec<Mount> = all.iter_mut().flat_map(Attached::dismount).collect();
        let mut hooks: Vec<i32> = mounts.iter().flat_map(|mount| mount.hold.own_descriptors()).collect();
        hooks.sort_unstable();
        let closed = Shared::new(NOT_YET);
        let child = closed.as_ref().filter(|_| !hooks.is_empty()).and_then(|closed| spawn(&hooks, closed).ok());
        // The child's descriptors keep them attached; without a child they are closed here and now.
        drop(mounts);
        if let Some(closed) = &closed {
            closed.count().store(0, Ordering::Release);
        }
        Self { child, hooks: hooks.len(), closed }
    }

    /// How many hooks there were.
    pub fn hooks(&self) -> usize {
        self.hooks
    }

    /// Waits so long at most; gives how many hooks the kernel still has to close.
    pub fn wait_for(&mut self, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        while self.child.is_some_and(|child| !has_ended(child, WaitOptions::NOHANG)) {
            if Instant::now() >= deadline {
                let closed = self.closed.as_ref().map_or(0, |closed| closed.count().load(Ordering::Acquire));
                return self.hooks.saturating_sub(closed).max(1);
            }
            thread::sleep(LOOK);
        }
        self.child = None;
        0
    }

    /// Waits until nothing is attached any more.
    pub fn wait(mut self) {
        if let Some(child) = self.child.take() {
            while !has_ended(child, WaitOptions::empty()) {}
        }
    }
}

/// True also where nobody knows the child: somebody has waited for it.
fn has_ended(child: libc::pid_t, flags: WaitOptions) -> bool {
    match waitpid(Pid::from_raw(child), flags) {
        Ok(ended) => ended.is_some(),
        Err(error) => error != Errno::INTR,
    }
}

/// A child that closes these descriptors, which ascend, and has no others. Its calls are libc's: rustix has neither `fork` nor
/// numbers of descriptors that nobody owns.
fn spawn(hooks: &[i32], closed: &Shared) -> io::Result<libc::pid_t> {
    // SAFETY: the child makes system calls only and never returns from `close_all`, whatever other threads held then.
    match unsafe { libc::fork() } {
        0 => close_all(hooks, closed.count()),
        child if child > 0 => Ok(child),
        _ => Err(io::Error::last_os_error()),
    }
}

fn close_all(hooks: &[i32], closed: &AtomicUsize) -> ! {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: what a terminal sends to all of its processes is not for this one; no handler is needed.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // Anyone who reads the output waits for its end, and that is not here.
    let mut next = 0;
    for hook in hooks {
        close_range(next, hook - 1);
        next = hook + 1;
    }
    close_range(next, i32::MAX);
    // The last one to close a descriptor waits for the kernel: that must not be the parent.
    for _ in 0..BOUND.as_millis() {
        if closed.load(Ordering::Acquire) != NOT_YET {
            break;
        }
        // SAFETY: takes a number. (`thread::sleep` is no system call alone.)
        unsafe { libc::usleep(1000) };
    }
    let others = hooks.len().div_ceil(2).min(CLOSERS) - 1;
    let mut own = 0;
    for number in 1..=others {
        // SAFETY: as above. The flags are those of `fork`, but for the descriptors: they are the same, not copies.
        if unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_FILES | libc::SIGCHLD, 0, 0, 0, 0) } == 0 {
            own = number;
            break;
        }
    }
    for hook in hooks.iter().skip(own).step_by(others + 1) {
        // SAFETY: nobody else in this process uses the descriptor.
        unsafe { libc::close(*hook) };
        closed.fetch_add(1, Ordering::Release);
    }
    // SAFETY: waits for the others, if it is the first; a null pointer means that the status is not wanted.
    while unsafe { libc::wait(ptr::null_mut()) } > 0 {}
    // SAFETY: ends the process; nothing is to be cleaned up. What nobody else could be started for is closed then.
    unsafe { libc::_exit(0) }
}

/// Closes descriptors from `first` to `last`, if there are any.
fn close_range(first: i32, last: i32) {
    if first <= last {
        // SAFETY: takes numbers; nobody in this process uses these descriptors. Before Linux 5.9 they are open until the end.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    }
}

/// A number that a process and its child see.
struct Shared(NonNull<AtomicUsize>);

impl Shared {
    fn new(value: usize) -> Option<Self> {
        let (len, protection) = (mem::size_of::<AtomicUsize>(), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), len, protection, MapFlags::SHARED) }.ok()?;
        let shared = NonNull::new(start.cast()).map(Self)?;
        shared.count().store(value, Ordering::Release);
        Some(shared)
    }

    fn count(&self) -> &AtomicUsize {
        // SAFETY: mapped, zeroed and page-aligned, until it is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from it any more.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), mem::size_of::<AtomicUsize>()) };
    }
}
