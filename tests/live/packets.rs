// SPDX-License-Identifier: MIT OR Apache-2.0
//! `xdp` and `packet_count`, between the two ends of a cable in a network namespace of the test's own.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use serde_json::Value;

use crate::frames::{ethernet, frames, ipv4};
use crate::lab::{Ended, Lab, Run, bpf, in_namespace, need, sh, wait_for};
use crate::wire::Wire;

pub(crate) fn yaml(interface: &str, mode: &str, interval: &str) -> String {
    format!(
        "probes:\n  - name: packets\n    hook: {{ xdp: {{ interface: {interface}, mode: {mode} }} }}\n    interval: {interval}\n"
    )
}

pub(crate) type Sums = BTreeMap<String, (u64, u64)>;

pub(crate) fn add(sums: &mut Sums, protocol: &str, packets: u64, bytes: u64) {
    let sum = sums.entry(protocol.to_owned()).or_default();
    *sum = (sum.0 + packets, sum.1 + bytes);
}

fn add_sample(sums: &mut Sums, sample: &Value) {
    assert_eq!(sample["type"], "sample");
    let number = |key: &str| sample[key].as_u64().unwrap_or_else(|| panic!("{key} of {sample}"));
    add(sums, sample["protocol"].as_str().unwrap(), number("packets"), number("bytes"));
}

pub(crate) fn sums(ended: &Ended) -> Sums {
    let mut sums = Sums::new();
    ended.events().iter().for_each(|sample| add_sample(&mut sums, sample));
    sums
}

/// Every frame counts once, for its protocol, with all its bytes; the last, partial interval included.
fn exact(mode: &str) {
    in_namespace(|| {
        let lab = Lab::new();
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let mut run = lab.start(&yaml("right", mode, "100ms"), &[]);
        let ready = run.wait_until_ready();
        assert!(ready.contains(&format!("xdp on right ({mode})")), "{ready}");
        assert!(sh("ip link show right").contains("xdp"));
        let mut expected = Sums::new();
        let frames = frames();
        for round in 0..5 {
            for (protocol, frame) in &frames {
                for _ in 0..=round {
                    left.send(frame);
                    add(&mut expected, protocol, 1, frame.len() as u64);
                }
                // One whose tag is cut off is dropped after XDP has seen it.
                if *protocol != "other" || frame.len() > 20 {
                    right.receive(round + 1);
                }
            }
            if round == 3 {
                // So far in intervals of their own; the last round is in one that nobody waits for.
                run.event(|sample| sample["packets"].as_u64() > Some(0));
            }
        }
        let ended = run.interrupt().code(0);
        assert_eq!(sums(&ended), expected);
        let samples = ended.events();
        assert!(samples.iter().all(|sample| sample["interval_ms"].as_u64().is_some()), "{samples:?}");
        assert_eq!(ended.totals("packets").delivered as usize, samples.len());
    });
}

/// In the driver.
#[test]
fn exact_counts_native() {
    need!(bpf());
    exact("native");
}

/// In the network stack.
#[test]
fn exact_counts_generic() {
    need!(bpf());
    exact("generic");
}

/// Traffic that goes on while the run ends: nothing is counted twice, nothing that came before is missed.
#[test]
fn many_packets_in_many_intervals() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let run = lab.ready(&yaml("right", "native", "100ms"), &[]);
        let frame = ethernet(&[0x0800], &ipv4(17, 18));
        let start = std::time::Instant::now();
        let mut count = 0;
        while start.elapsed() < Duration::from_millis(700) {
            (0..100).for_each(|_| left.send(&frame));
            right.receive(100);
            count += 100;
        }
        let ended = run.interrupt().code(0);
        assert!(ended.stdout.len() > 1, "several intervals: {:?}", ended.stdout);
        assert_eq!(sums(&ended), Sums::from([("udp".to_owned(), (count, count * frame.len() as u64))]));
    });
}

/// `auto` takes the driver where it can, and says so when it cannot.
#[test]
fn auto_says_what_it_got() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let mut native = lab.start(&yaml("right", "auto", "1s"), &[]);
        assert!(native.wait_until_ready().contains("xdp on right (native)"));
        let ended = native.interrupt().code(0);
        assert!(!ended.stderr.contains("note:"), "{}", ended.stderr);
        // The mode that nobody wrote is `auto`. The loopback interface has no driver.
        let yaml = "probes:\n  - { name: packets, hook: { xdp: { interface: lo } } }\n";
        let mut generic = lab.start(yaml, &[]);
        assert!(generic.wait_until_ready().contains("xdp on lo (generic)"));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        (0..3).for_each(|_| assert_eq!(socket.send(&[0; 100]).unwrap(), 100));
        (0..3).for_each(|_| assert_eq!(socket.recv(&mut [0; 200]).unwrap(), 100));
        let ended = generic.interrupt().code(0).says("note: packets: `lo` has no native XDP");
        assert_eq!(sums(&ended), Sums::from([("udp".to_owned(), (3, 3 * 142))]));
    });
}

/// A mode that the interface does not have is an error that names the others; nothing is tried in its place.
#[test]
fn modes_that_are_not_there() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let native = lab.whole(&yaml("lo", "native", "1s"), &[]).code(1);
        let native = native.says("error[E0402]: `lo` cannot run XDP in native mode").says("probes.yaml:4:41");
        native.says("use `mode: generic`, or `auto`");
        let offload = lab.whole(&yaml("right", "offload", "1s"), &[]).code(1);
        let offload = offload.says("error[E0402]: `right` cannot run XDP programs on its hardware");
        offload.says("use `mode: native`, `generic` or `auto`");
    });
}

/// An interface that is taken names the program that holds it, in every mode; the owner goes on.
#[test]
fn an_occupied_interface() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let first = lab.ready(&yaml("right", "native", "1h"), &[]);
        let id =
            sh("ip -d link show right").split("prog/xdp id ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        for mode in ["native", "auto", "generic"] {
            let other = Lab::new();
            let second = other.whole(&yaml("right", mode, "1s"), &[]).code(1);
            let second =
                second.says(&format!("`right` already runs an XDP program: `packet_count` (id {id}, native mode)"));
            second.says(&format!("end process {} (`ebpf-run`)", first.pid()));
        }
        left.send(&ethernet(&[0x0800], &ipv4(6, 20)));
        right.receive(1);
        assert_eq!(sums(&first.interrupt().code(0)), Sums::from([("tcp".to_owned(), (1, 54))]));
    });
}

/// An interface that is not there is named, with the one that was probably meant.
#[test]
fn no_such_interface() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let ended = lab.whole(&yaml("rigth", "auto", "1s"), &[]).code(1);
        ended.says("probes.yaml:4:31").says("there is no network interface `rigth`").says("did you mean `right`?");
        let ended = lab.whole(&yaml("eth77", "auto", "1s"), &[]).code(1);
        ended.says("the interfaces are `left`, `lo`, `right`");
    });
}

/// An interface that goes away takes its probe with it; what was counted is still reported.
#[test]
fn an_interface_that_goes_away() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let run = lab.ready(&yaml("right", "native", "1h"), &[]);
        left.send(&ethernet(&[0x0806], &[0; 28]));
        right.receive(1);
        sh("ip link del right");
        assert_eq!(sums(&run.interrupt().code(0)), Sums::from([("arp".to_owned(), (1, 42))]));
    });
}

/// Killed without a chance to clean up, it leaves no program on the interface.
#[test]
fn killed() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let run: Run = lab.ready(&yaml("right", "native", "1s"), &[]);
        assert!(sh("ip link show right").contains("xdp"));
        run.signal(libc::SIGKILL);
        assert_eq!(run.end().status.code(), None);
        wait_for("the interface is free", || !sh("ip link show right").contains("xdp"));
        // And the next run has it.
        lab.ready(&yaml("right", "native", "1s"), &[]).interrupt().code(0);
    });
}
