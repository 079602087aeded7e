// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that is shared with the kernel.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr::{self, NonNull};

/// Bytes of a page: 4 KiB; on arm64 also 16 or 64 KiB.
pub(super) fn page_bytes() -> usize {
    // SAFETY: sysconf reads a constant of the system.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// A piece of shared memory, unmapped when dropped.
pub(super) struct Mapping {
    start: NonNull<libc::c_void>,
    len: usize,
}

// SAFETY: the memory is shared with the kernel by design and accessed through atomics or after an acquire.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `len` bytes at `offset` of what `fd` stands for.
    pub(super) fn new(fd: BorrowedFd<'_>, len: usize, protection: i32, offset: usize) -> io::Result<Self> {
        let (fd, offset) = (fd.as_raw_fd(), offset as libc::off_t);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, libc::MAP_SHARED, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start).map(|start| Self { start, len }).ok_or_else(|| io::Error::other("mapped at address 0"))
    }
}

impl Mapping {
    /// Its first byte; a page boundary.
    pub(super) fn start(&self) -> NonNull<libc::c_void> {
        self.start
    }

    /// Bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are those of the mapping, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr(), self.len) };
    }
}
