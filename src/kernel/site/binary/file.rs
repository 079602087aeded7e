// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a program or library, opened once: what is judged, read and hooked is one file, whatever has its name by then.

use std::ffi::CString;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::catalog::Bytes;
use crate::kernel::error::KernelError;
use crate::spec::{FileIdentity, Place};
use crate::trust::{file_system, is_of_the_kernel};

/// An open program or library.
#[derive(Debug)]
pub(in crate::kernel) struct BinaryFile {
    file: File,
    size: u64,
}

impl BinaryFile {
    /// Opens what `place` (of `O_PATH`) leads to, for reading. `path` is what messages call it.
    pub(in crate::kernel) fn open(place: &OwnedFd, about: &Metadata, path: &Path) -> Result<Self, KernelError> {
        if !about.is_file() {
            let what = if about.is_dir() { "is a directory" } else { "is not a regular file" };
            let message = format!("`{}` {what}, not a program or library", path.display());
            return Err(KernelError::at(Place::Binary, message));
        }
        let failed =
            |error: io::Error| KernelError::at(Place::Binary, format!("failed to read `{}`: {error}", path.display()));
        if is_of_the_kernel(place.as_fd()).map_err(failed)? {
            // To open one of these can wait for ever (`/proc/kmsg`, `trace_pipe`), and there is no code in them.
            let message = format!("`{}` is a virtual file of the kernel, not a program or library", path.display());
            return Err(KernelError::at(Place::Binary, message));
        }
        // Not blocking: somebody may hold a lease of the file (fcntl(2)).
        let mut how = OpenOptions::new();
        how.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let file = how.open(link_to(place.as_raw_fd())).map_err(failed)?;
        Ok(Self { file, size: about.size() })
    }

    /// The open file itself.
    pub(in crate::kernel) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A path that leads to this very file, for as long as it is open.
    pub(in crate::kernel) fn link(&self) -> Result<CString, std::ffi::NulError> {
        CString::new(link_to(self.file.as_raw_fd()))
    }
}

impl Bytes for BinaryFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(room, offset)
    }
}

fn link_to(descriptor: i32) -> String {
    format!("/proc/self/fd/{descriptor}")
}

/// What tells a file from others, and from what it was.
pub(in crate::kernel) fn identity(about: &Metadata) -> FileIdentity {
    let since = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).ok();
    let born = about.created().ok().and_then(since);
    FileIdentity {
        device: about.dev(),
        inode: about.ino(),
        bytes: about.size(),
        written: (about.mtime(), about.mtime_nsec()),
        changed: (about.ctime(), about.ctime_nsec()),
        born,
    }
}

/// Numbers of file systems of layers: overlayfs, aufs, and FUSE, which may be one.
const LAYERED: [u32; 3] = [0x794c_7630, 0x6175_6673, 0x6573_5546];

/// True where a file that is changed may become another one of the same number.
pub(in crate::kernel) fn is_layered(place: &OwnedFd) -> bool {
    file_system(place.as_fd()).is_ok_and(|number| LAYERED.contains(&number))
}
