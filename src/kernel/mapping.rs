// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that is shared with the kernel.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a page: 4 KiB; on arm64 also 16 or 64 KiB.
pub(super) fn page_bytes() -> usize {
    rustix::param::page_size()
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
    pub(super) fn new(fd: BorrowedFd<'_>, len: usize, protection: ProtFlags, offset: usize) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, fd, offset as u64) }?;
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
        let _ = unsafe { munmap(self.start.as_ptr(), self.len) };
    }
}
