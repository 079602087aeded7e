// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that talk to a daemon.

use std::process::{Command, Output};
use std::time::Duration;

use crate::daemon::{Daemon, call, calls};
use crate::lab::{Run, bpf, need, wait_for};

impl Daemon {
    fn command(&self, arguments: &[&str]) -> Command {
        self.lab.command(&[arguments, &["--socket", "control.sock"]].concat())
    }

    /// Standard output of a command that ends with this code.
    #[track_caller]
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
        stdout + &stderr
    }
}

/// A probe that is stopped says since when, runs again when somebody says so or when its file changes, and is no fault.
#[test]
fn stop_and_start() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", "sinks: [\"jsonl:one.jsonl\"]"))]);
    assert_eq!(daemon.says(0, &["start", "one"]), "`one` was not stopped\n");
    assert_eq!(daemon.says(0, &["stop", "one"]), "`one` is stopped until its file changes\n");
    let since = daemon.wait("one", "stopped")["since_unix_ns"].clone();
    assert_eq!(daemon.says(0, &["stop", "one"]), "`one` is already stopped\n");
    assert_eq!(daemon.probe("one")["since_unix_ns"], since);
    assert_eq!(daemon.says(0, &["status", "--check"]), "");
    assert_eq!(daemon.says(0, &["start", "one"]), "`one` is started\n");
    daemon.wait("one", "running");
    daemon.says(0, &["stop", "one"]);
    daemon.write("a.yaml", &calls("one", "labels: { new: yes }"));
    daemon.wait("one", "running");
    assert!(daemon.says(2, &["stop", "on"]).starts_with("error: there is no probe `on`: did you mean `one`?"));
    daemon.stop();
}

/// Who names a target as the table does, or a probe that is parked, is told so; what starts again says what waits.
#[test]
fn other_names() {
    need!(bpf());
    let of_two = "  - { name: two, hook: { xdp: { interface: [no-such-one, no-such-two] } } }\n";
    let parked = "  - { name: parked, enabled: false, program: exec }\n";
    let daemon = Daemon::with(&[("a.yaml", of_two), ("b.yaml", parked)]);
    for command in ["stop", "start", "tail"] {
        let whole = "error: there is no probe `two/no-such-one`: name the whole probe, `two`\n";
        assert_eq!(daemon.says(2, &[command, "two/no-such-one"]), whole);
        let parked = "error: `parked` is parked: its file sets `enabled: false`\n";
        assert_eq!(daemon.says(2, &[command, "parked"]), parked);
    }
    daemon.says(0, &["stop", "two"]);
    let waits = "`two` is started; `two/no-such-one` is waiting: there is no network interface `no-such-one`\n";
    assert_eq!(daemon.says(0, &["start", "two"]), waits);
    daemon.stop();
}

/// `status --watch` into a pipe is one table after the other, without the letters that a terminal needs;
/// what does not run stands first.
#[test]
fn watch_into_a_pipe() {
    need!(bpf());
    let waiting = "  - { name: zero, hook: { xdp: { interface: no-such-one } } }\n";
    let daemon = Daemon::with(&[("a.yaml", &calls("one", "")), ("b.yaml", waiting)]);
    let mut watch = Run::start(daemon.command(&["status", "--watch", "--interval", "10ms"]));
    for _ in 0..2 {
        let header = watch.line(|line| line.starts_with("ebpf-run "));
        assert!(!header.contains('\x1b'), "{header}");
        watch.line(|line| line.starts_with("zero   waiting  "));
        watch.line(|line| line.starts_with("one    running  "));
    }
    drop(watch);
    daemon.stop();
}

/// `status --check` and `reload` tell by their exit status that something does not run as its file says.
#[test]
fn check_and_reload() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", ""))]);
    assert_eq!(daemon.says(0, &["reload"]), "");
    daemon.write("b.yaml", "  - { name: two, hook: { tracepoin: x } }\n");
    daemon.wait_file("b.yaml", "refused");
    assert_eq!(daemon.says(1, &["status", "--check"]), "");
    assert!(daemon.says(1, &["reload"]).contains("b.yaml:3:26"));
    daemon.delete("b.yaml");
    // It looks before it answers.
    assert_eq!(daemon.says(0, &["reload"]), "");
    daemon.stop();
}

/// A sink that is taken away takes no counts with it: what was delivered never becomes less.
#[test]
fn counts_never_fall() {
    need!(bpf());
    let probe = |sinks: &str| calls("one", &format!("sinks: [{sinks}]"));
    let daemon = Daemon::with(&[("a.yaml", &probe("\"jsonl:one.jsonl\", \"jsonl:two.jsonl\""))]);
    let delivered = || daemon.probe("one")["delivered"].as_u64().unwrap();
    (0..10).for_each(call);
    wait_for("both sinks", || delivered() >= 20);
    daemon.write("a.yaml", &probe("\"jsonl:two.jsonl\""));
    wait_for("the change", || daemon.status()["generation"] == 2);
    assert!(delivered() >= 20, "{}", delivered());
    daemon.stop();
}

/// `tail` copies events of a probe or of all, and what happens to probes and files, also to those that have no sink: one
/// that waits, a file that never had a good text.
#[test]
fn tail() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", "sinks: [\"jsonl:one.jsonl\"]"))]);
    assert!(daemon.says(2, &["tail", "on"]).starts_with("error: there is no probe `on`: did you mean `one`?"));
    let mut all = Run::start(daemon.command(&["tail"]));
    let mut one = Run::start(daemon.command(&["tail", "one"]));
    for run in [&mut all, &mut one] {
        wait_for("an event", || {
            call(9200);
            run.try_event(Duration::from_millis(20), |event| event["probe"] == "one" && event["n"] == 9200).is_some()
        });
    }
    daemon.write("b.yaml", "  - { name: two, hook: { tracepoin: x } }\n");
    let refused = all.event(|event| event["type"] == "reload");
    assert_eq!((&refused["file"], &refused["result"]), (&"probes.d/b.yaml".into(), &"refused".into()), "{refused}");
    daemon.write("b.yaml", "  - { name: two, hook: { xdp: { interface: no-such-one } } }\n");
    let waits = all.event(|event| event["type"] == "probe_state");
    assert_eq!((&waits["probe"], &waits["state"]), (&"two".into(), &"waiting".into()), "{waits}");
    daemon.says(0, &["stop", "one"]);
    // The first of its kind: nothing of the other probe came before.
    let stopped = one.event(|event| !event["type"].is_null());
    assert_eq!((&stopped["probe"], &stopped["state"]), (&"one".into(), &"stopped".into()), "{stopped}");
    drop((all, one));
    daemon.stop();
}

/// One who looks on and does not read loses lines of its own copy, and is told how many; the probe's sink gets all.
#[test]
fn a_slow_tail() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", "buffer: 16MiB\n    sinks: [\"jsonl:one.jsonl\"]"))]);
    let mut slow = Run::start(daemon.command(&["tail"]));
    wait_for("an event", || {
        call(9300);
        slow.try_event(Duration::from_millis(20), |event| event["n"] == 9300).is_some()
    });
    slow.signal(libc::SIGSTOP);
    for _ in 0..200 {
        (0..1000).for_each(|_| call(9301));
        wait_for("the sink", || {
            let probe = daemon.probe("one");
            probe["produced"] == probe["delivered"]
        });
    }
    slow.signal(libc::SIGCONT);
    let lost = slow.event(|event| event["type"] == "lost");
    assert!(lost["cause"] == "copy_too_slow" && lost["count"].as_u64() > Some(0), "{lost}");
    let probe = daemon.probe("one");
    assert_eq!(probe["lost"], serde_json::json!({}), "{probe}");
    drop(slow);
    daemon.stop();
}
