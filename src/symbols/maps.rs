// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process has mapped: lines of /proc/PID/maps, and on which file systems: lines of /proc/PID/mountinfo.

use std::sync::Arc;

/// A piece of a file that a process executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) begin: u64,
    pub(super) end: u64,
    /// Where in the file it begins.
    pub(super) offset: u64,
    /// `fe:00`, in the kernel's hexadecimal digits.
    pub(super) device: Box<str>,
    pub(super) inode: u64,
    /// The last name of its path, for people.
    pub(super) name: Arc<str>,
}

/// The code that the kernel maps into each process.
pub(super) const VDSO: &str = "[vdso]";

impl Mapping {
    /// True for code that the process made itself.
    pub(super) fn is_made(&self) -> bool {
        self.inode == 0 && (self.name.is_empty() || self.name.starts_with("[anon"))
    }
}

/// `begin-end access offset device inode path`; `None` for what is not executed.
pub(super) fn mapping(line: &[u8]) -> Option<Mapping> {
    let line = String::from_utf8_lossy(line);
    let mut words = line.trim_end_matches('\n').splitn(6, ' ');
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (begin, end) = words.next()?.split_once('-')?;
    let is_code = words.next()?.contains('x');
    let (offset, device, inode) = (hex(words.next()?)?, words.next()?, words.next()?.parse().ok()?);
    let path = words.next().unwrap_or_default().trim_ascii_start();
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let (begin, end) = (hex(begin)?, hex(end)?);
    is_code.then(|| Mapping { begin, end, offset, device: device.into(), inode, name: name.into() })
}

/// The devices of file systems whose files are read by asking a process, which may never answer: `major:minor` in decimal digits.
pub(super) fn served_by_processes(mountinfo: &str) -> impl Iterator<Item = (u32, u32)> {
    fuse_mounts(mountinfo).filter_map(|mut words| {
        let (major, minor) = words.nth(2)?.split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// True where `/tmp` is on one of them.
pub(super) fn is_tmp_served(mountinfo: &str) -> bool {
    fuse_mounts(mountinfo).any(|mut words| matches!(words.nth(4), Some("/" | "/tmp")))
}

/// The words of each such mount, up to its options.
fn fuse_mounts(mountinfo: &str) -> impl Iterator<Item = std::str::Split<'_, char>> {
    mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        after.starts_with("fuse").then(|| before.split(' '))
    })
}

/// `fe:00` as two numbers.
pub(super) fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code is told from data; a path may have anything in it.
    #[test]
    fn mappings() {
        let of = |line: &str| mapping(line.as_bytes());
        let found = of("55d0c8a2a000-55d0c8b0b000 r-xp 0002a000 fe:00 8    /usr/bin/two words (deleted)\n").unwrap();
        assert_eq!((found.begin, found.end, found.offset), (0x55d0_c8a2_a000, 0x55d0_c8b0_b000, 0x2a000));
        assert_eq!((&*found.device, found.inode, &*found.name), ("fe:00", 8, "two words"));
        assert_eq!(device(&found.device), Some((254, 0)));
        assert_eq!(of("7ffd3a9f2000-7ffd3a9f4000 r-xp 00000000 00:00 0    [vdso]").unwrap().name, "[vdso]".into());
        assert_eq!(of("7f0000000000-7f0000001000 rwxp 00000000 00:00 0").unwrap().name, "".into());
        assert_eq!(of("55d0c8a00000-55d0c8a2a000 r--p 00000000 fe:00 7    /usr/bin/data"), None);
        assert_eq!((of(""), of("x-y r-xp z")), (None, None));
    }

    /// FUSE in all its forms, and nothing else.
    #[test]
    fn file_systems() {
        let text = "\
            36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw\n\
            37 35 0:52 / /home/x rw - fuse.sshfs x:/ rw\n\
            38 35 8:17 / /win rw - fuseblk /dev/sdb1 rw\n";
        assert_eq!(served_by_processes(text).collect::<Vec<_>>(), [(0, 52), (8, 17)]);
        assert!(!is_tmp_served(text) && is_tmp_served("38 35 0:17 / /tmp rw - fuse x rw\n"));
    }
}
