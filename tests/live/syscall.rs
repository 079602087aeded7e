// SPDX-License-Identifier: MIT OR Apache-2.0
//! `syscall`: arguments and results of system calls by the names of unistd.h, and tracepoints of system calls, which run the same way.

use std::ffi::CString;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::lab::{Lab, bpf, need, openat, sh, tool};

/// At the return there are the arguments, what they point to, and the result.
#[test]
fn arguments_and_result() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: opens\n    hook: { syscall: openat }\n    capture:\n      path: filename\n      dfd: dfd\n      \
         flags: flags as open_flags\n      same: arg2 as open_flags\n      fd: retval\n      error: retval as errno\n      \
         which: syscall\n",
        &[],
    );
    let (missing, there) = (lab.text("missing"), lab.text("there"));
    std::fs::write(&there, "").unwrap();
    openat(libc::AT_FDCWD, missing.as_bytes(), libc::O_NOCTTY, 0);
    let fd = openat(libc::AT_FDCWD, there.as_bytes(), libc::O_RDWR, 0);
    let failed = run.event(|event| event["path"] == *missing);
    for (field, value) in [
        ("dfd", json!(-100)),
        ("flags", json!("O_RDONLY|O_NOCTTY")),
        ("same", json!("O_RDONLY|O_NOCTTY")),
        ("fd", json!(-libc::ENOENT)),
        ("error", json!("ENOENT")),
        ("which", json!("openat")),
        ("pid", json!(std::process::id())),
    ] {
        assert_eq!(failed[field], value, "{field} of {failed}");
    }
    let opened = run.event(|event| event["path"] == *there && event["flags"] == "O_RDWR");
    assert_eq!((&opened["fd"], &opened["error"]), (&json!(fd), &json!(null)), "{opened}");
    run.interrupt().code(0);
}

/// Of several calls each event says which it is; a name that only some have is null at the others, and one that none has an error.
#[test]
fn several_calls() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = |capture: &str| {
        format!(
            "probes:\n  - name: removed\n    hook: {{ syscall: [unlink, unlinkat, rmdir, exit_group] }}\n    \
             capture: {{ {capture} }}\n"
        )
    };
    let mut run = lab.ready(&yaml("path: pathname, flag: flag, code: error_code, error: retval as errno"), &[]);
    let path = lab.text("missing");
    let name = CString::new(path.clone()).unwrap();
    // SAFETY: the name ends with NUL and lives across the calls.
    unsafe {
        libc::syscall(libc::SYS_unlink, name.as_ptr());
        libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, name.as_ptr(), libc::AT_REMOVEDIR);
        libc::syscall(libc::SYS_rmdir, name.as_ptr());
    }
    let mut child = Command::new("sh").args(["-c", "exit 9"]).spawn().unwrap();
    child.wait().unwrap();
    run.event(|event| event["syscall"] == "exit_group" && event["pid"] == child.id());
    let events = run.interrupt().code(0).events();
    // Each of them may come from a program of its own: between those there is no order.
    let one = |wanted: &dyn Fn(&serde_json::Value) -> bool| events.iter().find(|event| wanted(event)).unwrap();
    for (call, flag) in [("unlink", json!(null)), ("unlinkat", json!(libc::AT_REMOVEDIR)), ("rmdir", json!(null))] {
        let event = one(&|event| event["path"] == *path && event["syscall"] == *call);
        assert_eq!(
            (&event["flag"], &event["error"], &event["code"]),
            (&flag, &json!("ENOENT"), &json!(null)),
            "{event}"
        );
    }
    let ended = one(&|event| event["syscall"] == "exit_group" && event["pid"] == child.id());
    assert_eq!((&ended["code"], &ended["error"], &ended["path"]), (&json!(9), &json!(null), &json!(null)), "{ended}");
    lab.whole(&yaml("nobody: has_it"), &["--duration", "1ms"]).code(1).says("has no argument `has_it`");
}

/// What a freshly started program opens has its path, though its text is not in memory yet when the call begins.
#[test]
fn no_path_is_null() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(
        "probes:\n  - { name: opens, hook: { syscall: [open, openat] }, capture: { path: filename }, buffer: 16MiB }\n",
        &[],
    );
    sh("for n in $(seq 100); do /bin/cat /etc/hostname /etc/passwd >/dev/null; /bin/ls / >/dev/null; done");
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let opens: Vec<_> = events.iter().filter(|event| event["probe"] == "opens").collect();
    assert!(opens.len() > 1000, "{}", opens.len());
    let without: Vec<_> = opens.iter().filter(|event| event["path"].is_null()).collect();
    assert!(without.is_empty(), "{} of {}: {without:?}", without.len(), opens.len());
}

/// An `execve` that succeeded has no arguments any more; one that failed has them.
#[test]
fn execs() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: execs\n    hook: { syscall: execve }\n    \
         capture: { path: filename, first: arg0 as hex, result: retval }\n",
        &[],
    );
    let missing = lab.text("missing");
    assert!(Command::new(&missing).spawn().is_err());
    let failed = run.event(|event| event["path"] == *missing);
    assert_eq!(failed["result"], -libc::ENOENT, "{failed}");
    let mut child = Command::new("/bin/true").spawn().unwrap();
    child.wait().unwrap();
    let done = run.event(|event| event["pid"] == child.id() && event["result"] == 0);
    assert_eq!((&done["path"], &done["first"]), (&json!(null), &json!(null)), "{done}");
    run.interrupt().code(0);
}

/// Every system call of a thread, with its name, in the order in which it makes them.
#[test]
fn all_calls() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: all\n    hook: { syscall: \"*\" }\n    buffer: 16MiB\n    \
         capture: { a0: arg0 as hex, result: retval }\n",
        &[],
    );
    // SAFETY: they take numbers.
    unsafe {
        libc::syscall(libc::SYS_getpriority, 1, 0);
        libc::syscall(libc::SYS_umask, 0o22);
        libc::syscall(505, 3);
    }
    let me = crate::lab::tid();
    for (call, first) in [("getpriority", "0x1"), ("umask", "0x12"), ("505", "0x3")] {
        let event = run.event(|event| event["tid"] == me && event["syscall"] == call);
        assert_eq!(event["a0"], first, "{event}");
    }
    run.interrupt().code(0);
}

/// The values are those that strace sees, call by call.
#[test]
fn as_strace_sees_it() {
    need!(bpf());
    need!(tool("strace"));
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - { name: opens, hook: { syscall: openat }, capture: { path: filename, result: retval } }\n",
        &[],
    );
    let trace = lab.text("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=openat", "-s", "4096", "-o", &trace, "/bin/cat", "/etc/hostname", "/no/such/file"]);
    let _ = strace.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    run.event(|event| event["path"] == "/no/such/file");
    let text = std::fs::read_to_string(&trace).unwrap();
    let pid: u64 = text.split_whitespace().next().unwrap().parse().unwrap();
    let seen: Vec<(String, i64)> = text.lines().filter(|line| line.contains("openat(")).map(of_strace).collect();
    assert!(seen.len() > 2, "{text}");
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let own = events.iter().filter(|event| event["pid"] == pid);
    let ours: Vec<(String, i64)> =
        own.map(|event| (event["path"].as_str().unwrap().to_owned(), event["result"].as_i64().unwrap())).collect();
    // Before strace has its process in hand, that opens nothing.
    assert_eq!(ours, seen);
}

/// `12 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = -1 ENOENT (No such file or directory)`
fn of_strace(line: &str) -> (String, i64) {
    let path = line.split('"').nth(1).unwrap().to_owned();
    let result = line.rsplit_once(" = ").unwrap().1;
    let number: i64 = result.split(' ').next().unwrap().parse().unwrap();
    (path, if result.contains("ENOENT") { -i64::from(libc::ENOENT) } else { number })
}
