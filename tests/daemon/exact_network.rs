// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes while packets and calls of the network come at full speed: not one lost or doubled, and every packet passes.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::exact::{CHANGES, QUICK, in_bursts, number, once};
use crate::lab::{bpf, in_namespace, need, sh};
use crate::wire::Wire;

/// Packets at full speed, in one go.
const BURST: u32 = 64;

/// Probes of these hooks, each with a capture more in every second version.
fn version(round: u64, probes: &[(&str, &str, &str, &str)]) -> String {
    let more = if round.is_multiple_of(2) { ", more: cpu" } else { "" };
    let probe = |(name, hook, capture, clause): &(&str, &str, &str, &str)| {
        format!(
            "  - name: {name}\n    hook: {hook}\n    buffer: 8MiB\n    capture: {{ {capture}{more} }}\n    \
             where: {clause}\n    sinks: [\"jsonl:{name}.jsonl\"]\n"
        )
    };
    probes.iter().map(probe).collect()
}

/// Replaces probes fifty times while `make` runs; gives how often it did. Links stay the same, and nothing is lost.
fn replaced(daemon: &Daemon, probes: &[(&str, &str, &str, &str)], make: impl Fn(u32) + Sync) -> u32 {
    let links = |name: &str| daemon.probe(name)["links"].clone();
    let before: Vec<Value> = probes.iter().map(|(name, ..)| links(name)).collect();
    let (_, count) = in_bursts(BURST, make, || {
        for round in 2..CHANGES / 2 + 2 {
            daemon.write("a.yaml", &version(round, probes));
            for (name, ..) in probes {
                daemon.wait_until(name, "replaced", |probe| probe["generation"] == round);
            }
        }
    });
    for ((name, ..), before) in probes.iter().zip(before) {
        // What `where` leaves out are packets and calls of others.
        let all = daemon.wait_until(name, "all delivered", |probe| probe["delivered"].as_u64() >= Some(count.into()));
        let number = |key: &str| all[key].as_u64().unwrap();
        assert_eq!(number("produced"), number("delivered") + number("filtered"), "{all}");
        assert_eq!(all["lost"], serde_json::json!({}), "{all}");
        assert_eq!(links(name), before, "{name}");
    }
    count
}

fn lines(daemon: &Daemon, name: &str) -> Vec<String> {
    let text = fs::read_to_string(daemon.lab.path(&format!("{name}.jsonl"))).unwrap();
    // What counts something is none of the events.
    text.lines().filter(|line| !line.contains("\"type\"")).map(str::to_owned).collect()
}

/// UDP from a stranger to the address of `right`, with a number in the identification and the source port.
fn frame(n: u32) -> Vec<u8> {
    let mut ip = [0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    ip[4..6].copy_from_slice(&(n as u16).to_be_bytes());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let sum = !(folded + (folded >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0].to_vec();
    frame.extend(ip);
    // Ports, length, no checksum, four bytes of data.
    frame.extend(((n >> 16) as u16 + 1).to_be_bytes());
    frame.extend(4711u16.to_be_bytes());
    frame.extend([0, 12, 0, 0, 1, 2, 3, 4]);
    frame
}

/// Receives so many datagrams.
fn receive(socket: &UdpSocket, count: u32) {
    for _ in 0..count {
        socket.recv(&mut [0; 16]).expect("every packet passes");
    }
}

fn receiver(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

/// At tc, both directions of a cable: tcx here, a filter of a clsact before Linux 6.6, which the VMs have.
#[test]
fn replaced_at_tc() {
    need!(bpf());
    in_namespace(|| {
        sh("ip link set right address 02:00:00:00:00:02; ip address add 192.0.2.2/24 dev right; \
            echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/right/rp_filter");
        let (captures, clause) = ("id: packet.ip.id, high: packet.source.port", "packet.destination.port == 4711");
        let probes = [
            ("out", "{ tc: { interface: left, direction: egress } }", captures, clause),
            ("in", "{ tc: { interface: right, direction: ingress } }", captures, clause),
        ];
        let daemon = Daemon::start(&[("a.yaml", &version(1, &probes))], &QUICK);
        let (wire, socket) = (Wire::open("left"), receiver("192.0.2.2:4711"));
        let count = replaced(&daemon, &probes, |n| {
            wire.send(&frame(n));
            if n % BURST == BURST - 1 {
                receive(&socket, BURST);
            }
        });
        for (name, ..) in &probes {
            let sent = |line: &String| Some(number(line, "id")? | (number(line, "high")? - 1) << 16);
            once(lines(&daemon, name).iter().filter_map(sent).collect(), count);
        }
        daemon.stop();
    });
}

/// A number as an address of this machine.
fn local(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x7f00_0000 | n)
}

/// The number in the address that a line has.
fn number_of(line: &str) -> Option<u64> {
    let rest = line.split_once("\"to\":\"")?.1;
    let address: Ipv4Addr = rest[..rest.find('"')?].parse().ok()?;
    Some(u64::from(u32::from(address) & 0xff_ffff))
}

/// Packets of a cgroup, both directions.
#[test]
fn replaced_at_packets_of_a_cgroup() {
    need!(bpf());
    in_namespace(|| {
        let (from, to) = (UdpSocket::bind("0.0.0.0:0").unwrap(), receiver("0.0.0.0:0"));
        let port = to.local_addr().unwrap().port();
        let clause = format!("packet.destination.port == {port}");
        let capture = "to: packet.destination.ip";
        let probes = [
            ("sent", "{ cgroup: { path: /, direction: egress } }", capture, clause.as_str()),
            ("received", "{ cgroup: { path: /, direction: ingress } }", capture, clause.as_str()),
        ];
        let daemon = Daemon::start(&[("a.yaml", &version(1, &probes))], &QUICK);
        let count = replaced(&daemon, &probes, |n| {
            from.send_to(&[1; 8], (local(n), port)).expect("every packet passes");
            if n % BURST == BURST - 1 {
                receive(&to, BURST);
            }
        });
        for (name, ..) in &probes {
            once(lines(&daemon, name).iter().filter_map(|line| number_of(line)).collect(), count);
        }
        daemon.stop();
    });
}

/// The two functions of `connect`, and the sockets that are made.
#[test]
fn replaced_at_calls_of_a_cgroup() {
    need!(bpf());
    in_namespace(|| {
        // One that no call of other tests has: they share the cgroup at the top.
        let port = 4000 + (std::process::id() % 60_000) as u16;
        let clause = format!("destination.port == {port} && pid == {}", std::process::id());
        let own = format!("protocol == 253 && pid == {}", std::process::id());
        let probes = [
            ("connects", "{ cgroup: { path: /, call: connect } }", "to: destination.ip", clause.as_str()),
            ("sockets", "{ cgroup: { path: /, call: sock_create } }", "kind: type as u32", own.as_str()),
        ];
        let daemon = Daemon::start(&[("a.yaml", &version(1, &probes))], &QUICK);
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let count = replaced(&daemon, &probes, |n| {
            socket.connect((local(n), port)).expect("every call is allowed");
            // SAFETY: takes numbers; the descriptor is closed and nobody else has it.
            unsafe {
                let raw = libc::socket(libc::AF_INET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 253);
                assert!(raw >= 0, "every socket is allowed");
                libc::close(raw);
            }
        });
        once(lines(&daemon, "connects").iter().filter_map(|line| number_of(line)).collect(), count);
        assert_eq!(lines(&daemon, "sockets").len(), count as usize);
        daemon.stop();
    });
}
