// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same events as other tools see: a folder of `cases` each, in which `ebpf-run` and a peer watch the same processes at the
//! same time and must print the same values.
//!
//! | file | what it is |
//! |---|---|
//! | `probe.yaml` | what `ebpf-run` is started with |
//! | `peer.bt` | what bpftrace is started with: it prints `= VALUE<tab>VALUE…` for each event |
//! | `strace` | or the system calls that strace follows the load with; then `strace.sed` makes the same lines of its output, in which an error is already its number and name (`= -2 ENOENT`) and a success `= 3 null` |
//! | `fields` | the fields of the events that are the same values, in that order |
//! | `tools` | programs of this machine that the load uses: `cat` is there as `peer-cat`, and so is the shell |
//! | `load` | a shell script that makes it happen, by `peer-` programs alone; it starts in the folder where they are |
//! | `everybody` | optional: events of other programs count as well |
//! | `setup`, `cleanup` | optional: shell scripts before and after all of that |
//!
//! In `probe.yaml`, `peer.bt` and `strace.sed`, `@PEER@` is that folder.
//!
//! What is counted is compared in `tools` (libbpf-tools) and `maps` (one line of bpftrace each).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test may")]

mod counted;
#[allow(dead_code, reason = "the tests on the live kernel use the rest")]
#[path = "../live/lab.rs"]
mod lab;
mod maps;
mod peer;
mod printed;
mod tools;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lab::{Lab, Run, need};
use peer::Peer;
use serde_json::Value;

/// How long both have to show the last event of the load, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a case is run in which the kernel skipped a program of the side that has fewer events.
const ATTEMPTS: usize = 5;

/// Programs of one comparison must not be taken for those of another: both are called `peer-sh`.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every case: the peer and `ebpf-run` print the same values, as often.
#[test]
fn same_values() {
    need!(lab::bpf(), lab::tool("bpftrace"), lab::tool("strace"));
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let only = env::var("EBPF_RUN_PEER").ok();
    let chosen = |case: &&PathBuf| only.as_deref().is_none_or(|only| name(case).starts_with(only));
    let mut failed = String::new();
    for case in cases.iter().filter(chosen) {
        let mut before = String::new();
        let outcome = repeated(case, &mut before);
        print!("{before}");
        match outcome {
            Ok(events) => println!("{}: {events} events", name(case)),
            Err(difference) => {
                println!("{}: {difference}", name(case));
                failed += &format!("\n{}: {difference}", name(case));
            }
        }
    }
    // Last, so that an output that was cut still has it.
    assert!(failed.is_empty(), "other values:{failed}");
}

/// Runs one case, again where what differs is explained by what the kernel did not show to one side: that is added to `before`.
fn repeated(case: &Path, before: &mut String) -> Result<usize, String> {
    let mut attempt = 1;
    loop {
        match compare(case)? {
            Outcome::Same(events) => return Ok(events),
            Outcome::Missed(difference) if attempt < ATTEMPTS => {
                *before += &format!("{}, attempt {attempt}: {difference}\n", name(case));
                attempt += 1;
            }
            Outcome::Missed(difference) => return Err(format!("{ATTEMPTS} attempts; {difference}")),
        }
    }
}

/// What a comparison gives that is no failure yet.
enum Outcome {
    /// So many events, the same on both sides.
    Same(usize),
    /// Each side that has fewer events says itself that it missed some, or neither has any. The kernel skips a program that would
    /// run within another one, and at a system call while another process was put aside in the middle of it (since Linux 6.13).
    Missed(String),
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

/// Runs one case; `Err` tells how the two differ, or what else went wrong.
fn compare(case: &Path) -> Result<Outcome, String> {
    let _turn = turn();
    let lab = Lab::new();
    let peers = lab.text("peer");
    fs::create_dir(&peers).unwrap();
    let tools = fs::read_to_string(case.join("tools")).unwrap_or_default();
    for tool in tools.split_whitespace().chain(["sh"]) {
        let found = program(tool).ok_or_else(|| format!("this machine has no `{tool}`"))?;
        fs::copy(found, format!("{peers}/peer-{tool}")).unwrap();
    }
    script(case, "setup", &peers)?;
    let result = compare_in(case, &lab, &peers);
    script(case, "cleanup", &peers)?;
    result
}

/// Where a program is, for root even if `PATH` is a user's.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/bin:/sbin:/bin";
    path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Runs the script of this name, if the case has one.
fn script(case: &Path, name: &str, peers: &str) -> Result<(), String> {
    if !case.join(name).exists() {
        return Ok(());
    }
    let mut command = Command::new("sh");
    succeed(name, &command.arg("-eu").arg(case.join(name)).env("PEER", peers).current_dir(peers).output().unwrap())
}

fn succeed(what: &str, done: &Output) -> Result<(), String> {
    if done.status.success() {
        Ok(())
    } else {
        Err(format!("its {what} failed: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

fn compare_in(case: &Path, lab: &Lab, peers: &str) -> Result<Outcome, String> {
    let written = |file: &str| {
        let text = fs::read_to_string(case.join(file)).ok()?;
        let path = lab.text(file);
        fs::write(&path, peer::counting(&text.replace("@PEER@", peers))).unwrap();
        Some(path)
    };
    written("probe.yaml").ok_or("there is no probe.yaml")?;
    let peer = match written("peer.bt") {
        Some(script) => Peer::bpftrace(lab, &script)?,
        None => Peer::Strace { out: lab.path("peer.out"), sed: written("strace.sed").ok_or("there is no peer")? },
    };
    let mut run = Run::start(lab.command(&["probe.yaml"]));
    run.wait_until_attached();
    let mut load = match &peer {
        Peer::Bpftrace { .. } => Command::new(format!("{peers}/peer-sh")),
        Peer::Strace { out, .. } => {
            let calls = fs::read_to_string(case.join("strace")).unwrap();
            let (calls, option) = calls.trim().split_once(' ').unwrap_or((calls.trim(), "-qq"));
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-s", "4096", option, "-e", &format!("trace={calls}"), "-o"]).arg(out);
            strace.arg(format!("{peers}/peer-sh"));
            strace
        }
    };
    load.arg("-eu").arg(case.join("load")).env("PEER", peers).current_dir(peers).stdin(Stdio::null());
    // Not a pipe: what the load leaves running would keep it open.
    let said = lab.path("load.log");
    load.stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
    if !load.status().unwrap().success() {
        return Err(format!("its load failed: {}", fs::read_to_string(said).unwrap()));
    }

    let fields = fs::read_to_string(case.join("fields")).unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let everybody = case.join("everybody").exists();
    let of_run = |events: &[Value]| {
        let counted = events.iter().filter(|event| everybody || of_peer(event));
        sorted(counted.map(|event| line(event, &fields)).collect())
    };
    // What it did must have reached both.
    let start = Instant::now();
    let complete = || {
        let ours = of_run(&run.events_now());
        !ours.is_empty() && ours == sorted(peer.lines())
    };
    while !complete() && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
    let theirs = peer.end();
    let ended = run.interrupt();
    let ours = of_run(&ended.events());
    let theirs_only = only(&theirs.lines, &ours);
    let ours_only = only(&ours, &theirs.lines);
    if !ours.is_empty() && ours_only.is_empty() && theirs_only.is_empty() {
        return Ok(Outcome::Same(ours.len()));
    }
    let show = |lines: &[String]| lines.iter().take(6).map(|line| format!("\n    {line}")).collect::<String>();
    let difference = format!(
        "{} events here, {} there; only here:{}\n  only there:{}\nthe peer says: {}\nebpf-run says: {}",
        ours.len(),
        theirs.lines.len(),
        show(&ours_only),
        show(&theirs_only),
        theirs.said,
        ended.stderr
    );
    let explained = (theirs_only.is_empty() || missed(&ended.stderr)) && (ours_only.is_empty() || theirs.missed);
    if explained { Ok(Outcome::Missed(difference)) } else { Err(difference) }
}

/// True if the summary in this text says that the kernel skipped a program.
fn missed(stderr: &str) -> bool {
    stderr.lines().any(|line| line.split_once('(').is_some_and(|(_, causes)| causes.contains("missed ")))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// The lines that are here oftener than there.
fn only(here: &[String], there: &[String]) -> Vec<String> {
    let mut left = there.to_vec();
    let mut is_missing = |line: &&String| {
        let found = left.iter().position(|other| other == *line);
        found.map(|at| left.swap_remove(at)).is_none()
    };
    here.iter().filter(|line| is_missing(line)).cloned().collect()
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
