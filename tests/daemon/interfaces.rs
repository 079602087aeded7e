// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interfaces that come, go and come back, in a network namespace of the test's own.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::daemon::Daemon;
use crate::lab::{bpf, in_namespace, need, sh, wait_for};
use crate::wire::Wire;

const FRAME: [u8; 60] = {
    let mut frame = [0; 60];
    (frame[0], frame[6], frame[12], frame[13]) = (2, 2, 0x08, 0x06);
    frame
};

fn packets(name: &str, interface: &str) -> String {
    format!(
        "  - name: {name}\n    hook: {{ xdp: {{ interface: {interface} }} }}\n    interval: 50ms\n    \
         sinks: [\"jsonl:{name}.jsonl\"]\n"
    )
}

/// Packets that a probe counted.
fn counted(daemon: &Daemon, name: &str) -> u64 {
    daemon.lines(&format!("{name}.jsonl")).iter().filter_map(|line| line["packets"].as_u64()).sum()
}

/// Sends frames from one end until the probe at the other has counted so many more.
fn counts(daemon: &Daemon, name: &str, from: &str) {
    let before = counted(daemon, name);
    let wire = Wire::open(from);
    (0..10).for_each(|_| wire.send(&FRAME));
    wait_for("the packets", || counted(daemon, name) == before + 10);
}

/// A probe waits for its interface, runs when it appears, waits when it vanishes, and runs again when it returns.
#[test]
fn appears_vanishes_returns() {
    need!(bpf());
    in_namespace(|| {
        let mut daemon = Daemon::with(&[("a.yaml", &packets("late", "dev1"))]);
        let waiting = daemon.probe("late");
        assert_eq!(waiting["state"], "waiting", "{waiting}");
        assert!(waiting["error"].as_str().unwrap().contains("dev1"), "{waiting}");
        for round in 1..=3 {
            sh("ip link add dev0 type veth peer name dev1; ip link set dev0 arp off up; ip link set dev1 arp off up");
            daemon.wait("late", "running");
            counts(&daemon, "late", "dev0");
            sh("ip link del dev1");
            daemon.wait("late", "waiting");
            daemon.run.said(|line| line == "warning: `late` is waiting: there is no network interface `dev1`");
            assert_eq!(daemon.probe("late")["generation"], round);
        }
        let states = || {
            let lines = daemon.lines("late.jsonl");
            lines.iter().filter_map(|line| line["state"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        wait_for("the last line", || states().len() == 6);
        assert_eq!(states(), ["running", "waiting", "running", "waiting", "running", "waiting"]);
        // What waits is as its file says.
        assert_eq!(daemon.status()["reloads"]["failed"], 0);
        daemon.stop();
    });
}

/// The name counts: an interface that gets another one takes no program along, one that gets the name runs it.
#[test]
fn renamed() {
    need!(bpf());
    in_namespace(|| {
        let daemon = Daemon::with(&[("a.yaml", &packets("one", "right"))]);
        counts(&daemon, "one", "left");
        sh("ip link set right down; ip link set right name other; ip link set other arp off up");
        daemon.wait("one", "waiting");
        sh("ip link add right type veth peer name far; ip link set far arp off up; ip link set right arp off up");
        daemon.wait("one", "running");
        counts(&daemon, "one", "far");
        // The two exchange their names in less time than the daemon waits until they settle.
        sh("ip link set right name third; ip link set other name right; ip link set third name other");
        daemon.wait_until("one", "exchanged", |probe| probe["generation"] == 3);
        counts(&daemon, "one", "left");
        daemon.stop();
    });
}

/// A glob stands for the interfaces that are there now; what one more does is nothing to the others.
#[test]
fn a_glob_follows() {
    need!(bpf());
    in_namespace(|| {
        let daemon = Daemon::with(&[("a.yaml", &packets("all", "\"dev*\""))]);
        assert_eq!(daemon.probe("all")["state"], "waiting");
        sh("ip link add dev0 type veth peer name dev1; ip link set dev0 up; ip link set dev1 up");
        daemon.wait("all/dev0", "running");
        let first = daemon.wait("all/dev1", "running");
        daemon.wait_gone("all");
        sh("ip link add dev2 type veth peer name dev3");
        daemon.wait("all/dev2", "running");
        daemon.wait("all/dev3", "running");
        let now = daemon.probe("all/dev1");
        assert_eq!((&now["links"], &now["generation"]), (&first["links"], &json!(1)));
        sh("ip link del dev0");
        daemon.wait_gone("all/dev0");
        daemon.wait_gone("all/dev1");
        assert_eq!(daemon.probe("all/dev2")["state"], "running");
        sh("ip link del dev2");
        daemon.wait("all", "waiting");
        daemon.stop();
    });
}

/// `@default-route` follows the routes as they change; other routes are nothing to it.
#[test]
fn the_default_route_moves() {
    need!(bpf());
    in_namespace(|| {
        let daemon = Daemon::with(&[("a.yaml", &packets("out", "\"@default-route\""))]);
        assert_eq!(daemon.probe("out")["state"], "waiting");
        sh("ip address add 192.0.2.1/24 dev left; ip address add 198.51.100.1/24 dev right");
        let start = Instant::now();
        for _ in 0..2 {
            sh("ip route replace default via 192.0.2.2");
            let first = daemon.wait("out/left", "running");
            sh("ip route add 203.0.113.0/24 via 198.51.100.2; ip route del 203.0.113.0/24");
            assert_eq!(daemon.probe("out/left")["links"], first["links"]);
            sh("ip route replace default via 198.51.100.2");
            daemon.wait("out/right", "running");
            daemon.wait_gone("out/left");
        }
        sh("ip route del default");
        daemon.wait("out", "waiting");
        // Sooner than by looking now and then.
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        daemon.stop();
    });
}

/// Two probes change places, and a third one takes over what another file gives up.
#[test]
fn interfaces_change_hands() {
    need!(bpf());
    in_namespace(|| {
        let both = |one: &str, two: &str| packets("one", one) + &packets("two", two);
        let daemon = Daemon::with(&[("a.yaml", &both("left", "right"))]);
        assert_eq!(daemon.probe("one")["mechanism"], "xdp on left (native)");
        daemon.write("a.yaml", &both("right", "left"));
        daemon.wait_until("one", "on right", |probe| probe["mechanism"] == "xdp on right (native)");
        daemon.wait_until("two", "on left", |probe| probe["mechanism"] == "xdp on left (native)");
        counts(&daemon, "one", "left");
        counts(&daemon, "two", "right");
        // Claimed by another file while the first one has it: refused. Given up: it moves.
        daemon.write("b.yaml", &packets("three", "right"));
        daemon.wait_file("b.yaml", "refused");
        daemon.write("a.yaml", &packets("two", "left"));
        daemon.wait_until("three", "on right", |probe| probe["mechanism"] == "xdp on right (native)");
        counts(&daemon, "three", "left");
        daemon.stop();
    });
}

/// Another mode of the same interface, and back; one that the interface does not have leaves what runs.
#[test]
fn another_mode() {
    need!(bpf());
    in_namespace(|| {
        let mode = |mode: &str| packets("one", &format!("right, mode: {mode}"));
        let daemon = Daemon::with(&[("a.yaml", &mode("native"))]);
        counts(&daemon, "one", "left");
        daemon.write("a.yaml", &mode("generic"));
        daemon.wait_until("one", "generic", |probe| probe["mechanism"] == "xdp on right (generic)");
        counts(&daemon, "one", "left");
        daemon.write("a.yaml", &mode("offload"));
        let kept = daemon.wait("one", "outdated");
        assert_eq!(kept["mechanism"], "xdp on right (generic)");
        counts(&daemon, "one", "left");
        daemon.write("a.yaml", &mode("native"));
        daemon.wait_until("one", "native", |probe| probe["mechanism"] == "xdp on right (native)");
        counts(&daemon, "one", "left");
        daemon.stop();
    });
}
