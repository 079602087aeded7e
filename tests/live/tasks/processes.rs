// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about processes: starts, ends, signals, what is typed and printed.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use libc::{SYS_clock_nanosleep, SYS_execve, SYS_execveat, SYS_getpriority, SYS_kill, SYS_umask, SYS_write};
use serde_json::json;

use super::{Calls, Task};
use crate::lab::{Lab, wait_for};

/// Runs a script to its end; gives its pid.
fn shell(shell: &str, script: &str) -> u32 {
    let mut command = Command::new(shell);
    let mut child = command.args(["-c", script]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

/// A shell that does what is written to it.
fn listening_shell(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub(super) fn new_processes() {
    let task = Task::start("001");
    let mut child = Command::new("/bin/true").args(["two words", "plain"]).spawn().unwrap();
    child.wait().unwrap();
    let (pid, ppid) = (child.id(), std::process::id());
    let start = json!({ "event": "exec", "pid": pid, "ppid": ppid, "filename": "/bin/true", "comm": "true" });
    let events = task.told(&[start], &[json!({ "event": "exit" })]);
    let event = events.iter().find(|event| event["pid"] == pid).unwrap();
    assert_eq!(event["args"], "/bin/true 'two words' plain");
}

pub(super) fn ends() {
    let task = Task::start("002");
    let parent = shell("bash", "sh -c 'exit 7'; sh -c 'kill -KILL $$'; :");
    let of_parent = |code: i32, signal: Option<&str>| json!({ "probe": "exits", "comm": "sh", "ppid": parent, "parent": "bash", "code": code, "signal": signal });
    let events = task.told(&[of_parent(7, None), of_parent(0, Some("SIGKILL"))], &[]);
    let ended = events.iter().find(|event| event["ppid"] == parent).unwrap();
    assert!(ended["age"].as_u64() > Some(0), "{ended}");
}

pub(super) fn failed_execs() {
    let task = Task::start("003");
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_execve, "s:/no/such/program 0 0"), -2);
    assert_eq!(calls.call(SYS_execveat, "-100 s:/etc/passwd 0 0 0"), -13);
    let of = |path: &str, error: &str| json!({ "pid": calls.pid(), "path": path, "error": error });
    task.told(&[of("/no/such/program", "ENOENT"), of("/etc/passwd", "EACCES")], &[json!({ "error": null })]);
}

/// Threads of large programs can take all the time that there is for names, until the next second.
pub(super) fn threads() {
    let mut task = Task::start("006");
    let mut calls = Calls::start(&task.lab);
    let pid = calls.pid();
    wait_for("the name of the routine", || {
        assert_eq!(calls.line("thread"), 0);
        let begun = task.run.event(|event| event["pid"] == pid);
        assert_eq!((&begun["probe"], &begun["comm"]), (&json!("threads"), &json!("calls")), "{begun}");
        let routine = begun["routine"].as_str().unwrap();
        assert!(routine == "routine" || routine.starts_with("0x"), "{begun}");
        routine == "routine"
    });
    task.told(&[], &[]);
}

pub(super) fn signals() {
    let task = Task::start("007");
    let mut calls = Calls::start(&task.lab);
    let mut sleep = Command::new("sleep").arg("1000").spawn().unwrap();
    let to = sleep.id();
    wait_for("the program", || fs::read_to_string(format!("/proc/{to}/comm")).is_ok_and(|comm| comm == "sleep\n"));
    assert_eq!(calls.call(SYS_kill, &format!("{to} {}", libc::SIGTERM)), 0);
    sleep.wait().unwrap();
    let sent =
        json!({ "pid": calls.pid(), "comm": "calls", "sig": "SIGTERM", "to": to, "to_comm": "sleep", "result": 0 });
    task.told(&[sent], &[]);
}

pub(super) fn typed_in_bash() {
    let task = Task::start("009");
    let mut command = Command::new("/usr/bin/bash");
    command.args(["--norc", "-i"]).env("HISTFILE", "").env("HOME", task.lab.dir.path());
    let mut bash = listening_shell(&mut command);
    let pid = bash.id();
    bash.stdin.take().unwrap().write_all(b"echo  what was typed\nexit\n").unwrap();
    bash.wait().unwrap();
    let typed = |line: &str| json!({ "probe": "typed", "pid": pid, "comm": "bash", "line": line });
    task.told(&[typed("echo  what was typed"), typed("exit")], &[]);
}

pub(super) fn printed_by_descendants() {
    let mut shell = listening_shell(&mut Command::new("sh"));
    let pid = shell.id();
    let task = Task::start_in(Lab::new(), "010", &[("1234", &pid.to_string())]);
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_write, "2 s:stranger 8"), 8);
    let script = b"echo own; sh -c 'echo child >&2; (echo grandchild); :'\nexit\n";
    shell.stdin.take().unwrap().write_all(script).unwrap();
    shell.wait().unwrap();
    let printed = |text: &str| json!({ "probe": "printed", "comm": "sh", "text": text });
    let events = task.told(
        &[printed("own\n"), printed("child\n"), printed("grandchild\n")],
        &[json!({ "text": "stranger" }), json!({ "comm": "calls" })],
    );
    let pids: std::collections::BTreeSet<u64> = events.iter().filter_map(|event| event["pid"].as_u64()).collect();
    assert_eq!((pids.len(), pids.contains(&pid.into())), (3, true), "{events:?}");
}

pub(super) fn sleeps() {
    let task = Task::start("013");
    let mut calls = Calls::start(&task.lab);
    let parent = std::fs::read_to_string("/proc/self/comm").unwrap();
    // 1.5 ms.
    assert_eq!(calls.call(SYS_clock_nanosleep, "1 0 b:000000000000000060e3160000000000 0"), 0);
    let asked = json!({ "probe": "sleeps", "pid": calls.pid(), "asked": 1_500_000, "parent_pid": std::process::id(), "parent": parent.trim() });
    task.told(&[asked], &[]);
}

pub(super) fn grandparents() {
    let task = Task::start("015");
    shell("bash", "sh -c '/bin/true; :'; :");
    task.told(
        &[json!({ "probe": "execs", "comm": "true", "file": "/bin/true", "parent": "sh", "grand": "bash" })],
        &[],
    );
}

pub(super) fn calls_of_one() {
    let lab = Lab::new();
    let mut calls = Calls::start(&lab);
    let task = Task::start_in(lab, "103", &[("1234", &calls.pid().to_string())]);
    calls.call(SYS_umask, "18");
    assert_eq!(calls.call(SYS_umask, "18"), 18);
    assert_eq!(calls.call(SYS_getpriority, "1 999999999"), -3);
    let of = |name: &str, a0: &str, result: i32| json!({ "syscall": name, "a0": a0, "result": result });
    let pid = calls.pid();
    let events = task.told(&[of("umask", "0x12", 18), of("getpriority", "0x1", -3)], &[]);
    assert!(events.iter().all(|event| event["pid"] == pid), "{events:?}");
}
