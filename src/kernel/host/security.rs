// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which security modules this boot runs: `/sys/kernel/security/lsm`, also where nobody has mounted securityfs.

use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::machine::Host;

const LIST: &str = "/sys/kernel/security/lsm";

impl Host {
    /// Their names, separated by commas; `None` where the kernel does not tell this process.
    pub(in crate::kernel) fn security_modules(&self) -> Option<String> {
        let text = fs::read_to_string(LIST).or_else(|_| read_privately()).ok()?;
        Some(text.trim().to_owned())
    }

    /// Whether BPF is one of them; `None` where nobody knows.
    pub(in crate::kernel) fn runs_bpf_lsm(&self) -> Option<bool> {
        Some(self.security_modules()?.split(',').any(|name| name == "bpf"))
    }
}

/// A mount that is in no directory, and ends with its descriptor (Linux 5.2).
fn read_privately() -> io::Result<String> {
    let context = fsopen("securityfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    fs::read_to_string(format!("/proc/self/fd/{}/lsm", mount.as_raw_fd()))
}
