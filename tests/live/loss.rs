// SPDX-License-Identifier: MIT OR Apache-2.0
//! Under overload every event is delivered or counted as lost, and the sink has exactly what was delivered.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use std::time::{Duration, Instant};

use crate::called::{Called, compile};
use crate::lab::{Ended, Lab, Run, bpf, counts, json, need, open_missing, tool, wait_for};

const OPENS: u64 = 300_000;

fn yaml(rest: &str) -> String {
    format!(
        "probes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         capture: {{ path: filename as user_string }}\n    sinks: [\"jsonl:all.jsonl\"]\n{rest}"
    )
}

/// Every line of the file is JSON; how many of them are events and how many of those are ours.
fn read(lab: &Lab, path: &str) -> (u64, u64) {
    let text = fs::read_to_string(lab.path("all.jsonl")).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let (mut events, mut ours) = (0, 0);
    for line in text.lines() {
        // Parsing a line of each hundred is enough: all of them come from the same encoder.
        if events % 100 == 0 {
            json(line);
        }
        assert!(line.starts_with("{\"ts\":\"") && line.ends_with('}'), "{line}");
        if line.contains("\"type\":\"lost\"") {
            assert!(!counts(&json(line)));
        } else {
            events += 1;
            ours += u64::from(line.contains(path));
        }
    }
    (events, ours)
}

fn adds_up(lab: &Lab, path: &str, ended: &Ended) -> u64 {
    let totals = ended.totals("opens");
    assert_eq!(totals.produced, totals.delivered + totals.lost, "{totals:?}");
    assert!(!ended.stderr.contains("unaccounted"), "{}", ended.stderr);
    let (events, ours) = read(lab, path);
    assert_eq!(events, totals.delivered, "lines of the file, {totals:?}");
    assert!(ours <= OPENS);
    totals.produced
}

/// 300,000 opens at full speed, by two threads, in a file.
#[test]
fn full_speed() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &[]);
    let path = lab.text("burst");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..OPENS / 2).for_each(|_| open_missing(&path)));
        }
    });
    let ended = run.interrupt().code(0);
    assert!(adds_up(&lab, &path, &ended) >= OPENS);
}

/// The same with a ring that holds twenty events: most are lost, all are counted, and the stream says so.
#[test]
fn tiny_ring() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml("    buffer: 4KiB\n"), &[]);
    let path = lab.text("burst");
    (0..OPENS / 3).for_each(|_| open_missing(&path));
    let ended = run.interrupt().code(0);
    assert!(adds_up(&lab, &path, &ended) >= OPENS / 3);
    let totals = ended.totals("opens");
    assert!(totals.lost > 0 && totals.causes.starts_with("ring full"), "{totals:?}");
    let text = fs::read_to_string(lab.path("all.jsonl")).unwrap();
    let said: u64 = text
        .lines()
        .filter(|line| line.contains("\"type\":\"lost\""))
        .map(|line| json(line)["count"].as_u64().unwrap())
        .sum();
    assert_eq!(said, totals.lost, "losses on the stream");
}

/// Ended by Ctrl-C in the middle of it.
#[test]
fn interrupted() {
    need!(bpf());
    for buffer in ["", "    buffer: 4KiB\n"] {
        let lab = Lab::new();
        let run = lab.ready(&yaml(buffer), &[]);
        let path = lab.text("burst");
        let done = AtomicU64::new(0);
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..OPENS {
                    open_missing(&path);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
            wait_for("the middle", || done.load(Ordering::Relaxed) > OPENS / 3);
            run.interrupt().code(0)
        });
        assert!(adds_up(&lab, &path, &ended) > OPENS / 3);
    }
}

/// Ended by `--count` in the middle of it: exactly so many lines, the rest is counted.
#[test]
fn counted() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &["--count", "12345"]);
    let path = lab.text("burst");
    (0..OPENS / 3).for_each(|_| open_missing(&path));
    let ended = run.end().code(0);
    adds_up(&lab, &path, &ended);
    assert_eq!(ended.totals("opens").delivered, 12345);
}

/// Sets the limit of a process's address space; 0: this one's.
fn limit_memory(pid: u32, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a valid limit, and no old one is asked for.
    assert_eq!(unsafe { libc::prlimit(pid as i32, libc::RLIMIT_AS, &limit, std::ptr::null_mut()) }, 0);
}

/// Bytes of address space that a process has, and clock ticks that it ran.
fn memory_and_time(pid: u32) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<u64> =
        stat.rsplit(')').next().unwrap().split_whitespace().map(|word| word.parse().unwrap_or(0)).collect();
    (fields[20], fields[11] + fields[12])
}

/// A ring that cannot be mapped is refused at the start.
#[test]
fn no_memory_at_the_start() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&yaml("    buffer: 256MiB\n"));
    let mut command = lab.command(&["probes.yaml"]);
    // SAFETY: one system call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            limit_memory(0, 200 << 20);
            Ok(())
        });
    }
    let ended = Run::start(command).end().code(1);
    ended.says("failed to map its ring buffer: cannot allocate memory (ENOMEM)").says("set a smaller `buffer`");
}

/// Calls of a function, into a file, by a ring that does not fit into what the tests below leave. The binary is the test's own:
/// an event that comes before the limit, from anybody on the machine, has the ring mapped, and it stays so for a while.
fn calls(binary: &str) -> String {
    format!(
        "probes:\n  - name: calls\n    hook: {{ uprobe: \"{binary}:answer\" }}\n    buffer: 64MiB\n    \
         sinks: [\"jsonl:all.jsonl\"]\n"
    )
}

/// A ring that cannot be mapped later on costs neither a core nor a flood of lines. What is in it is read when it can be.
#[test]
fn memory_that_comes_back() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let mut called = Called::start(&binary, "");
    let run = lab.ready(&calls(&binary), &[]);
    let (bytes, before) = memory_and_time(run.pid());
    limit_memory(run.pid(), bytes + (16 << 20));
    called.call(1000);
    wait_for("the trouble", || run.stderr_now().contains("failed to map a ring buffer"));
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        called.call(1);
        std::thread::sleep(Duration::from_millis(1));
    }
    let (_, after) = memory_and_time(run.pid());
    assert!(after - before < 20, "{} ticks of 10 ms in half a second", after - before);
    let lines = || fs::read_to_string(lab.path("all.jsonl")).unwrap().lines().count() as u64;
    assert_eq!(lines(), 0);
    limit_memory(run.pid(), libc::RLIM_INFINITY);
    wait_for("the events", || lines() >= 1000);
    let ended = run.interrupt().code(0);
    assert!(ended.stderr.lines().count() < 10, "{}", ended.stderr);
    let totals = ended.totals("calls");
    assert_eq!((totals.produced, totals.delivered, totals.lost), (lines(), lines(), 0));
}

/// What nobody could read until the end is lost, for a cause of its own, and the status says so.
#[test]
fn memory_that_does_not_come_back() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let mut called = Called::start(&binary, "");
    let run = lab.ready(&calls(&binary), &[]);
    limit_memory(run.pid(), memory_and_time(run.pid()).0 + (16 << 20));
    called.call(1000);
    let ended = run.interrupt().code(1);
    assert!(ended.stderr.lines().count() < 10, "{}", ended.stderr);
    let totals = ended.totals("calls");
    assert_eq!((totals.produced, totals.delivered, totals.lost), (1000, 0, 1000));
    assert!(totals.causes.starts_with("unreadable "), "{totals:?}");
}
