// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where tracefs is. Where nobody has mounted it, it is used without being mounted anywhere: `fsmount` (Linux 5.2) makes a mount that
//! is in no directory, and ends with its descriptor.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::words::Refusal;

/// Where it is mounted.
const MOUNTED: &str = "/sys/kernel/tracing";
/// The same inside debugfs, which mounts it there when it is looked at.
const IN_DEBUGFS: &str = "/sys/kernel/debug/tracing";

/// A tracefs to read from.
pub(in crate::kernel) struct Tracefs {
    path: PathBuf,
    /// What keeps it where it is mounted nowhere.
    private: Option<OwnedFd>,
}

impl Tracefs {
    /// Finds it.
    pub(in crate::kernel) fn find() -> Result<Self, Refusal> {
        let first = fs::metadata(Path::new(MOUNTED).join("events"));
        if first.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            let message = format!("failed to read tracefs (`{MOUNTED}`): permission denied");
            return Err(Refusal::new(message).help(denied_help()));
        }
        if first.is_ok() {
            return Ok(Self { path: PathBuf::from(MOUNTED), private: None });
        }
        let refused = match mount_privately() {
            Ok(private) => {
                let path = PathBuf::from(format!("/proc/self/fd/{}", private.as_raw_fd()));
                if path.join("events").exists() {
                    return Ok(Self { path, private: Some(private) });
                }
                return Err(Refusal::new("tracefs has no events: this kernel was built without tracepoints"));
            }
            Err(error) => error,
        };
        if Path::new(IN_DEBUGFS).join("events").exists() {
            return Ok(Self { path: PathBuf::from(IN_DEBUGFS), private: None });
        }
        let message = format!("tracefs is not mounted, and this process may not use it without: {refused}");
        Err(Refusal::new(message).help(format!("as root, `mount -t tracefs nodev {MOUNTED}`")))
    }

    /// Where its files are, as long as this lives.
    pub(in crate::kernel) fn path(&self) -> &Path {
        &self.path
    }

    /// False where it is used without being mounted.
    pub(in crate::kernel) fn is_mounted(&self) -> bool {
        self.private.is_none()
    }
}

/// tracefs has the permissions of files: CAP_BPF and CAP_PERFMON do not open it.
pub(in crate::kernel) fn denied_help() -> String {
    "it belongs to root: run as root, or with CAP_DAC_READ_SEARCH as well; a raw tracepoint does not need it".to_owned()
}

fn mount_privately() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}
