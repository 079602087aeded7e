// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tc`, `xdp` and `cgroup` together: the length and the tags of a packet at each of them, whose cgroup a packet is of, and what
//! `kill -9` leaves behind.

use std::fs;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cgroups::{Cgroup, cgroup2};
use crate::frames::{ethernet, ipv4};
use crate::lab::{Ended, Lab, Run, bpf, in_namespace, need, sh, tool, wait_for};
use crate::packets::{Sums, add, sums};
use crate::wire::Wire;

/// What a probe says of packets.
const PACKET: &str = "length: packet.length, tag: packet.vlan.id, priority: packet.vlan.priority, inner: packet.vlan.inner.id, \
                      ether: packet.eth.type, bytes: packet.ip.length";

fn probe(name: &str, hook: &str, capture: &str, clause: &str) -> String {
    format!("  - name: {name}\n    hook: {hook}\n    capture: {{ {capture} }}\n    where: {clause}\n")
}

fn of_probe(ended: &Ended, name: &str) -> Vec<Value> {
    let keys = ["length", "tag", "priority", "inner", "ether", "bytes"];
    let events = ended.events().into_iter().filter(|event| event["probe"] == name && event["length"].is_u64());
    events.map(|event| Value::Array(keys.map(|key| event[key].clone()).to_vec())).collect()
}

/// A frame with these tags (type, what follows it) and a packet of IP behind them.
fn tagged(tags: &[(u16, u16)]) -> Vec<u8> {
    let mut packet = ipv4(17, 30);
    packet[4..6].copy_from_slice(&4711u16.to_be_bytes());
    let mut frame = ethernet(&[0x0800], &packet);
    for (number, (kind, tci)) in tags.iter().enumerate() {
        let bytes = [kind.to_be_bytes(), tci.to_be_bytes()].concat();
        frame.splice(12 + 4 * number..12 + 4 * number, bytes);
    }
    frame
}

/// A packet has the length that it has on the wire and the same tags at each hook, wherever the tag is: in the packet, as it was sent
/// here, or beside it, where cards and the kernel keep the outermost one of what has arrived.
#[test]
fn lengths_and_tags() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let clause = "packet.protocol == IPPROTO_UDP";
        let of_kernel = PACKET.replace("packet.", "(skb as packet).");
        let yaml = format!(
            "probes:\n{}{}{}{}",
            probe("out", "{ tc: { interface: left, direction: egress } }", PACKET, clause),
            probe("in", "{ tc: { interface: right, direction: ingress } }", PACKET, clause),
            probe("xdp", "{ xdp: { interface: right } }", PACKET, clause),
            probe(
                "kernel",
                "{ raw_tracepoint: net_dev_queue }",
                &of_kernel,
                "(skb as packet).ip.id == 4711 && (skb as packet).ip.length == 50"
            ),
        );
        let run = lab.ready(&yaml, &[]);
        let other = Lab::new();
        let count = "  - { name: count, hook: { tc: { interface: right, direction: ingress } }, interval: 1h }\n";
        let counting = other.ready(&format!("probes:\n{count}"), &[]);
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let single = [(0x8100, 3 << 13 | 9)];
        let double = [(0x88a8, 1 << 13 | 100), (0x8100, 9)];
        for tags in [&[][..], &single, &double] {
            left.send(&tagged(tags));
        }
        right.receive(3);
        let (ended, counted) = (run.interrupt().code(0), counting.interrupt().code(0));
        let plain = tagged(&[]).len() as u64;
        let expected = [
            json!([plain, null, null, null, "0x800", 50]),
            json!([plain + 4, 9, 3, null, "0x800", 50]),
            json!([plain + 8, 100, 1, 9, "0x800", 50]),
        ];
        for name in ["out", "in", "xdp", "kernel"] {
            assert_eq!(of_probe(&ended, name), expected, "{name}");
        }
        let mut all = Sums::new();
        add(&mut all, "udp", 3, 3 * plain + 4 + 8);
        assert_eq!(sums(&counted), all);
    });
}

/// A packet is of the cgroup of its socket. One that arrives is handled while anyone runs: over `lo`, it is the sender, who is in another
/// one. The kernel decides that.
#[test]
fn the_cgroup_of_a_socket() {
    need!(bpf());
    need!(cgroup2().map(drop).and_then(|()| tool("python3")));
    in_namespace(|| {
        let name = format!("ebpf-run-socket-{}", std::process::id());
        let top = Cgroup(cgroup2().unwrap().join(&name));
        fs::create_dir(&top.0).unwrap();
        let own = Cgroup(top.0.join("receiver"));
        fs::create_dir(&own.0).unwrap();
        let server = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 0))\n\
                      print(s.getsockname()[1], flush=True)\nwhile True:\n    s.sendto(*s.recvfrom(99))";
        let script = "echo $$ >\"$0/cgroup.procs\"; exec python3 -u -c \"$1\"";
        let mut command = Command::new("sh");
        command.args(["-ec", script]).arg(&own.0).arg(server).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut receiver = Killed(command.spawn().unwrap());
        let mut port = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(receiver.0.stdout.take().unwrap()), &mut port)
            .unwrap();
        let port: u16 = port.trim().parse().unwrap();

        let ports = format!("packet.source.port == {port} || packet.destination.port == {port}");
        let capture = "from: packet.source.port, group: cgroup, id: cgroup_id, bytes: packet.length";
        let here = |clause: &str| format!("[\"{ports}\", '{clause}']");
        let below = here(&format!("cgroup.under([\"/nowhere/else\", \"/{name}\"])"));
        let exact = here(&format!("cgroup == \"/{name}/receiver\""));
        let not = here(&format!("not cgroup.under(\"/{name}\")"));
        let at = |direction: &str| format!("{{ cgroup: {{ path: /, direction: {direction} }} }}");
        let yaml = format!(
            "probes:\n{}{}{}{}{}",
            probe("in", &at("ingress"), capture, &below),
            probe("in_exact", &at("ingress"), capture, &exact),
            probe("in_not", &at("ingress"), capture, &not),
            probe("out", &at("egress"), capture, &below),
            probe("out_not", &at("egress"), capture, &not),
        );
        let lab = Lab::new();
        let plan = lab.command(&["plan", &lab.yaml(&yaml).display().to_string()]).output().unwrap();
        let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
        assert!(!plan.contains("in user space"), "{plan}");
        let run = lab.ready(&yaml, &[]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        for _ in 0..50 {
            socket.send_to(b"12345678", ("127.0.0.1", port)).unwrap();
            socket.recv(&mut [0; 16]).unwrap();
        }
        drop(receiver);
        let mine = socket.local_addr().unwrap().port();
        let ended = run.interrupt().code(0);
        let of = |name: &str| ended.events().into_iter().filter(|event| event["probe"] == name).collect::<Vec<_>>();
        // What the receiver gets is from here, what it sends is from there. 28 bytes are headers: there is no Ethernet.
        for (name, from, is_its) in [
            ("in", mine, true),
            ("in_exact", mine, true),
            ("in_not", port, false),
            ("out", port, true),
            ("out_not", mine, false),
        ] {
            let events: Vec<Value> = of(name).into_iter().filter(|event| event["from"].is_u64()).collect();
            assert_eq!(events.len(), 50, "{name}: {}", ended.stderr);
            for event in events {
                assert_eq!((&event["from"], &event["bytes"]), (&json!(from), &json!(36)), "{name}: {event}");
                assert_eq!(
                    event["group"] == format!("/{name_of}/receiver", name_of = name_of(&own)),
                    is_its,
                    "{name}: {event}"
                );
            }
        }
    });
}

/// The name of the cgroup above this one.
fn name_of(cgroup: &Cgroup) -> String {
    cgroup.0.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}

/// A process that is killed in the end.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Killed in the middle of traffic, with programs at every place of the network: every packet passes before, then and afterwards,
/// nothing stays attached, and the next run has the interface.
#[test]
fn killed_with_everything_attached() {
    need!(bpf());
    in_namespace(|| {
        sh("ip link set right address 02:00:00:00:00:01; ip address add 10.9.8.2/24 dev right; \
            echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/right/rp_filter");
        let yaml = "probes:\n  - { name: xdp, hook: { xdp: { interface: right } } }\n  \
                    - { name: in, hook: { tc: { interface: right, direction: ingress } } }\n  \
                    - { name: out, hook: { tc: { interface: left, direction: egress } }, program: trace }\n  \
                    - { name: lo, hook: { tc: { interface: lo, direction: egress } } }\n  \
                    - { name: sent, hook: { cgroup: { path: /, direction: egress } }, capture: { all: packet }, where: packet.length == 1 }\n  \
                    - { name: received, hook: { cgroup: { path: /, direction: ingress } }, where: packet.length == 1 }\n  \
                    - { name: connects, hook: { cgroup: { path: /, call: connect } }, where: destination.port == 1 }\n  \
                    - { name: sockets, hook: { cgroup: { path: /, call: sock_create } }, where: protocol == 253 }\n";
        let (ended, sent) = (AtomicBool::new(false), AtomicU32::new(0));
        let traffic = || {
            let wire = Wire::open("left");
            let (cable, lo) = (UdpSocket::bind("10.9.8.2:4711").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
            for socket in [&cable, &lo] {
                socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            }
            let frame = datagram();
            while !ended.load(Ordering::Relaxed) {
                // A socket of its own each time: it is made, connected, and sends.
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(lo.local_addr().unwrap()).unwrap();
                for _ in 0..16 {
                    wire.send(&frame);
                    socket.send(&[0; 8]).unwrap();
                }
                for _ in 0..16 {
                    cable.recv(&mut [0; 16]).expect("every packet of the cable passes");
                    lo.recv(&mut [0; 16]).expect("every packet of the cgroup passes");
                }
                sent.fetch_add(16, Ordering::Relaxed);
            }
        };
        thread::scope(|scope| {
            let load = scope.spawn(traffic);
            let goes_on = || {
                let before = sent.load(Ordering::Relaxed);
                wait_for("traffic", || sent.load(Ordering::Relaxed) > before + 200 || load.is_finished());
                assert!(!load.is_finished(), "the traffic has ended");
            };
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                goes_on();
                let lab = Lab::new();
                for _ in 0..3 {
                    let mut run: Run = lab.ready(yaml, &[]);
                    goes_on();
                    run.note_objects();
                    run.signal(libc::SIGKILL);
                    // Nothing that it held is in the kernel any more.
                    assert_eq!(run.end().status.code(), None);
                    goes_on();
                    wait_for("the interface is free", || !sh("ip link show right").contains("xdp"));
                    assert_eq!(sh("tc filter show dev right ingress 2>/dev/null || true"), "");
                }
                lab.ready(yaml, &[]).interrupt().code(0);
                goes_on();
            }));
            ended.store(true, Ordering::Relaxed);
            load.join().unwrap();
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    });
}

/// UDP from a stranger to port 4711 of 10.9.8.2.
fn datagram() -> Vec<u8> {
    let mut ip = ipv4(17, 12);
    let sum: u32 = ip[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    // Ports, length, no checksum.
    ip[20..28].copy_from_slice(&[0, 7, 0x12, 0x67, 0, 12, 0, 0]);
    ethernet(&[0x0800], &ip)
}
