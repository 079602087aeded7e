// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals, sinks that are stuck, and `--watch`.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{Lab, Run, bpf, in_namespace, need, sh, tid, wait_for};
use crate::wire::Wire;

/// SIGHUP: look again, and try again at once what failed.
#[test]
fn hangup_looks_again() {
    need!(bpf());
    // A debounce that never ends: only the signal makes it look.
    let daemon = Daemon::start(&[], &["--debounce", "1h"]);
    daemon.write("a.yaml", &calls("one", "sinks: [\"jsonl:dir/one.jsonl\"]"));
    daemon.run.signal(libc::SIGHUP);
    daemon.wait("one", "failed");
    std::fs::create_dir(daemon.lab.path("dir")).unwrap();
    daemon.run.signal(libc::SIGHUP);
    daemon.wait("one", "running");
    daemon.stop();
}

/// After `kill -9` nothing stays attached, and another one may start at that very moment.
#[test]
fn killed_and_started_again() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", "sinks: [\"jsonl:one.jsonl\"]"))]);
    for _ in 0..10 {
        daemon.run.signal(libc::SIGKILL);
        let arguments = ["daemon", "--config-dir", "probes.d", "--socket", "control.sock"];
        daemon.run = Run::start(daemon.lab.command(&arguments));
        daemon.run.said(|line| line == "ready");
        assert_eq!(daemon.probe("one")["state"], "running");
    }
    daemon.stop();
}

/// A FIFO whose reader does not read.
fn stuck_fifo(lab: &Lab, name: &str) -> File {
    let path = lab.text(name);
    sh(&format!("mkfifo {path}"));
    std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}

/// SIGTERM ends it within two seconds (`Daemon::stop`) although nobody reads a FIFO and standard output; and another
/// probe goes on all the while.
#[test]
fn a_stuck_sink() {
    need!(bpf());
    let daemon = Daemon::empty();
    let mut fifo = stuck_fifo(&daemon.lab, "fifo");
    let stuck = calls("stuck", "buffer: 64KiB\n    sinks: [\"jsonl:fifo\"]");
    let free = calls("free", "sinks: [\"jsonl:free.jsonl\"]");
    daemon.write("a.yaml", &format!("{stuck}{free}"));
    daemon.wait("free", "running");
    let mine = tid();
    // Until the pipe, the queue and the ring are full, and events are lost for it.
    let mut sent = 0;
    wait_for("losses", || {
        (0..1000).for_each(|_| call(9000));
        sent += 1000;
        daemon.probe("stuck")["lost"]["ring_full"].as_u64() > Some(0)
    });
    wait_for("the other one", || numbers(&daemon.lines("free.jsonl"), mine).len() == sent);
    // A change of the stuck one takes no time either.
    let start = Instant::now();
    daemon.write("a.yaml", &format!("{}{free}", calls("stuck", "buffer: 128KiB\n    sinks: [\"jsonl:fifo\"]")));
    daemon.wait_until("stuck", "replaced", |probe| probe["generation"] == 2);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    daemon.stop();
    let mut begin = [0; 6];
    fifo.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"{\"ts\":");
}

/// Whoever reads standard error may stop: the daemon goes on, says later that it left something out, and ends in time.
#[test]
fn nobody_reads_standard_error() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", ""))]);
    let fifo = stuck_fifo(&daemon.lab, "stderr");
    daemon.run.signal(libc::SIGTERM);
    let arguments = ["daemon", "--config-dir", "probes.d", "--socket", "control.sock", "--debounce", "10ms"];
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>stderr", env!("CARGO_BIN_EXE_ebpf-run")]).args(arguments);
    command.current_dir(daemon.lab.path(""));
    let second = Run::start(command);
    std::mem::replace(&mut daemon.run, second).end().code(0);
    wait_for("its socket", || daemon.lab.path("control.sock").exists());
    let bad = |round: u32| -> String {
        (0..300).map(|n| format!("  - {{ name: bad{round}x{n}, hook: {{ tracepoin: \"a:b\" }} }}\n")).collect()
    };
    // A pipe holds 64 KiB; each of these says more.
    for round in 0..4 {
        daemon.write("b.yaml", &bad(round));
        wait_for("the look", || daemon.status()["files"].to_string().contains(&format!("bad{round}x")));
    }
    let (mut fifo, mut heard) = (fifo, Vec::new());
    wait_for("what was left out", || {
        daemon.write("b.yaml", &format!("# {}\n{}", heard.len(), bad(4)));
        // Not blocking: as much as there is.
        drop(fifo.read_to_end(&mut heard));
        String::from_utf8_lossy(&heard).contains(" messages were dropped: standard error was not read\n")
    });
    daemon.stop();
}

/// One that starts while another one is ending, which a stuck sink makes long, waits for that and then runs.
#[test]
fn started_while_another_ends() {
    need!(bpf());
    let mut daemon = Daemon::empty();
    let fifo = stuck_fifo(&daemon.lab, "fifo");
    daemon.write("a.yaml", &calls("stuck", "buffer: 64KiB\n    sinks: [\"jsonl:fifo\"]"));
    daemon.wait("stuck", "running");
    wait_for("losses", || {
        (0..1000).for_each(|_| call(9000));
        daemon.probe("stuck")["lost"]["ring_full"].as_u64() > Some(0)
    });
    let start = Instant::now();
    daemon.run.signal(libc::SIGTERM);
    wait_for("the end of its socket", || !daemon.lab.path("control.sock").exists());
    let arguments = ["daemon", "--config-dir", "probes.d", "--socket", "control.sock"];
    let second = Run::start(daemon.lab.command(&arguments));
    let first = std::mem::replace(&mut daemon.run, second);
    daemon.run.said(|line| line == "ready");
    assert!(start.elapsed() > Duration::from_millis(700), "too short an end shows nothing: {:?}", start.elapsed());
    first.end().code(0);
    daemon.wait("stuck", "running");
    drop(fifo);
    daemon.stop();
}

/// Changes of a probe whose sink is stuck leave no ring behind for ever; what cannot be delivered is counted as lost.
#[test]
fn rings_of_a_stuck_sink() {
    need!(bpf());
    let daemon = Daemon::empty();
    let _fifo = stuck_fifo(&daemon.lab, "fifo");
    let stuck = |size: u32| calls("stuck", &format!("buffer: {size}KiB\n    sinks: [\"jsonl:fifo\"]"));
    daemon.write("a.yaml", &stuck(64));
    daemon.wait("stuck", "running");
    let before = daemon.holds("bpf-map");
    for round in 2..6 {
        // Not only a burst that was too much for the ring: nobody takes anything out of it any more.
        let taken = |probe: &serde_json::Value| {
            probe["produced"].as_u64().unwrap() - probe["lost"]["ring_full"].as_u64().unwrap_or(0)
        };
        wait_for("a stuck sink", || {
            let before = daemon.probe("stuck");
            (0..5000).for_each(|_| call(9000));
            taken(&before) == taken(&daemon.probe("stuck"))
        });
        daemon.write("a.yaml", &stuck(if round % 2 == 0 { 128 } else { 64 }));
        daemon.wait_until("stuck", "replaced", |probe| probe["generation"] == round);
    }
    wait_for("the rings are given up", || daemon.holds("bpf-map") <= before);
    let probe = daemon.probe("stuck");
    assert!(probe["lost"]["queue_full"].as_u64() > Some(1000), "{probe}");
    daemon.stop();
}

/// The same for many probes that only count.
#[test]
fn stuck_counters() {
    need!(bpf());
    in_namespace(|| {
        let daemon = Daemon::empty();
        let _fifo = stuck_fifo(&daemon.lab, "fifo");
        let probe = |name: &str, interface: &str| {
            format!(
                "  - name: {name}\n    hook: {{ xdp: {{ interface: {interface} }} }}\n    interval: 10ms\n    \
                 sinks: [\"jsonl:fifo\"]\n    labels: {{ long: {} }}\n",
                "x".repeat(200)
            )
        };
        for index in 0..8 {
            sh(&format!("ip link add a{index} type veth peer name b{index}; ip link set a{index} arp off up"));
            sh(&format!("ip link set b{index} arp off up"));
        }
        let all: String = (0..8).map(|index| probe(&format!("p{index}"), &format!("b{index}"))).collect();
        daemon.write("a.yaml", &all);
        daemon.wait("p7", "running");
        let wires: Vec<Wire> = (0..8).map(|index| Wire::open(&format!("a{index}"))).collect();
        // Until there is no room for a sample.
        wait_for("losses", || {
            wires.iter().for_each(|wire| wire.send(&[2; 60]));
            std::thread::sleep(Duration::from_millis(10));
            let lost = |probe: &serde_json::Value| probe["lost"].as_object().is_some_and(|lost| !lost.is_empty());
            daemon.status()["probes"].as_array().unwrap().iter().all(lost)
        });
        let start = Instant::now();
        daemon.write("a.yaml", &probe("p0", "b0"));
        daemon.wait_gone("p7");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        daemon.write("a.yaml", &all);
        daemon.wait("p7", "running");
        daemon.stop();
    });
}

/// `--watch` follows a file that is named, and adds up at the end, over all sinks that a probe has had.
#[test]
fn watch() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = |probes: &str| lab.yaml(&format!("probes:\n{probes}"));
    yaml(&calls("one", "buffer: 64KiB"));
    let mut command = lab.command(&["--watch", "probes.yaml"]);
    let mut run = Run::start_with(command.stdout(Stdio::piped()));
    run.said(|line| line == "ready");
    let mine = tid();
    call(9100);
    run.event(|event| event["n"] == 9100 && event["tid"] == mine);
    yaml("  - { name: one, hook: { tracepoin: x } }\n");
    run.said(|line| line.contains("probes.yaml:3:26"));
    call(9101);
    run.event(|event| event["n"] == 9101 && event["tid"] == mine);
    yaml(&calls("two", ""));
    run.said(|line| line.starts_with("`two` started"));
    call(9102);
    assert_eq!(run.event(|event| event["n"] == 9102 && event["tid"] == mine)["probe"], "two");
    // Another sink: what the first one got still counts.
    yaml(&calls("two", "sinks: [\"jsonl:two.jsonl\"]"));
    run.said(|line| line.starts_with("`two` rerouted"));
    call(9103);
    run.note_objects();
    let start = Instant::now();
    let ended = run.interrupt().code(0);
    assert!(start.elapsed() < Duration::from_secs(2));
    let (all, first, second) = (ended.totals("two"), ended.totals("stdout"), ended.totals("jsonl:two.jsonl"));
    assert!(all.produced >= 2 && first.delivered >= 1 && second.delivered >= 1, "{}", ended.stderr);
    assert_eq!((first.delivered + second.delivered, first.lost + second.lost), (all.produced, 0), "{}", ended.stderr);
}
