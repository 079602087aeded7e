// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is mounted where: proc_pid_mountinfo(5), and statx(2) of one file.
//!
//! ```text
//! 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//! id parent  root  point                       (a space in a path is written \040)
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

/// The mounts of the namespace of anyone who reads it; it polls as changed (POLLPRI) after each change.
const MOUNTS: &str = "/proc/thread-self/mountinfo";

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mount {
    /// Its number; a later mount may get it again.
    pub(super) id: u64,
    /// Where it is.
    pub(super) point: PathBuf,
}

/// To wait for changes of the mounts.
pub(super) fn watch_mounts() -> io::Result<File> {
    File::open(MOUNTS)
}

/// All mounts now; none where proc(5) is not there.
pub(super) fn mounts() -> Vec<Mount> {
    parse(&fs::read(MOUNTS).unwrap_or_default())
}

fn parse(text: &[u8]) -> Vec<Mount> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        Some(Mount { id, point: PathBuf::from(OsString::from_vec(unescaped(fields.nth(3)?))) })
    };
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// `\040` is the byte 0o40.
fn unescaped(mut field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    while let Some((first, rest)) = field.split_first() {
        let digits =
            rest.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let Some(digits) = digits else {
            bytes.push(*first);
            field = rest;
            continue;
        };
        bytes.push(digits.iter().fold(0, |byte: u8, digit| byte.wrapping_mul(8) | (digit - b'0')));
        field = &rest[3..];
    }
    bytes
}

/// In which mount a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mounted {
    /// The mount's number.
    pub(super) id: u64,
    /// True for what the mount shows at its very place.
    pub(super) is_root: bool,
}

/// In which mount an open file is; `None` where the kernel does not say (before 5.8).
pub(super) fn mounted(file: BorrowedFd<'_>) -> Option<Mounted> {
    let about = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    let told = about.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    let is_root = about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    told.then_some(Mounted { id: about.stx_mnt_id, is_root })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    /// Numbers and places are read, odd characters too; a line that is something else is left out.
    #[test]
    fn lines() {
        let text =
            b"36 35 98:0 / / rw - ext4 /dev/a rw\nodd\n41 36 0:25 /x /mnt/a\\040b\\134 rw master:1 - tmpfs none rw\n";
        let mount = |id, point: &str| Mount { id, point: point.into() };
        assert_eq!(parse(text), [mount(36, "/"), mount(41, "/mnt/a b\\")]);
    }

    /// A file is in a mount that the list has.
    #[test]
    fn of_a_file() {
        let proc = File::open("/proc").unwrap();
        let at = mounted(proc.as_fd()).unwrap();
        assert!(at.is_root);
        assert!(mounts().contains(&Mount { id: at.id, point: "/proc".into() }));
    }
}
