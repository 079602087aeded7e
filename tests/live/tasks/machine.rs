// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about the machine: its memory, clock and BPF programs, and who may do what.

use std::ffi::CString;
use std::fs;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use libc::{
    SYS_adjtimex, SYS_chroot, SYS_openat, SYS_pivot_root, SYS_setns, SYS_setresuid, SYS_settimeofday, SYS_setuid,
    SYS_unshare,
};
use serde_json::json;

use super::{Calls, Task, has_field};
use crate::lab::{need, sh, wait_for};

pub(super) fn namespaces_and_roots() {
    let task = Task::start("014");
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_unshare, &libc::CLONE_NEWUTS.to_string()), 0);
    let fd = calls.call(SYS_openat, "-100 s:/proc/self/ns/uts 0");
    assert_eq!(calls.call(SYS_setns, &format!("{fd} {}", libc::CLONE_NEWIPC)), -22);
    assert_eq!(calls.call(SYS_chroot, "s:/"), 0);
    assert_eq!(calls.call(SYS_pivot_root, "s:/no/such s:/no/such/old"), -2);
    let of = |probe: &str, call: &str, name: &str, value: &str, error: Option<&str>| json!({ "probe": probe, "pid": calls.pid(), "syscall": call, name: value, "error": error });
    let expected = [
        of("namespaces", "unshare", "flags", "CLONE_NEWUTS", None),
        of("namespaces", "setns", "flags", "CLONE_NEWIPC", Some("EINVAL")),
        of("roots", "chroot", "root", "/", None),
        of("roots", "pivot_root", "root", "/no/such", Some("ENOENT")),
    ];
    task.told(&expected, &[]);
}

/// A process that takes more than its cgroup may have.
pub(super) fn out_of_memory() {
    need!(has_field("oom/mark_victim", "oom_score_adj"));
    let task = Task::start("106");
    let group = MemoryGroup::new("20971520");
    let script = format!(
        "echo $$ >{}/cgroup.procs; echo 500 >/proc/self/oom_score_adj; exec tail -n 1 /dev/zero",
        group.0.display()
    );
    let mut victim = std::process::Command::new("sh").args(["-ec", &script]).spawn().unwrap();
    victim.wait().unwrap();
    let pid = victim.id();
    let events = task.told(&[json!({ "probe": "oom", "victim": pid, "victim_comm": "tail", "adj": 500 })], &[]);
    let killed = events.iter().find(|event| event["victim"] == pid).unwrap();
    // KiB.
    assert!((4096..=20480).contains(&killed["rss"].as_u64().unwrap()), "{killed}");
}

/// A cgroup with little memory, until it is dropped.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new(bytes: &str) -> Self {
        let old = Path::new("/sys/fs/cgroup/memory");
        let name = format!("ebpf-run-task-106-{}", std::process::id());
        let (path, limit) = if old.exists() {
            (old.join(name), "memory.limit_in_bytes")
        } else {
            sh("echo +memory >/sys/fs/cgroup/cgroup.subtree_control");
            (Path::new("/sys/fs/cgroup").join(name), "memory.max")
        };
        fs::create_dir(&path).unwrap();
        let group = Self(path);
        fs::write(group.0.join(limit), bytes).unwrap();
        // Where there is swap.
        drop(fs::write(group.0.join("memory.swap.max"), "0"));
        group
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        wait_for("the cgroup is empty", || fs::remove_dir(&self.0).is_ok());
    }
}

pub(super) fn users() {
    let task = Task::start("113");
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_setresuid, "-1 1000 0"), 0);
    assert_eq!(calls.call(SYS_setuid, "12345"), -1);
    let (pid, nobody) = (calls.pid(), json!(null));
    let expected = [
        json!({ "pid": pid, "syscall": "setresuid", "to": nobody, "real": null, "effective": 1000, "saved": 0, "error": null }),
        json!({ "pid": pid, "syscall": "setuid", "to": 12345, "real": nobody, "effective": nobody, "error": "EPERM" }),
    ];
    task.told(&expected, &[]);
}

/// One a minute, of each of the calls.
pub(super) fn to_root() {
    let task = Task::start("114");
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_setresuid, "-1 1000 0"), 0);
    assert_eq!(calls.call(SYS_setresuid, "-1 0 0"), 0);
    assert_eq!(calls.call(SYS_setresuid, "-1 0 0"), 0);
    assert_eq!(calls.call(SYS_setuid, "0"), 0);
    let pid = calls.pid();
    let by = |call: &str, to: Option<i32>, effective: Option<i32>| json!({ "probe": "to-root", "pid": pid, "syscall": call, "to": to, "effective": effective });
    let expected = [by("setresuid", None, Some(0)), by("setuid", Some(0), None)];
    let events = task.told(&expected, &[by("setresuid", None, Some(1000))]);
    assert_eq!(events.iter().filter(|event| event["pid"] == pid).count(), 2, "{events:?}");
}

pub(super) fn loaded_programs() {
    let task = Task::start("117");
    // `return 0`
    drop(load(libbpf_sys::BPF_PROG_TYPE_SOCKET_FILTER, "task_117", &[0xb7, 0x95]));
    let loaded = json!({
        "probe": "bpf-loads", "pid": std::process::id(), "kind": "BPF_PROG_TYPE_SOCKET_FILTER", "program": "task_117",
        "instructions": 2, "error": null,
    });
    task.told(&[loaded], &[]);
}

/// Loads a BPF program of these instructions.
pub(super) fn load(kind: libbpf_sys::bpf_prog_type, name: &str, code: &[u64]) -> OwnedFd {
    let name = CString::new(name).unwrap();
    let instructions = code.as_ptr().cast();
    // SAFETY: texts and instructions live across the call, and there are as many of them as it says; an instruction has 8 bytes.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            kind,
            name.as_ptr(),
            c"GPL".as_ptr(),
            instructions,
            code.len() as libbpf_sys::size_t,
            std::ptr::null_mut(),
        )
    };
    assert!(fd >= 0, "{fd}");
    // SAFETY: the descriptor is new and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The clock is asked and refused to be set; it stays as it is.
pub(super) fn clock() {
    let task = Task::start("123");
    let mut calls = Calls::start(&task.lab);
    assert!(calls.call(SYS_adjtimex, "b:") >= 0);
    assert_eq!(calls.call(SYS_settimeofday, "1 0"), -14);
    let of = |call: &str, error: Option<&str>| json!({ "probe": "clock-set", "pid": calls.pid(), "syscall": call, "error": error });
    task.told(&[of("adjtimex", None), of("settimeofday", Some("EFAULT"))], &[]);
}
