// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where tracefs is. Where nobody has mounted it, it is used without being mounted anywhere: `fsmount` (Linux 5.2) makes a mount that
//! is in no directory, and ends with its descriptor.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where it is mounted.
const MOUNTED: &str = "/sys/kernel/tracing";
/// The same inside debugfs, which mounts it there when it is looked at.
const IN_DEBUGFS: &str = "/sys/kernel/debug/tracing";

/// `include/uapi/linux/mount.h`
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const MOUNT_ATTR_NOSUID_NODEV_NOEXEC: libc::c_uint = 2 | 4 | 8;

/// A tracefs to read from.
pub(in crate::kernel) struct Tracefs {
    path: PathBuf,
    /// What keeps it where it is mounted nowhere.
    private: Option<OwnedFd>,
}

impl Tracefs {
    /// Finds it. The error is a sentence and a help.
    pub(in crate::kernel) fn find() -> Result<Self, (String, String)> {
        let first = fs::metadata(Path::new(MOUNTED).join("events"));
        if first.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            let message = format!("failed to read tracefs (`{MOUNTED}`): permission denied");
            return Err((message, denied_help()));
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
                return Err((
                    "tracefs has no events: this kernel was built without tracepoints".to_owned(),
                    String::new(),
                ));
            }
            Err(error) => error,
        };
        if Path::new(IN_DEBUGFS).join("events").exists() {
            return Ok(Self { path: PathBuf::from(IN_DEBUGFS), private: None });
        }
        let message = format!("tracefs is not mounted, and this process may not use it without: {refused}");
        Err((message, format!("as root, `mount -t tracefs nodev {MOUNTED}`")))
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
    // SAFETY: the name is NUL-terminated and lives across the call.
    let context = descriptor(unsafe { libc::syscall(libc::SYS_fsopen, c"tracefs".as_ptr(), FSOPEN_CLOEXEC) })?;
    let (key, value) = (std::ptr::null::<libc::c_char>(), std::ptr::null::<libc::c_void>());
    // SAFETY: this command takes neither key nor value.
    let code = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, key, value, 0) };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: takes numbers, returns a new descriptor or -1.
    descriptor(unsafe {
        libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID_NODEV_NOEXEC)
    })
}

/// What a system call gave that makes a descriptor.
fn descriptor(code: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(code) {
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        Ok(_) | Err(_) => Err(io::Error::last_os_error()),
    }
}
