// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program or library that stays open while a probe is in it: the kernel then tells whether anybody else has it open or mapped,
//! also processes that nobody may look into, and files that have no name any more.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::spec::FileIdentity;

/// `include/uapi/asm-generic/fcntl.h`: which signal tells of a lease that somebody wants to break.
const F_SETSIG: libc::c_int = 10;

/// The descriptor of each file that a probe is in: a second one would count as somebody who has it open.
static OPEN: Mutex<Vec<(Number, Weak<OwnedFd>)>> = Mutex::new(Vec::new());

/// Device and inode.
type Number = (u64, u64);

/// A file that is held open, by all probes in it together.
#[derive(Debug, Clone)]
pub(in crate::kernel) struct Held(Arc<OwnedFd>);

impl Held {
    /// Holds a file that is open. Fails where there are no descriptors left.
    pub(in crate::kernel) fn new(file: BorrowedFd<'_>, identity: FileIdentity) -> std::io::Result<Self> {
        let key = (identity.device, identity.inode);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, held)| held.strong_count() > 0);
        if let Some(held) = open.iter().find(|(known, _)| *known == key).and_then(|(_, held)| held.upgrade()) {
            return Ok(Self(held));
        }
        // The same open file: not one more to the kernel.
        let held = Arc::new(file.try_clone_to_owned()?);
        open.push((key, Arc::downgrade(&held)));
        Ok(Self(held))
    }

    /// True where nobody else has it open or mapped; false where somebody does, or the kernel does not tell (network file systems,
    /// without CAP_LEASE).
    ///
    /// The kernel gives a lease for writing only to the last who has a file open (fcntl(2); Linux 5.3).
    pub(in crate::kernel) fn is_unused(&self) -> bool {
        let fd = self.0.as_fd().as_raw_fd();
        // SAFETY: takes numbers. Who opens the file in between is told to wait, for an instant, and we would hear of it by a signal
        // that everybody ignores. (rustix has no leases.)
        unsafe {
            if libc::fcntl(fd, F_SETSIG, libc::SIGURG) != 0 || libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK) != 0 {
                return false;
            }
            libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
        }
        true
    }
}
