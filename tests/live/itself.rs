// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program does not trace itself, unless it is told to, and says how much it left out.

use std::fs;
use std::process::Command;

use crate::lab::{Ended, Lab, Run, bpf, json, need, open_missing, tool, wait_for};

/// Each write into a file is one more write; something else writes now and then.
fn yaml(hook: &str, rest: &str) -> String {
    format!("probes:\n  - name: writes\n    hook: {{ {hook} }}\n    sinks: [\"jsonl:all.jsonl\"]\n{rest}")
}

/// Runs until there are events of others; the events that the run itself made.
fn run(mut run: Run, lab: &Lab) -> (u64, Ended) {
    run.wait_until_ready();
    let pid = run.pid();
    let text = || fs::read_to_string(lab.path("all.jsonl")).unwrap();
    wait_for("events of others", || {
        fs::write(lab.path("other"), "x").unwrap();
        let me = format!("\"pid\":{},", std::process::id());
        text().matches(&me).count() > 50
    });
    let ended = run.interrupt().code(0);
    let own = |line: &&str| json(line)["pid"] == pid;
    (text().lines().filter(own).count() as u64, ended)
}

/// What was left out, as the summary says.
fn left_out(ended: &Ended) -> u64 {
    let line = ended.stderr.lines().find_map(|line| line.strip_prefix("  left out, of ebpf-run itself: "));
    line.map_or(0, |count| count.replace(',', "").parse().unwrap())
}

/// By tracepoint and raw tracepoint: left out and counted; with `include_self: true`, or `false` under `defaults` and `true` at
/// the probe, it is there and nothing is left out.
#[test]
fn its_own_writes() {
    need!(bpf());
    for hook in ["tracepoint: \"syscalls:sys_enter_write\"", "raw_tracepoint: sys_enter"] {
        for (rest, included) in [
            ("", false),
            ("    include_self: true\n", true),
            ("    include_self: true\ndefaults: { include_self: false }\n", true),
            ("defaults: { include_self: true }\n", true),
        ] {
            let lab = Lab::new();
            let (own, ended) = run(lab.start(&yaml(hook, rest), &[]), &lab);
            let totals = ended.totals("writes");
            assert_eq!(totals.produced, totals.delivered + totals.lost, "{totals:?}");
            assert_eq!(
                (own > 0, left_out(&ended) > 0),
                (included, !included),
                "{hook} {rest}: {own}\n{}",
                ended.stderr
            );
        }
    }
}

/// In a PID namespace of its own it knows itself all the same.
#[test]
fn in_a_pid_namespace() {
    need!(bpf(), tool("unshare"));
    let lab = Lab::new();
    lab.yaml(&yaml("tracepoint: \"syscalls:sys_enter_write\"", ""));
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", env!("CARGO_BIN_EXE_ebpf-run"), "probes.yaml"]);
    command.current_dir(lab.dir.path()).stdout(std::process::Stdio::piped());
    let mut run = Run::start_with(&mut command);
    run.wait_until_attached();
    let text = || fs::read_to_string(lab.path("all.jsonl")).unwrap();
    wait_for("events of others", || {
        fs::write(lab.path("other"), "x").unwrap();
        text().matches(&format!("\"pid\":{},", std::process::id())).count() > 50
    });
    let children = format!("/proc/{0}/task/{0}/children", run.pid());
    let child: i32 = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    // SAFETY: signals the child of our child, which waits for it.
    assert_eq!(unsafe { libc::kill(child, libc::SIGINT) }, 0);
    let ended = run.end().code(0);
    assert!(left_out(&ended) > 0, "{}", ended.stderr);
    let own = format!("\"pid\":{child},");
    assert!(!text().contains(&own));
}

/// Where an event may be about another one, nothing is left out unless the file says so: here the switch from one of its own
/// threads to somebody else's.
#[test]
fn what_happens_while_it_runs() {
    need!(bpf());
    for (rest, some) in [("", false), ("    include_self: false\n", true)] {
        let lab = Lab::new();
        let mut run = lab.attached(&yaml("tracepoint: \"sched:sched_switch\"", rest), &["--count", "2000"]);
        let path = lab.text("missing");
        while run.try_wait().is_none() {
            open_missing(&path);
        }
        let ended = run.end().code(0);
        assert_eq!(left_out(&ended) > 0, some, "{}", ended.stderr);
    }
}
