// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about files and disks.

use std::fs;

use libc::{
    SYS_fdatasync, SYS_fsync, SYS_link, SYS_lstat, SYS_msync, SYS_newfstatat, SYS_open, SYS_openat, SYS_openat2,
    SYS_rename, SYS_renameat2, SYS_rmdir, SYS_stat, SYS_statfs, SYS_statx, SYS_symlink, SYS_sync_file_range,
    SYS_syncfs, SYS_unlink, SYS_unlinkat,
};
use serde_json::json;

use super::{Calls, Task};
use crate::lab::sh;

pub(super) fn opens() {
    let task = Task::start("017");
    let mut calls = Calls::start(&task.lab);
    let path = task.lab.text("there");
    fs::write(&path, "").unwrap();
    let how = "b:020008000000000000000000000000000000000000000000";
    let opened = [
        ("open", "O_RDONLY", calls.call(SYS_open, &format!("s:{path} 0"))),
        ("openat", "O_RDWR|O_APPEND", calls.call(SYS_openat, &format!("-100 s:{path} {}", 2 | libc::O_APPEND))),
        ("openat2", "O_RDWR|O_CLOEXEC", calls.call(SYS_openat2, &format!("-100 s:{path} {how} 24"))),
    ];
    let of = |(call, flags, fd): (&str, &str, i64)| json!({ "probe": "opens", "pid": calls.pid(), "syscall": call, "path": path, "flags": flags, "fd": fd });
    task.told(&opened.map(of), &[]);
}

pub(super) fn failed_opens() {
    let task = Task::start("018");
    let mut calls = Calls::start(&task.lab);
    let path = task.lab.text("there");
    fs::write(&path, "").unwrap();
    assert!(calls.call(SYS_openat, &format!("-100 s:{path} 0")) > 0);
    assert_eq!(calls.call(SYS_openat, &format!("-100 s:{path} {}", libc::O_DIRECTORY)), -20);
    assert_eq!(calls.call(SYS_open, &format!("s:{path}-not 0")), -2);
    let of = |path: &str, error: &str| json!({ "pid": calls.pid(), "path": path, "error": error });
    task.told(&[of(&path, "ENOTDIR"), of(&format!("{path}-not"), "ENOENT")], &[json!({ "error": null })]);
}

/// Nothing is written: the file is only opened for it.
pub(super) fn writes_below_a_path() {
    let task = Task::start("019");
    let mut calls = Calls::start(&task.lab);
    let elsewhere = task.lab.text("elsewhere");
    let mut open = |path: &str, flags: i32| calls.call(SYS_openat, &format!("-100 s:{path} {flags} 0600"));
    assert!(open("/etc/passwd", libc::O_RDONLY) > 0);
    assert!(open(&elsewhere, libc::O_RDWR | libc::O_CREAT) > 0);
    assert_eq!(open("/etc/no/such", libc::O_RDWR), -2);
    assert!(open("/etc/passwd", libc::O_RDWR) > 0);
    let mine = |path: &str| json!({ "pid": calls.pid(), "path": path });
    let written = json!({ "pid": calls.pid(), "path": "/etc/passwd", "flags": libc::O_RDWR });
    let read = json!({ "pid": calls.pid(), "flags": libc::O_RDONLY });
    task.told(&[written], &[mine(&elsewhere), mine("/etc/no/such"), read]);
}

pub(super) fn stats() {
    let task = Task::start("021");
    let mut calls = Calls::start(&task.lab);
    let (path, missing) = (task.lab.text("probes.yaml"), task.lab.text("missing"));
    assert_eq!(calls.call(SYS_stat, &format!("s:{path} b:")), 0);
    assert_eq!(calls.call(SYS_lstat, &format!("s:{missing} b:")), -2);
    assert_eq!(calls.call(SYS_newfstatat, &format!("-100 s:{path} b: 0")), 0);
    assert_eq!(calls.call(SYS_statx, &format!("-100 s:{missing} 0 0xfff b:")), -2);
    assert_eq!(calls.call(SYS_statfs, &format!("s:{path} b:")), 0);
    let of = |(call, error): (&str, Option<&str>)| {
        let path = if error.is_some() { &missing } else { &path };
        json!({ "probe": "stats", "pid": calls.pid(), "syscall": call, "path": path, "error": error })
    };
    let error = Some("ENOENT");
    let expected = [("stat", None), ("lstat", error), ("newfstatat", None), ("statx", error), ("statfs", None)];
    task.told(&expected.map(of), &[]);
}

pub(super) fn removed_and_renamed() {
    let task = Task::start("022");
    let mut calls = Calls::start(&task.lab);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| task.lab.text(name));
    fs::write(&a, "").unwrap();
    assert_eq!(calls.call(SYS_link, &format!("s:{a} s:{b}")), 0);
    assert_eq!(calls.call(SYS_symlink, &format!("s:{a} s:{c}")), 0);
    assert_eq!(calls.call(SYS_rename, &format!("s:{a} s:{d}")), 0);
    assert_eq!(calls.call(SYS_renameat2, &format!("-100 s:{a} -100 s:{d} 0")), -2);
    assert_eq!(calls.call(SYS_unlink, &format!("s:{d}")), 0);
    assert_eq!(calls.call(SYS_unlinkat, &format!("-100 s:{c} 0")), 0);
    assert_eq!(calls.call(SYS_rmdir, &format!("s:{b}")), -20);
    let pid = calls.pid();
    let removed = |call: &str, path: &str, error: Option<&str>| json!({ "probe": "removed", "pid": pid, "syscall": call, "path": path, "error": error });
    let renamed = |call: &str, from: &str, to: &str, error: Option<&str>| json!({ "probe": "renamed", "pid": pid, "syscall": call, "from": from, "to": to, "error": error });
    let expected = [
        renamed("link", &a, &b, None),
        renamed("symlink", &a, &c, None),
        renamed("rename", &a, &d, None),
        renamed("renameat2", &a, &d, Some("ENOENT")),
        removed("unlink", &d, None),
        removed("unlinkat", &c, None),
        removed("rmdir", &b, Some("ENOTDIR")),
    ];
    task.told(&expected, &[]);
}

/// All but `sync`, which waits for every disk of the machine; `syncfs` is asked of nothing.
pub(super) fn syncs() {
    let task = Task::start("025");
    let mut calls = Calls::start(&task.lab);
    let fd = calls.call(SYS_openat, &format!("-100 s:{} {} 0600", task.lab.text("synced"), 2 | libc::O_CREAT));
    for call in [SYS_fsync, SYS_fdatasync, SYS_sync_file_range] {
        assert_eq!(calls.call(call, &fd.to_string()), 0);
    }
    assert_eq!(calls.call(SYS_msync, "0 0 0"), 0);
    assert_eq!(calls.call(SYS_syncfs, "-1"), -9);
    let of = |call: &str| json!({ "probe": "syncs", "pid": calls.pid(), "comm": "calls", "syscall": call });
    task.told(&["fsync", "fdatasync", "sync_file_range", "msync", "syncfs"].map(of), &[]);
}

/// A disk that is larger than the file system its file is on, which is gone with the shell.
pub(super) fn disk_errors() {
    let task = Task::start("041");
    let folder = task.lab.text("small");
    fs::create_dir(&folder).unwrap();
    let disk = sh(&format!(
        "unshare --mount sh -ec 'mount -t tmpfs -o size=64k none {folder}; truncate -s 1M {folder}/disk; \
         disk=$(losetup --find --show {folder}/disk); trap \"losetup --detach $disk\" EXIT; echo $disk; \
         ! dd if=/dev/zero of=$disk bs=64k oflag=direct 2>/dev/null'"
    ));
    let disk = disk.trim().strip_prefix("/dev/").unwrap();
    let events = task.told(&[json!({ "probe": "disk-errors", "disk": disk, "error": "ENOSPC" })], &[]);
    assert!(events.iter().all(|event| event["error"].is_string()), "{events:?}");
}
