// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about sockets and packets that count or pair, each in a network namespace of its own.

use std::fs;

use libc::{
    SYS_bind, SYS_close, SYS_connect, SYS_read, SYS_recvfrom, SYS_sendto, SYS_setsockopt, SYS_shutdown, SYS_socket,
};
use serde_json::{Value, json};

use super::network::{DATAGRAM, HERE, STREAM, connected};
use super::rows::{buckets, sum};
use super::{Calls, Task};
use crate::cgroups::{Cgroup, cgroup2};
use crate::frames::{ethernet, ipv4};
use crate::lab::{in_namespace, need, sh};
use crate::wire::Wire;

/// A datagram of so many bytes to port 4711.
fn send(calls: &mut Calls, socket: i64, bytes: usize) {
    assert_eq!(calls.call(SYS_sendto, &format!("{socket} b: {bytes} 0 {HERE}")), bytes as i64);
}

/// The client says 5 bytes and the server 7, then both end it. What is acknowledged begins with SYN and ends with FIN, which count
/// one each.
fn talk(calls: &mut Calls) {
    let (server, client) = connected(calls);
    assert_eq!(calls.call(SYS_sendto, &format!("{client} s:hello 5 0 0 0")), 5);
    assert_eq!(calls.call(SYS_recvfrom, &format!("{server} b: 100 0 0 0")), 5);
    assert_eq!(calls.call(SYS_sendto, &format!("{server} s:welcome 7 0 0 0")), 7);
    assert_eq!(calls.call(SYS_recvfrom, &format!("{client} b: 100 0 0 0")), 7);
    assert_eq!(calls.call(SYS_shutdown, &format!("{client} 1")), 0);
    assert_eq!(calls.call(SYS_recvfrom, &format!("{server} b: 100 0 0 0")), 0);
    assert_eq!(calls.call(SYS_close, &server.to_string()), 0);
    assert_eq!(calls.call(SYS_recvfrom, &format!("{client} b: 100 0 0 0")), 0);
    assert_eq!(calls.call(SYS_close, &client.to_string()), 0);
}

fn is_of(end: &'static str) -> impl Fn(&&Value) -> bool {
    move |event| event["conn"][end] == "127.0.0.1:4711"
}

pub(super) fn sessions() {
    in_namespace(|| {
        let task = Task::start("049");
        let mut calls = Calls::start(&task.lab);
        talk(&mut calls);
        let events = task.told(&[], &[]);
        // Other tests have connections to this port, too.
        let events: Vec<Value> = events.into_iter().filter(|event| event["pid"] == calls.pid()).collect();
        let [client] = events.iter().filter(is_of("destination")).collect::<Vec<_>>()[..] else { panic!("{events:?}") };
        let [server] = events.iter().filter(is_of("source")).collect::<Vec<_>>()[..] else { panic!("{events:?}") };
        assert_eq!(client["conn"]["source"], server["conn"]["destination"]);
        assert_eq!((&client["pid"], &client["process"]), (&json!(calls.pid()), &json!("calls")));
        let bytes = |event: &Value| (event["sent"].as_u64().unwrap(), event["received"].as_u64().unwrap());
        assert_eq!((bytes(client), bytes(server)), ((5 + 2, 7 + 1), (7 + 1, 5 + 1)), "{client} {server}");
        assert!(client["took"].as_u64() > server["took"].as_u64() && server["took"].as_u64() > Some(0));
    });
}

pub(super) fn states() {
    in_namespace(|| {
        let task = Task::start("050");
        let mut calls = Calls::start(&task.lab);
        talk(&mut calls);
        let events = task.told(&[], &[]);
        let seen = |end: &'static str| -> Vec<(String, String)> {
            let of = |event: &Value, name: &str| event[name].as_str().unwrap().strip_prefix("TCP_").unwrap().to_owned();
            let changes = events.iter().filter(is_of(end)).map(|event| (of(event, "from"), of(event, "to")));
            // Where a socket begins is the end of another one, if it has that one's memory.
            changes.filter(|(from, _)| from != "CLOSE").collect()
        };
        let pairs = |states: &[&str]| -> Vec<(String, String)> {
            states.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
        };
        assert_eq!(seen("destination"), pairs(&["SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE"]));
        assert_eq!(seen("source"), pairs(&["SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSE"]));
        assert!(events.iter().all(|event| event["took"].as_u64() > Some(0)));
    });
}

/// A datagram that nobody takes, and where the kernel was when it threw it away.
pub(super) fn drops_with_stacks() {
    need!(super::has_field("skb/kfree_skb", "reason"));
    in_namespace(|| {
        let task = Task::start("054");
        let mut calls = Calls::start(&task.lab);
        let socket = calls.call(SYS_socket, DATAGRAM);
        send(&mut calls, socket, 4);
        let events = task.told(&[json!({ "probe": "drops", "reason": "SKB_DROP_REASON_NO_SOCKET" })], &[]);
        let is_ours = |event: &&Value| event["reason"] == "SKB_DROP_REASON_NO_SOCKET" && event["pid"] == calls.pid();
        let dropped = events.iter().find(is_ours).unwrap();
        let at = dropped["at"].as_str().unwrap().split('+').next().unwrap();
        let names: Vec<&str> =
            dropped["stack"].as_array().unwrap().iter().filter_map(|frame| frame["symbol"].as_str()).collect();
        assert!(at.contains("udp") && names.contains(&at), "{at}: {names:?}");
        assert!(names.iter().any(|name| name.contains("sys_sendto")), "{names:?}");
    });
}

/// More datagrams than a socket has room for: what it does not get was dropped, as the kernel's own counter has it.
pub(super) fn datagrams_without_room() {
    in_namespace(|| {
        let task = Task::start("062");
        let mut calls = Calls::start(&task.lab);
        let (server, client) = (calls.call(SYS_socket, "2 2050 0"), calls.call(SYS_socket, DATAGRAM));
        // SO_RCVBUF
        assert_eq!(calls.call(SYS_setsockopt, &format!("{server} 1 8 b:00100000 4")), 0);
        assert_eq!(calls.call(SYS_bind, &format!("{server} {HERE}")), 0);
        (0..50).for_each(|_| send(&mut calls, client, 200));
        let mut taken = 0;
        while calls.call(SYS_recvfrom, &format!("{server} b: 256 0 0 0")) == 200 {
            taken += 1;
        }
        let snmp = sh("nsenter --net=/proc/thread-self/ns/net cat /proc/net/snmp");
        let udp: Vec<Vec<&str>> =
            snmp.lines().filter(|line| line.starts_with("Udp:")).map(|line| line.split(' ').collect()).collect();
        let at = udp[0].iter().position(|name| *name == "RcvbufErrors").unwrap();
        let events = task.told(&[], &[]);
        let drops = sum(&events, &json!({ "probe": "udp-drops", "port": 4711 }), "drops");
        assert!(taken > 0 && drops > 0);
        assert_eq!((drops, udp[1][at].parse().ok()), (50 - taken, Some(drops)));
    });
}

pub(super) fn connects() {
    in_namespace(|| {
        let task = Task::start("065");
        let mut calls = Calls::start(&task.lab);
        connected(&mut calls);
        let (second, unix) = (calls.call(SYS_socket, STREAM), calls.call(SYS_socket, "1 1 0"));
        // Port 4712, [::1]:4713, and a socket that is not there.
        assert_eq!(calls.call(SYS_connect, &format!("{second} b:020012687f000001 16")), -111);
        assert_eq!(calls.call(SYS_connect, &format!("{unix} b:01002f6e6f 5")), -2);
        let events = task.told(&[], &[json!({ "pid": calls.pid(), "error": "ENOENT" })]);
        let of_calls = events.iter().filter(|event| event["pid"] == calls.pid());
        let seen: Vec<Value> = of_calls.map(|event| json!([event["address"], event["error"]])).collect();
        assert_eq!(seen, [json!(["127.0.0.1:4711", null]), json!(["127.0.0.1:4712", "ECONNREFUSED"])]);
        assert!(events.iter().all(|event| event["took"].as_u64() > Some(0)));
    });
}

/// Combinations that nobody else asks for.
pub(super) fn sockets_by_family() {
    let task = Task::start("067");
    let mut calls = Calls::start(&task.lab);
    let dccp = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK;
    for _ in 0..7 {
        calls.call(SYS_socket, &format!("{} {dccp} {}", libc::AF_INET, libc::IPPROTO_UDPLITE));
    }
    for _ in 0..3 {
        assert_eq!(calls.call(SYS_socket, &format!("{} {} 0", libc::AF_X25, libc::SOCK_RDM)), -97);
    }
    let events = task.told(&[], &[]);
    let of = |family: &str, kind: &str, protocol: &str| {
        let wanted = json!({ "probe": "sockets", "family": family, "socket_type": kind, "protocol": protocol });
        sum(&events, &wanted, "sockets")
    };
    assert_eq!(of("AF_INET", "SOCK_DGRAM|SOCK_NONBLOCK", "IPPROTO_UDPLITE"), 7, "{events:?}");
    assert_eq!(of("AF_X25", "SOCK_RDM", "IPPROTO_IP"), 3, "{events:?}");
}

pub(super) fn sizes_by_device() {
    in_namespace(|| {
        sh("ip link set right down; ip link set right name task073; ip link set task073 up");
        let task = Task::start("073");
        let (left, right) = (Wire::open("left"), Wire::open("task073"));
        let small = ethernet(&[0x0800], &ipv4(17, 18));
        let large = ethernet(&[0x0800], &ipv4(17, 1000));
        (0..5).for_each(|_| left.send(&small));
        (0..3).for_each(|_| left.send(&large));
        right.receive(8);
        (0..2).for_each(|_| right.send(&large));
        left.receive(2);
        let events = task.told(&[], &[]);
        let of = |event: &str| {
            let wanted = json!({ "probe": "packet-sizes", "event": event, "name": "task073" });
            buckets(&events, &wanted, "bytes").into_iter().collect::<Vec<_>>()
        };
        // What is received is without its Ethernet header: 38 and 1020 bytes.
        assert_eq!(of("net:netif_receive_skb"), [(32, 5), (512, 3)]);
        assert_eq!(of("net:net_dev_queue"), [(1024, 2)]);
    });
}

pub(super) fn packets_by_port() {
    in_namespace(|| {
        sh("ip link set right down; ip link set right name eth0; ip link set eth0 up");
        let task = Task::start("078");
        let (left, right) = (Wire::open("left"), Wire::open("eth0"));
        let to_port = |port: u16, bytes: usize| {
            let mut packet = ipv4(17, 8 + bytes);
            packet[22..24].copy_from_slice(&port.to_be_bytes());
            ethernet(&[0x0800], &packet)
        };
        (0..6).for_each(|_| left.send(&to_port(4711, 100)));
        (0..4).for_each(|_| left.send(&to_port(53, 50)));
        left.send(&ethernet(&[0x0800], &ipv4(1, 20)));
        right.receive(11);
        let events = task.told(&[], &[]);
        let of = |protocol: &str, port: Value| {
            let wanted = json!({ "probe": "ports", "version": 4, "protocol": protocol, "port": port });
            (sum(&events, &wanted, "packets"), sum(&events, &wanted, "bytes"))
        };
        assert_eq!(of("IPPROTO_UDP", json!(4711)), (6, 6 * 142), "{events:?}");
        assert_eq!(of("IPPROTO_UDP", json!(53)), (4, 4 * 92), "{events:?}");
        assert_eq!(of("IPPROTO_ICMP", json!(null)), (1, 54), "{events:?}");
    });
}

/// What a process of a control group of its own sends to itself.
pub(super) fn bytes_by_cgroup() {
    need!(cgroup2().map(drop));
    let name = format!("ebpf-run-task-083-{}", std::process::id());
    let group = Cgroup(cgroup2().unwrap().join(&name));
    fs::create_dir(&group.0).unwrap();
    in_namespace(|| {
        let task = Task::start("083");
        let mut calls = Calls::start(&task.lab);
        fs::write(group.0.join("cgroup.procs"), calls.pid().to_string()).unwrap();
        let (server, client) = (calls.call(SYS_socket, DATAGRAM), calls.call(SYS_socket, DATAGRAM));
        assert_eq!(calls.call(SYS_bind, &format!("{server} {HERE}")), 0);
        (0..10).for_each(|_| send(&mut calls, client, 100));
        let events = task.told(&[], &[]);
        for probe in ["sent", "received"] {
            let wanted = json!({ "probe": probe, "cgroup": format!("/{name}") });
            assert_eq!(sum(&events, &wanted, "bytes"), 10 * 128, "{events:?}");
        }
    });
}

/// A connection that is closed before anything came, one that could not be made, and one whose first byte comes after 30 ms.
pub(super) fn first_bytes() {
    in_namespace(|| {
        let task = Task::start("066");
        let mut calls = Calls::start_as(&task.lab, "task066");
        let (server, client) = connected(&mut calls);
        let (second, third) = (calls.call(SYS_socket, STREAM), calls.call(SYS_socket, STREAM));
        assert_eq!(calls.call(SYS_connect, &format!("{second} b:020012687f000001 16")), -111);
        assert_eq!(calls.call(SYS_connect, &format!("{third} {HERE}")), 0);
        assert_eq!(calls.call(SYS_close, &third.to_string()), 0);
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(calls.call(SYS_sendto, &format!("{server} s:hello 5 0 0 0")), 5);
        assert_eq!(calls.call(SYS_recvfrom, &format!("{client} b: 3 0 0 0")), 3);
        // It is no longer the first.
        assert_eq!(calls.call(SYS_read, &format!("{client} b: 2")), 2);
        let events = task.told(&[], &[]);
        let waits = buckets(&events, &json!({ "probe": "first-byte", "comm": "task066", "pid": calls.pid() }), "wait");
        assert_eq!(waits.values().sum::<u64>(), 1, "{events:?}");
        // 2^24 ns are 17 ms.
        assert!(waits.keys().all(|low| *low >= 1 << 24), "{waits:?}");
    });
}
