// SPDX-License-Identifier: MIT OR Apache-2.0
//! `timer`, `profile`, `perf` and `iter`: as often as they say, of whom they say, and nothing left out.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need};

/// How many CPUs are switched on.
fn cpus() -> usize {
    let list = fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1
    };
    list.trim().split(',').map(range).sum()
}

/// A process of this name that is always busy; killed when dropped.
struct Busy(Child);

impl Busy {
    fn start(lab: &Lab) -> Self {
        let path = lab.text("busy-one");
        fs::write(&path, "#!/bin/sh\nwhile :; do :; done\n").unwrap();
        crate::lab::sh(&format!("chmod 755 {path}"));
        Self(Command::new(&path).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A timer fires on one CPU, as often as it says, and for no process.
#[test]
fn timers() {
    need!(bpf());
    let lab = Lab::new();
    let ended = lab.whole(
        "probes:\n  - { name: quick, hook: { timer: 10ms }, capture: { on: cpu, at: ktime } }\n  - { name: slow, hook: { timer: 200ms } }\n",
        &["--duration", "2s"],
    );
    let events = ended.events();
    let of = |name: &str| events.iter().filter(|event| event["probe"] == name).count();
    assert!((190..=215).contains(&of("quick")), "{}", of("quick"));
    assert!((9..=11).contains(&of("slow")), "{}", of("slow"));
    let on: BTreeSet<String> =
        events.iter().filter(|event| event["probe"] == "quick").map(|event| event["on"].to_string()).collect();
    assert_eq!(on.len(), 1, "{on:?}");
    assert!(
        events.iter().all(|event| event.get("pid").is_none() && event.get("comm").is_none()),
        "{:?}",
        events.first()
    );
    ended.code(0);
}

/// A profile has so many samples a second of each CPU; they are of who runs, and `where` chooses among them.
#[test]
fn profiles() {
    need!(bpf());
    let lab = Lab::new();
    let busy = Busy::start(&lab);
    let ended = lab.whole(
        "probes:\n  - { name: all, hook: { profile: { frequency: 99 } }, capture: { on: cpu } }\n  - name: one\n    hook: { profile: { frequency: 99 } }\n    where: comm == \"busy-one\"\n",
        &["--duration", "2s"],
    );
    let (events, expected) = (ended.events(), 2 * 99 * cpus());
    let of = |name: &str| events.iter().filter(|event| event["probe"] == name).count();
    // A CPU with counters has none of its idle time.
    assert!(of("all") <= expected + expected / 20, "{} of {expected}", of("all"));
    assert!(of("one") >= 20, "{}", of("one"));
    let pid = json!(busy.0.id());
    assert!(events.iter().filter(|event| event["probe"] == "one").all(|event| event["pid"] == pid));
    ended.code(0);
}

/// Events of the kernel are counted in the process that they happen in; those of the CPU are refused where it has no counters.
#[test]
fn counters() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: faults\n    hook: { perf: { event: page-faults, every: 1 } }\n    where: comm == \"toucher\"\n",
        &[],
    );
    let path = lab.text("toucher");
    fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
    crate::lab::sh(&format!("chmod 755 {path}"));
    let child = Command::new(&path).spawn().unwrap();
    let pid = child.id();
    let faults_of = child.wait_with_output();
    faults_of.unwrap();
    run.event(|event| event["comm"] == "toucher" && event["pid"] == pid);
    run.interrupt().code(0);
    if !std::path::Path::new("/sys/bus/event_source/devices/cpu").exists() {
        let ended = lab.whole("probes: [{ name: x, hook: { perf: { event: cycles, every: 1000000 } } }]\n", &[]);
        ended.code(1).says("this machine has no hardware counters, so `cycles` cannot be counted");
    }
}

/// Every thread that was there before and after is in a snapshot once, and a run of snapshots alone ends by itself.
#[test]
fn threads() {
    need!(bpf());
    let lab = Lab::new();
    let there = || -> BTreeSet<u64> {
        let processes =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_dir(entry.path().join("task")).ok());
        processes.flat_map(|tasks| tasks.flatten()).filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
    };
    let before = there();
    let ended =
        lab.whole("probes: [{ name: threads, hook: { iter: task }, capture: { parent: ppid, program: exe } }]\n", &[]);
    let after = there();
    let events = ended.events();
    let seen: Vec<u64> = events.iter().filter_map(|event| event["tid"].as_u64()).collect();
    let once: BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!(once.len(), seen.len(), "none twice");
    // A sandbox may keep a process from being looked at, by iterators as well: then its links cannot be read either.
    let is_open = |tid: &&u64| fs::read_link(format!("/proc/{tid}/ns/pid")).is_ok();
    let missing: Vec<&u64> = before.intersection(&after).filter(|tid| !once.contains(tid)).filter(is_open).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let own = std::process::id();
    let this = events.iter().find(|event| event["pid"] == own).unwrap();
    let exe = fs::read_link("/proc/self/exe").unwrap();
    assert_eq!(this["program"], json!(exe.to_str().unwrap()));
    assert_eq!(ended.totals("threads").lost, 0);
    ended.code(0);
}

/// Twenty thousand open files in a small ring: none is lost, each has its descriptor, process and path.
#[test]
fn many_files() {
    need!(bpf());
    let lab = Lab::new();
    const FILES: usize = 20_000;
    // No process may have so many here: twenty have a thousand each.
    let holder = "import os, sys\nends = os.pipe()\nfor _ in range(20):\n    if os.fork() == 0:\n        files = [os.open('/dev/null', os.O_RDONLY) for _ in range(1000)]\n        os.write(ends[1], b'x')\n        sys.stdin.read()\n        os._exit(0)\n\
                  got = 0\nwhile got < 20: got += len(os.read(ends[0], 20))\nprint('ready', flush=True)\nsys.stdin.read()\n";
    if crate::lab::tool("python3").is_err() {
        return crate::lab::skip("no python3");
    }
    let mut command = Command::new("python3");
    command.args(["-c", holder]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let yaml = format!(
        "probes:\n  - name: files\n    hook: {{ iter: task_file }}\n    capture: {{ fd: fd, path: file as path }}\n    where: pid == {0} || ppid == {0}\n    buffer: 64KiB\n",
        child.id()
    );
    let ended = lab.whole(&yaml, &[]);
    drop(child.stdin.take());
    drop(child.wait());
    let events = ended.events();
    let null = events.iter().filter(|event| event["path"] == "/dev/null").count();
    let descriptors: BTreeSet<(u64, u64)> =
        events.iter().filter_map(|event| Some((event["pid"].as_u64()?, event["fd"].as_u64()?))).collect();
    assert!(null >= FILES && descriptors.len() == events.len(), "{null} of {}", events.len());
    assert!(events.iter().any(|event| event["path"].as_str().is_some_and(|path| path.starts_with("pipe:["))));
    let totals = ended.totals("files");
    assert_eq!((totals.lost, totals.delivered), (0, events.len() as u64));
    ended.code(0);
}

/// Sockets are those that there are, also those that only wait for the end of a connection; without a process they have none.
#[test]
fn sockets() {
    need!(bpf());
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // The end that closes first waits (TIME_WAIT).
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    drop(client);
    drop(server);
    let open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let ended = lab.whole(
        "probes:\n  - name: tcp\n    hook: { iter: tcp }\n    capture: { ends: sk_common as sock, state: sk_common->skc_state as tcp_state, owner: args.uid as uid }\n",
        &[],
    );
    drop(open);
    let events = ended.events();
    let at = format!("127.0.0.1:{port}");
    let of = |end: &str, state: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["ends"][end] == *at && event["state"] == state).collect()
    };
    assert_eq!((of("source", "TCP_LISTEN").len(), of("destination", "TCP_ESTABLISHED").len()), (1, 1), "{events:?}");
    assert_eq!(of("destination", "TCP_TIME_WAIT").len(), 1, "{events:?}");
    assert!(events.iter().all(|event| event["ends"]["protocol"] == "IPPROTO_TCP"), "{events:?}");
    assert!(events.iter().all(|event| event.get("pid").is_none()), "{events:?}");
    ended.code(0);
}

/// With an interval there is one snapshot after the other, and programs have counts of their runs.
#[test]
fn again_and_again() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: programs\n    hook: { iter: bpf_prog }\n    capture: { id: prog->aux->id, name: prog->aux->name, runs: run_count, time: run_time }\n    interval: 200ms\n  - { name: tick, hook: { timer: 10ms } }\n",
        &[],
    );
    let of_timer = |event: &Value| event["probe"] == "programs" && event["name"] == "trace_timer";
    let first = run.event(of_timer);
    let second =
        run.event(|event| of_timer(event) && event["runs"].as_u64() > first["runs"].as_u64().map(|runs| runs + 9));
    assert!(second["time"].as_u64() > first["time"].as_u64(), "{first} {second}");
    let _ = File::open("/dev/null");
    run.interrupt().code(0);
}
