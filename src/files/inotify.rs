// SPDX-License-Identifier: MIT OR Apache-2.0
//! inotify(7), as much of it as is used here.
//!
//! Not a crate, for two reasons. `notify` asks for IN_OPEN as well: each file that we read, and each one that anybody opens
//! in `/etc`, would wake us. And it knows a watch by its path: a directory that is removed and made again with the same inode
//! number, which ext4 does, looks as if it was still watched. Here the kernel's own number of a watch tells them apart.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// The number of a watch. It is that of one directory, whatever its name; the kernel gives no number twice.
pub(super) type WatchId = i32;

/// Names come, go or change their permissions, in a directory or of it.
pub(super) const NAMES: u32 = libc::IN_CREATE
    | libc::IN_DELETE
    | libc::IN_MOVED_FROM
    | libc::IN_MOVED_TO
    | libc::IN_ATTRIB
    | libc::IN_DELETE_SELF
    | libc::IN_MOVE_SELF;

/// Files of a directory are written.
pub(super) const CONTENTS: u32 = libc::IN_MODIFY | libc::IN_CLOSE_WRITE;

/// A file itself: it is written, or loses a name.
const FILE: u32 = CONTENTS | libc::IN_ATTRIB | libc::IN_DELETE_SELF;

/// Something happened in a watched directory, or to a watched file.
pub(super) struct Hint<'a> {
    /// -1 if hints were lost (IN_Q_OVERFLOW).
    pub(super) watch: WatchId,
    /// What: `IN_…`.
    pub(super) mask: u32,
    /// To which name in the directory; `None`: to the directory or file itself.
    pub(super) name: Option<&'a OsStr>,
}

/// Why a wait is over, beside hints and time.
pub(super) struct Woken {
    pub(super) ended: bool,
    /// Something was mounted or unmounted, anywhere.
    pub(super) mounts: bool,
}

/// An inotify instance.
pub(super) struct Inotify(File);

impl Inotify {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: takes numbers, returns a new descriptor or -1.
        let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(Self(unsafe { File::from_raw_fd(fd) }))
    }

    /// Watches the directory that has this path now. One that is watched keeps its number, and what was asked for before.
    pub(super) fn watch(&self, directory: &Path, mask: u32) -> io::Result<WatchId> {
        self.add(directory, mask | libc::IN_ONLYDIR)
    }

    /// Watches the file that has this path now, also for what happens to it under other names.
    pub(super) fn watch_file(&self, file: &Path) -> io::Result<WatchId> {
        self.add(file, FILE)
    }

    fn add(&self, path: &Path, mask: u32) -> io::Result<WatchId> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let mask = mask | libc::IN_MASK_ADD;
        // SAFETY: the path ends with a zero byte and lives across the call.
        let id = unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), mask) };
        if id < 0 { Err(io::Error::last_os_error()) } else { Ok(id) }
    }

    /// Ends a watch. The kernel does so itself (EINVAL) for a directory that has gone.
    pub(super) fn unwatch(&self, id: WatchId) {
        // SAFETY: takes numbers.
        unsafe { libc::inotify_rm_watch(self.0.as_raw_fd(), id) };
    }

    /// Waits until there are hints, the mounts change, `end` can be read or is closed, or for some time.
    pub(super) fn wait(&self, mounts: Option<&File>, end: &impl AsFd, patience: Option<Duration>) -> io::Result<Woken> {
        let of = |fd, events| libc::pollfd { fd, events, revents: 0 };
        // A negative descriptor is passed by.
        let mounts = mounts.map_or(-1, |mounts| mounts.as_raw_fd());
        let mut all = [
            of(self.0.as_raw_fd(), libc::POLLIN),
            of(end.as_fd().as_raw_fd(), libc::POLLIN),
            of(mounts, libc::POLLPRI),
        ];
        let patience = patience.map(|patience| libc::timespec {
            tv_sec: patience.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        });
        let limit = patience.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the array and the time live across the call, and the length is the array's.
        let got = unsafe { libc::ppoll(all.as_mut_ptr(), all.len() as libc::nfds_t, limit, std::ptr::null()) };
        match got {
            0.. => Ok(Woken { ended: all[1].revents != 0, mounts: all[2].revents != 0 }),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Woken { ended: false, mounts: false }),
                error => Err(error),
            },
        }
    }

    /// Takes all hints that there are.
    pub(super) fn take(&self, mut each: impl FnMut(Hint<'_>)) -> io::Result<()> {
        // One event is at most 16 + 256 bytes.
        let mut buffer = [0; 8192];
        loop {
            match (&self.0).read(&mut buffer) {
                Ok(len) => hints(&buffer[..len], &mut each),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// `struct inotify_event`: four numbers, then the name, padded with zero bytes to the length that the last number says.
fn hints(mut bytes: &[u8], each: &mut impl FnMut(Hint<'_>)) {
    while let Some((header, rest)) = bytes.split_first_chunk::<16>() {
        let number = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (name, rest) = rest.split_at((number(12) as usize).min(rest.len()));
        let name = name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty());
        each(Hint { watch: number(0).cast_signed(), mask: number(4), name: name.map(OsStr::from_bytes) });
        bytes = rest;
    }
}
