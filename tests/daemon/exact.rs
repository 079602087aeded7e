// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes while events come at full speed: not one lost or doubled.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{bpf, in_namespace, need, tid, wait_for};
use crate::wire::Wire;

/// Changes of a test.
pub(crate) const CHANGES: u64 = 100;
/// Calls at full speed, in one go.
const BURST: u32 = 500;
/// From the beginning of one burst to the next: the sinks of a debug build on a shared machine have to keep up.
const BEAT: Duration = Duration::from_millis(8);

pub(crate) const QUICK: [&str; 2] = ["--debounce", "1ms"];

/// Does something with 0, 1, 2 … in bursts until `change` returns. Gives the thread's number and how often.
fn under_load(make: fn(u32), change: impl FnOnce()) -> (u64, u32) {
    in_bursts(BURST, make, change)
}

/// The same in bursts of another size.
pub(crate) fn in_bursts(burst: u32, make: impl Fn(u32) + Sync, change: impl FnOnce()) -> (u64, u32) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut count = 0;
            while !ended.load(Ordering::Relaxed) {
                let start = Instant::now();
                (count..count + burst).for_each(&make);
                count += burst;
                thread::sleep(BEAT.saturating_sub(start.elapsed()));
            }
            (tid(), count)
        });
        // Also when the test fails.
        let _end = End(&ended);
        change();
        ended.store(true, Ordering::Relaxed);
        load.join().unwrap()
    })
}

/// Says that it has ended when it is dropped.
pub(crate) struct End<'a>(pub(crate) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The value of a number in a line. A parser of JSON in a debug build is too slow for so many.
pub(crate) fn number(line: &str, key: &str) -> Option<u64> {
    let rest = line.split_once(&format!("\"{key}\":"))?.1;
    rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// Holds that the file has each of the numbers from 0 once, of this thread, and no others.
fn each_once(daemon: &Daemon, file: &str, tid: u64, count: u32) {
    let text = fs::read_to_string(daemon.lab.path(file)).unwrap();
    let mine = text.lines().filter(|line| number(line, "tid") == Some(tid));
    // Whoever stops the process makes the thread send a SIGCHLD.
    let mine = mine.filter(|line| number(line, "sig").is_none_or(|sig| sig == libc::SIGURG as u64));
    once(mine.filter_map(|line| number(line, "n")).collect(), count);
}

/// Holds that these are the numbers from 0, each once.
pub(crate) fn once(mut seen: Vec<u64>, count: u32) {
    seen.sort_unstable();
    if !seen.iter().copied().eq(0..u64::from(count)) {
        let doubled = seen.windows(2).filter(|pair| pair[0] == pair[1]).count();
        seen.dedup();
        panic!("of {count} events {} are missing, {doubled} doubled", count as usize - seen.len());
    }
}

/// Waits until everything that the probe produced has been written, and holds that nothing was lost.
fn all_delivered(daemon: &Daemon, name: &str, at_least: u32) {
    let probe = daemon.wait_until(name, "all delivered", |probe| {
        probe["produced"] == probe["delivered"] && probe["produced"].as_u64() >= Some(at_least.into())
    });
    assert_eq!(probe["lost"], serde_json::json!({}), "{probe}");
}

/// Waits until everything that the probe produced has been written or was lost for a cause, so often.
fn all_delivered_but(daemon: &Daemon, name: &str, cause: &str, times: u64) {
    daemon.wait_until(name, "all delivered", |probe| {
        let delivered = probe["delivered"].as_u64().unwrap();
        probe["lost"][cause] == times && probe["produced"] == delivered + times
    });
}

fn uptime_seconds() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split('.').next().unwrap().parse().unwrap()
}

/// Another file changes a hundred times: the probe that does not has every event, on the same link.
fn beside(probe: &str, make: fn(u32)) {
    let daemon = Daemon::start(&[("keep.yaml", probe)], &QUICK);
    let before = daemon.probe("keep");
    let (tid, count) = under_load(make, || {
        for round in 1..=CHANGES {
            let capture = if round.is_multiple_of(2) { "{ who: which }" } else { "{ who: which, what: niceval }" };
            let hook = "{ tracepoint: \"syscalls:sys_enter_setpriority\" }";
            daemon.write(
                "other.yaml",
                &format!("  - {{ name: other, hook: {hook}, capture: {capture}, sinks: [\"jsonl:o\"] }}\n"),
            );
            daemon.wait_until("other", "changed", |probe| probe["generation"] == round);
        }
    });
    all_delivered(&daemon, "keep", count);
    let after = daemon.probe("keep");
    for field in ["links", "generation", "since_unix_ns"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    each_once(&daemon, "keep.jsonl", tid, count);
    daemon.stop();
}

/// A rate goes on across changes: of a probe that may say two events an hour, the third never comes.
#[test]
fn a_rate_across_changes() {
    need!(bpf());
    // A system call that no other test makes: a call from elsewhere would be one of the few.
    let limits = |rate: &str| {
        calls("few", &format!("limits: {{ rate_limit: {rate}/h }}\n    sinks: [\"jsonl:few.jsonl\"]"))
            .replace("priority_max", "priority_min")
    };
    let call = |n: u32| {
        // SAFETY: takes a number.
        unsafe { libc::syscall(libc::SYS_sched_get_priority_min, n) };
    };
    // Its hours begin when the machine has run for a multiple of one: not in the middle of this test.
    wait_for("the next hour", || uptime_seconds() % 3600 < 3580);
    let daemon = Daemon::with(&[("a.yaml", &limits("2"))]);
    let mine = tid();
    call(0);
    for (generation, rate) in (2..).zip(["2", "3", "2", "4"]) {
        let capture = format!("    buffer: {}KiB\n", 64 << (generation % 2));
        daemon.write("a.yaml", &(limits(rate) + &capture));
        daemon.wait_until("few", "changed", |probe| probe["generation"] == generation);
        (0..5).for_each(|n| call(generation * 100 + n));
    }
    // One, then one to make two, one more to make three, none, one more to make four.
    all_delivered_but(&daemon, "few", "rate_limited", 17);
    assert_eq!(numbers(&daemon.lines("few.jsonl"), mine), [0, 200, 300, 500]);
    daemon.stop();
}

/// A tracepoint.
#[test]
fn an_unchanged_tracepoint() {
    need!(bpf());
    beside(&calls("keep", "buffer: 16MiB\n    sinks: [\"jsonl:keep.jsonl\"]"), call);
}

/// A signal that the kernel ignores, to this thread, with a number.
fn signal(n: u32) {
    #[repr(C)]
    struct Info {
        number: i32,
        errno: i32,
        code: i32,
        padding: i32,
        pid: i32,
        uid: u32,
        value: u64,
        rest: [u64; 12],
    }
    let (pid, value) = (std::process::id() as i32, n.into());
    let info = Info { number: libc::SIGURG, errno: 0, code: -1, padding: 0, pid, uid: 0, value, rest: [0; 12] };
    // SAFETY: the structure is a siginfo_t, 128 bytes, and lives across the call.
    let code = unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid(), libc::SIGURG, &raw const info) };
    assert_eq!(code, 0);
}

fn signals(name: &str, more: &str) -> String {
    format!(
        "  - name: {name}\n    hook: {{ raw_tracepoint: signal_generate }}\n    buffer: 16MiB\n    \
         capture: {{ sig: sig, n: \"info->_sifields._rt._sigval.sival_int as u32\"{more} }}\n    sinks: [\"jsonl:{name}.jsonl\"]\n"
    )
}

/// A raw tracepoint.
#[test]
fn an_unchanged_raw_tracepoint() {
    need!(bpf());
    beside(&signals("keep", ""), signal);
}

/// The probe itself is replaced more than a hundred times: its generations together have every event once.
fn replaced(version: impl Fn(u64) -> String, make: fn(u32)) {
    let daemon = Daemon::start(&[("a.yaml", &version(1))], &QUICK);
    let links = daemon.probe("self")["links"].clone();
    let (tid, count) = under_load(make, || {
        for round in 2..CHANGES + 5 {
            daemon.write("a.yaml", &version(round));
            daemon.wait_until("self", "replaced", |probe| probe["generation"] == round);
        }
    });
    all_delivered(&daemon, "self", count);
    assert_eq!(daemon.probe("self")["links"], links);
    each_once(&daemon, "self.jsonl", tid, count);
    daemon.stop();
}

/// A tracepoint.
#[test]
fn a_replaced_tracepoint() {
    need!(bpf());
    let version = |round: u64| {
        let probe = calls("self", "buffer: 4MiB\n    sinks: [\"jsonl:self.jsonl\"]");
        if round.is_multiple_of(2) { probe } else { probe.replace("as u32 }", "as u32, hex: policy as hex }") }
    };
    replaced(version, call);
}

/// A raw tracepoint.
#[test]
fn a_replaced_raw_tracepoint() {
    need!(bpf());
    replaced(|round| signals("self", if round.is_multiple_of(2) { "" } else { ", code: info->si_code" }), signal);
}

/// An XDP program is replaced a hundred times under traffic: all its generations together count every packet.
#[test]
fn a_replaced_xdp_program() {
    need!(bpf());
    in_namespace(|| {
        // In half of the versions it is one of several interfaces, of which the other is not there.
        let is_one = |round: u64| round % 4 < 2;
        let name = |round| if is_one(round) { "packets" } else { "packets/right" };
        let version = |round: u64| {
            let mode = if round.is_multiple_of(2) { "auto" } else { "native" };
            let interface = if is_one(round) { "right" } else { "[right, nosuch0]" };
            format!(
                "  - name: packets\n    hook: {{ xdp: {{ interface: {interface}, mode: {mode} }} }}\n    \
                 interval: 100ms\n    sinks: [\"jsonl:packets.jsonl\"]\n"
            )
        };
        let daemon = Daemon::start(&[("a.yaml", &version(1))], &QUICK);
        let links = daemon.probe("packets")["links"].clone();
        let (sent, ended) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                let (left, right) = (Wire::open("left"), Wire::open("right"));
                while !ended.load(Ordering::Relaxed) {
                    (0..64).for_each(|_| left.send(&[2; 100]));
                    // What the queue of the other end has no room for would never reach the program.
                    right.receive(64);
                    sent.fetch_add(64, Ordering::Relaxed);
                }
            });
            let _end = End(&ended);
            wait_for("traffic", || sent.load(Ordering::Relaxed) > 0);
            for round in 2..CHANGES + 2 {
                daemon.write("a.yaml", &version(round));
                daemon.wait_until(name(round), "replaced", |probe| probe["generation"] == round);
            }
        });
        assert_eq!(daemon.probe(name(CHANGES + 1))["links"], links);
        let (_, lab) = daemon.stop();
        let text = fs::read_to_string(lab.path("packets.jsonl")).unwrap();
        let samples = text.lines().map(crate::lab::json).filter(|line| line["type"] == "sample");
        let counted: u64 = samples.filter_map(|sample: Value| sample["packets"].as_u64()).sum();
        assert_eq!(counted, sent.into_inner());
    });
}

/// While events come at full speed, no answer has more delivered and lost than produced, for no sink.
#[test]
fn a_snapshot_adds_up() {
    need!(bpf());
    let daemon = Daemon::start(&[], &QUICK);
    let two = "buffer: 4KiB\n    sinks: [\"jsonl:one\", \"text:two\"]";
    daemon.write("a.yaml", &(calls("plain", "sinks: [\"jsonl:plain\"]") + &calls("two", two)));
    daemon.wait("two", "running");
    daemon.wait("plain", "running");
    let (mut answers, mut grown) = (0, 0);
    under_load(call, || {
        let mut before = 0;
        while answers < 2000 || grown < 500 {
            let status = daemon.status();
            for probe in status["probes"].as_array().unwrap() {
                let produced = probe["produced"].as_u64().unwrap();
                let lost = |of: &Value| of["lost"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
                let sinks = probe["sinks"].as_array().unwrap();
                let by_sinks: u64 = sinks.iter().map(lost).sum();
                for sink in sinks {
                    let delivered = sink["delivered"].as_u64().unwrap();
                    let accounted = delivered + lost(sink) + lost(probe) - by_sinks;
                    assert!(accounted <= produced, "{accounted} of {produced}: {probe}");
                }
                if sinks.len() == 1 {
                    assert_eq!(probe["delivered"], sinks[0]["delivered"]);
                    grown += u64::from(produced > before);
                    before = produced;
                }
            }
            answers += 1;
        }
    });
    all_delivered(&daemon, "plain", BURST);
    let two = daemon.probe("two");
    assert!(two["lost"]["ring_full"].as_u64() > Some(0), "{two}");
    daemon.stop();
}

/// A ring that there is no memory to read is said by the status and its check while events wait in it; when there is memory again
/// they all come.
#[test]
fn a_ring_without_memory() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("calls", "buffer: 64MiB\n    sinks: [\"jsonl:calls.jsonl\"]"))]);
    let pid = daemon.run.pid();
    let check = || daemon.lab.run(&["status", "--check", "--socket", "control.sock"]);
    let size = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: u64 = size.split(' ').next().unwrap().parse().unwrap();
    // Enough for everything else.
    limit_memory(pid, pages * 4096 + (32 << 20));
    check().code(0);
    call(7);
    let waits = |probe: &Value| {
        probe["error"].as_str().is_some_and(|error| error.starts_with("its ring buffer cannot be read"))
    };
    let probe = daemon.wait_until("calls", "unreadable", waits);
    assert_eq!((&probe["state"], &probe["delivered"]), (&"running".into(), &0.into()), "{probe}");
    check().code(1);
    limit_memory(pid, libc::RLIM_INFINITY);
    wait_for("the event", || numbers(&daemon.lines("calls.jsonl"), tid()) == [7]);
    wait_for("a good check", || check().status.success());
    daemon.stop();
}

fn limit_memory(pid: u32, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel reads a `rlimit` that is a local; the old one is not wanted.
    let code = unsafe { libc::prlimit(pid as i32, libc::RLIMIT_AS, &limit, std::ptr::null_mut()) };
    assert_eq!(code, 0);
}
