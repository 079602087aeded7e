// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts that only one test sees.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;

/// Runs a test on a thread with mounts of its own, which go with it; false where this machine does not let it.
pub(crate) fn with_own_mounts(test: impl FnOnce() + Send) -> bool {
    let body = || {
        // SAFETY: takes numbers and strings that end with a zero byte; concerns this thread, and no other.
        let own = unsafe {
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let none = c"none".as_ptr();
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()) == 0
        };
        if own {
            test();
        }
        own
    };
    thread::scope(|scope| scope.spawn(body).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs `mount` or `umount`.
#[track_caller]
pub(crate) fn mount(command: &str, arguments: &[&Path]) {
    let mut words = command.split(' ');
    let done = Command::new(words.next().unwrap()).args(words).args(arguments).output().unwrap();
    assert!(done.status.success(), "{command} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Mounts a file system (FUSE) whose server does not answer; it is dead when the file is closed.
pub(crate) fn mount_silent(at: &Path) -> Option<File> {
    let server = OpenOptions::new().read(true).write(true).open("/dev/fuse").ok()?;
    let options = CString::new(format!("fd={},rootmode=40000,user_id=0,group_id=0", server.as_raw_fd())).unwrap();
    let at = CString::new(at.as_os_str().as_bytes()).unwrap();
    // SAFETY: all strings end with a zero byte and live across the call.
    let code = unsafe { libc::mount(c"test".as_ptr(), at.as_ptr(), c"fuse".as_ptr(), 0, options.as_ptr().cast()) };
    (code == 0).then_some(server)
}
