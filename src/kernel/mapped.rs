// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs and libraries that processes run: `/proc/PID/maps` of proc(5).

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use super::capabilities::Capabilities;
use crate::spec::FileIdentity;

/// What was mapped as code when this was made.
#[derive(Debug, Default)]
pub struct Mapped {
    /// Device and inode.
    files: HashSet<(u64, u64)>,
    /// Inode and path of files that were deleted: for some file systems (btrfs, overlayfs) stat(2) gives another device.
    deleted: HashSet<(u64, String)>,
    /// Some process with more privileges may not be looked into.
    hidden: bool,
}

impl Mapped {
    /// Looks at all processes.
    pub fn now() -> Self {
        let mut mapped = Self::default();
        // With it, what cannot be read is out of the ordinary: a process of another user namespace.
        let sees_all = Capabilities::effective().has("CAP_SYS_PTRACE");
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok()) {
            match fs::read_to_string(entry.path().join("maps")) {
                Ok(text) => text.lines().for_each(|line| mapped.add(line)),
                Err(error) => mapped.hidden |= !sees_all && error.kind() == io::ErrorKind::PermissionDenied,
            }
        }
        mapped
    }

    /// `address-address rwxp offset major:minor inode path`
    fn add(&mut self, line: &str) {
        let mut words = line.splitn(6, ' ');
        let (Some(access), Some(device), Some(inode)) = (words.nth(1), words.nth(1), words.next()) else { return };
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let device = device.split_once(':').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
        let (Some((major, minor)), Ok(inode)) = (device, inode.parse::<u64>()) else { return };
        if !access.contains('x') || inode == 0 {
            return;
        }
        self.files.insert((libc::makedev(major, minor), inode));
        if let Some(path) = words.next().and_then(|path| path.trim_start().strip_suffix(" (deleted)")) {
            self.deleted.insert((inode, path.to_owned()));
        }
    }

    /// False where nobody runs the file that had this path before it was replaced.
    pub fn may_have(&self, file: FileIdentity, path: &Path) -> bool {
        self.hidden
            || self.files.contains(&(file.device, file.inode))
            || path.to_str().is_some_and(|path| self.deleted.contains(&(file.inode, path.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code is told from data, and deleted files by their path as well.
    #[test]
    fn lines() {
        let mut mapped = Mapped::default();
        for line in [
            "55d0c8a00000-55d0c8a2a000 r--p 00000000 fe:00 7                          /usr/bin/data",
            "55d0c8a2a000-55d0c8b0b000 r-xp 0002a000 fe:00 8                          /usr/bin/two words (deleted)",
            "7ffd3a9f2000-7ffd3a9f4000 r-xp 00000000 00:00 0                          [vdso]",
            "ffffffffff600000-ffffffffff601000 --xp",
        ] {
            mapped.add(line);
        }
        let file = |major, inode| FileIdentity {
            device: libc::makedev(major, 0),
            inode,
            bytes: 1,
            written: (0, 0),
            changed: (0, 0),
            born: None,
        };
        let [data, two] = ["/usr/bin/data", "/usr/bin/two words"].map(Path::new);
        assert!(mapped.may_have(file(0xfe, 8), data) && !mapped.may_have(file(0xfe, 7), data));
        assert!(mapped.may_have(file(1, 8), two) && !mapped.may_have(file(1, 9), two));
        assert!(Mapped { hidden: true, ..Mapped::default() }.may_have(file(1, 1), two));
    }
}
