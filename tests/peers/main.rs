// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same events as other tools see: a folder of `cases` each, in which `ebpf-run` and a peer watch the same processes at the
//! same time and must print the same values.
//!
//! | file | what it is |
//! |---|---|
//! | `probe.yaml` | what `ebpf-run` is started with |
//! | `peer.bt` | what bpftrace is started with: it prints `= VALUE<tab>VALUE…` for each event |
//! | `strace` | or the system calls that strace follows the load with; then `strace.sed` makes the same lines of its output |
//! | `fields` | the fields of the events that are the same values, in that order |
//! | `tools` | programs of this machine that the load uses: `cat` is there as `peer-cat`, and so is the shell |
//! | `load` | a shell script that makes it happen, by `peer-` programs alone; it starts in the folder where they are |
//! | `everybody` | optional: events of other programs count as well |
//! | `setup`, `cleanup` | optional: shell scripts before and after all of that |
//!
//! In `probe.yaml`, `peer.bt` and `strace.sed`, `@PEER@` is that folder.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

#[allow(dead_code, reason = "the tests on the live kernel use the rest")]
#[path = "../live/lab.rs"]
mod lab;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lab::{BOUND, Lab, Run, need, wait_for};
use serde_json::Value;

/// How long nothing new must have come before the outputs are complete.
const QUIET: Duration = Duration::from_millis(300);

/// Every case: the peer and `ebpf-run` print the same values, as often.
#[test]
fn same_values() {
    need!(lab::bpf(), lab::tool("bpftrace"), lab::tool("strace"));
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let only = std::env::var("EBPF_RUN_PEER").ok();
    let chosen = |case: &&PathBuf| only.as_deref().is_none_or(|only| name(case).starts_with(only));
    let mut failed = Vec::new();
    for case in cases.iter().filter(chosen) {
        // The kernel may skip a program at a system call while another process was put aside in the middle of it (since Linux 6.13).
        // Then one of the two has fewer events: ours says so, the peer does not.
        let again = || compare(case).or_else(|_| compare(case));
        match compare(case).or_else(|difference| if skipped(&difference) { again() } else { Err(difference) }) {
            Ok(events) => println!("{}: {events} events", name(case)),
            Err(difference) => {
                println!("{}: {difference}", name(case));
                failed.push(name(case));
            }
        }
    }
    assert!(failed.is_empty(), "other values: {failed:?}");
}

/// True if the summary in this text says that the kernel skipped a program.
fn skipped(difference: &str) -> bool {
    difference.lines().any(|line| line.split_once('(').is_some_and(|(_, causes)| causes.contains("missed ")))
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

/// Runs one case; how many events both saw, or how they differ.
fn compare(case: &Path) -> Result<usize, String> {
    let lab = Lab::new();
    let peers = lab.text("peer");
    fs::create_dir(&peers).unwrap();
    let tools = fs::read_to_string(case.join("tools")).unwrap_or_default();
    for tool in tools.split_whitespace().chain(["sh"]) {
        let copied = lab::sh(&format!("cp $(which {tool}) {peers}/peer-{tool}"));
        assert_eq!(copied, "", "{tool}");
    }
    script(case, "setup", &peers)?;
    let result = compare_in(case, &lab, &peers);
    script(case, "cleanup", &peers)?;
    result
}

/// Runs the script of this name, if the case has one.
fn script(case: &Path, name: &str, peers: &str) -> Result<(), String> {
    if !case.join(name).exists() {
        return Ok(());
    }
    let done =
        Command::new("sh").arg("-eu").arg(case.join(name)).env("PEER", peers).current_dir(peers).output().unwrap();
    if done.status.success() {
        Ok(())
    } else {
        Err(format!("its {name} failed: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

fn compare_in(case: &Path, lab: &Lab, peers: &str) -> Result<usize, String> {
    let written = |file: &str| {
        let text = fs::read_to_string(case.join(file)).ok()?;
        let path = lab.text(file);
        fs::write(&path, text.replace("@PEER@", peers)).unwrap();
        Some(path)
    };
    written("probe.yaml").ok_or("there is no probe.yaml")?;
    let script = written("peer.bt");
    let peer = script.as_ref().map(|script| Peer::start(lab, script));
    let mut run = Run::start(lab.command(&["probe.yaml"]));
    run.wait_until_attached();
    let shell = format!("{peers}/peer-sh");
    let mut load = Command::new(&shell);
    if let Some(calls) = written("strace") {
        let calls = fs::read_to_string(calls).unwrap();
        load = Command::new("strace");
        let (calls, option) = calls.trim().split_once(' ').unwrap_or((calls.trim(), "-qq"));
        load.args(["-f", "-qq", "-s", "4096", "-o", &lab.text("peer.out"), option, "-e"]).arg(format!("trace={calls}"));
        load.arg(&shell);
    }
    let done = load.arg("-eu").arg(case.join("load")).env("PEER", peers).current_dir(peers).stdout(Stdio::null());
    if !done.status().unwrap().success() {
        return Err("its load failed".to_owned());
    }
    // What it does must have reached both.
    thread::sleep(QUIET);
    let theirs = match peer {
        Some(peer) => peer.end(),
        None => {
            let sed =
                Command::new("sed").args(["-nEf", &written("strace.sed").unwrap(), &lab.text("peer.out")]).output();
            String::from_utf8_lossy(&sed.unwrap().stdout).into_owned()
        }
    };
    let ended = run.interrupt();
    let everybody = case.join("everybody").exists();
    let fields = fs::read_to_string(case.join("fields")).unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let mut ours: Vec<String> =
        ended.events().iter().filter(|event| everybody || of_peer(event)).map(|event| line(event, &fields)).collect();
    let mut theirs: Vec<String> =
        theirs.lines().filter_map(|line| line.strip_prefix("= ")).map(str::to_owned).collect();
    ours.sort();
    theirs.sort();
    if ours.is_empty() || ours != theirs {
        let only = |these: &[String], those: &[String]| {
            let mut left = those.to_vec();
            let mut is_missing = |line: &&String| {
                let found = left.iter().position(|other| other == *line);
                found.map(|at| left.swap_remove(at)).is_none()
            };
            let missing = these.iter().filter(|line| is_missing(line));
            missing.take(6).map(|line| format!("\n    {line}")).collect::<String>()
        };
        let (mine, others) = (only(&ours, &theirs), only(&theirs, &ours));
        let counts = format!("{} events here, {} there", ours.len(), theirs.len());
        return Err(format!("{counts}; only here:{mine}\n  only there:{others}\n{}", ended.stderr));
    }
    Ok(ours.len())
}

/// True for an event of the load's own programs, or of one that names no process.
fn of_peer(event: &Value) -> bool {
    event.get("comm").and_then(Value::as_str).is_none_or(|comm| comm.starts_with("peer-"))
}

fn line(event: &Value, fields: &[&str]) -> String {
    let value = |name: &&str| match name.split('.').try_fold(event, |value, part| value.get(part)) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "absent".to_owned(),
    };
    fields.iter().map(value).collect::<Vec<_>>().join("\t")
}

/// bpftrace while it runs.
struct Peer {
    child: Child,
    out: PathBuf,
}

impl Peer {
    fn start(lab: &Lab, script: &str) -> Self {
        let out = lab.path("peer.out");
        let mut command = Command::new("bpftrace");
        command.args(["-B", "line", "-o"]).arg(&out).arg(script);
        let log = fs::File::create(lab.path("peer.log")).unwrap();
        let child = command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap();
        let this = Self { child, out };
        // It says that it begins to attach, then attaches one after the other.
        let said =
            || fs::read_to_string(&this.out).unwrap_or_default() + &fs::read_to_string(lab.path("peer.log")).unwrap();
        wait_for("bpftrace", || said().contains("Attaching"));
        let mut before = (0, Instant::now());
        wait_for("its probes", || {
            let held = fs::read_dir(format!("/proc/{}/fd", this.child.id())).map_or(0, Iterator::count);
            if held != before.0 {
                before = (held, Instant::now());
            }
            before.1.elapsed() > QUIET
        });
        this
    }

    /// What it printed.
    fn end(mut self) -> String {
        // SAFETY: signals a child that has not been waited for.
        unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGINT) };
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() && start.elapsed() < BOUND {
            thread::sleep(Duration::from_millis(5));
        }
        fs::read_to_string(&self.out).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
