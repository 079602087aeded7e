// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limit of open files.

use std::fs;

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{bpf, need, tid, wait_for};

/// Sets the soft limit of a process; `None`: as high as it may be.
fn limit(pid: u32, soft: Option<u64>) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let pid = pid.cast_signed();
    // SAFETY: each call takes one local of its type, and concerns a child of ours.
    unsafe {
        assert_eq!(libc::prlimit(pid, libc::RLIMIT_NOFILE, std::ptr::null(), &mut limit), 0);
        limit.rlim_cur = soft.unwrap_or(limit.rlim_max);
        assert_eq!(libc::prlimit(pid, libc::RLIMIT_NOFILE, &limit, std::ptr::null_mut()), 0);
    }
}

/// Where descriptors run out, a new probe says so, one that runs is not touched, commands are answered; and with a higher limit
/// it starts.
#[test]
fn too_many_open_files() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("old", "sinks: [\"jsonl:old.jsonl\"]"))]);
    let pid = daemon.run.pid();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    limit(pid, Some(open + 20));
    daemon.write("b.yaml", &calls("new", "sinks: [\"jsonl:new.jsonl\"]"));
    let new = daemon.wait("new", "failed");
    assert!(new["error"].as_str().unwrap().starts_with("too many open files: "), "{new}");
    // Also a change of what runs leaves the old version.
    daemon.write("a.yaml", &calls("old", "buffer: 64KiB\n    sinks: [\"jsonl:old.jsonl\"]"));
    daemon.wait_until("old", "refused", |old| old["error"].as_str().unwrap().starts_with("too many open files"));
    call(7100);
    wait_for("the event", || numbers(&daemon.lines("old.jsonl"), tid()) == [7100]);
    limit(pid, None);
    daemon.wait("new", "running");
    daemon.wait_until("old", "changed", |old| old["generation"] == 2);
    daemon.stop();
}
