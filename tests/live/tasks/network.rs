// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about the network, each in a network namespace of its own.

use std::ffi::CString;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use libc::{SYS_accept, SYS_bind, SYS_close, SYS_connect, SYS_listen, SYS_sendto, SYS_setsockopt, SYS_socket};
use serde_json::json;

use super::{Calls, Task, has_field};
use crate::frames::{ethernet, ipv4};
use crate::lab::{in_namespace, need, sh};
use crate::wire::Wire;

pub(super) const STREAM: &str = "2 1 0";
pub(super) const DATAGRAM: &str = "2 2 0";
/// 127.0.0.1:4711 as a `struct sockaddr_in`.
pub(super) const HERE: &str = "b:020012677f0000010000000000000000 16";

/// Nobody answers at the other end of the cable.
pub(super) fn retransmissions() {
    in_namespace(|| {
        sh("ip addr add 10.0.0.1/24 dev left");
        let mut task = Task::start("051");
        let mut calls = Calls::start(&task.lab);
        let socket = calls.call(SYS_socket, &format!("2 {} 0", libc::SOCK_STREAM | libc::SOCK_NONBLOCK));
        assert_eq!(calls.call(SYS_connect, &format!("{socket} b:020012670a0000020000000000000000 16")), -115);
        let sent = task.run.event(|event| event["conn"]["destination"] == "10.0.0.2:4711");
        assert_eq!((&sent["probe"], &sent["state"]), (&json!("retransmits"), &json!("TCP_SYN_SENT")), "{sent}");
        assert!(sent["conn"]["source"].as_str().unwrap().starts_with("10.0.0.1:"), "{sent}");
        task.told(&[], &[]);
    });
}

/// Both ends of a connection to port 4711 of this machine: the server's, the client's.
pub(super) fn connected(calls: &mut Calls) -> (i64, i64) {
    let (server, client) = (calls.call(SYS_socket, STREAM), calls.call(SYS_socket, STREAM));
    assert_eq!(calls.call(SYS_bind, &format!("{server} {HERE}")), 0);
    assert_eq!(calls.call(SYS_listen, &format!("{server} 1")), 0);
    assert_eq!(calls.call(SYS_connect, &format!("{client} {HERE}")), 0);
    let accepted = calls.call(SYS_accept, &format!("{server} 0 0"));
    assert!(accepted > client);
    (accepted, client)
}

/// A connection whose client ends it without a farewell.
pub(super) fn resets() {
    in_namespace(|| {
        let task = Task::start("053");
        let mut calls = Calls::start(&task.lab);
        let (_, client) = connected(&mut calls);
        // SO_LINGER of no time.
        assert_eq!(calls.call(SYS_setsockopt, &format!("{client} 1 13 b:0100000000000000 8")), 0);
        assert_eq!(calls.call(SYS_close, &client.to_string()), 0);
        let of = |event: &str, end: &str| json!({ "probe": "resets", "event": event, "conn": { "protocol": "IPPROTO_TCP", end: "127.0.0.1:4711" } });
        task.told(&[of("tcp:tcp_send_reset", "destination"), of("tcp:tcp_receive_reset", "source")], &[]);
    });
}

/// A datagram that nobody takes.
pub(super) fn drops() {
    need!(has_field("skb/kfree_skb", "reason"));
    in_namespace(|| {
        let task = Task::start("055");
        let mut calls = Calls::start(&task.lab);
        let socket = calls.call(SYS_socket, DATAGRAM);
        assert_eq!(calls.call(SYS_sendto, &format!("{socket} s:lost 4 0 {HERE}")), 4);
        let dropped = json!({
            "probe": "drops", "reason": "SKB_DROP_REASON_NO_SOCKET", "protocol": "IPPROTO_UDP", "to": "127.0.0.1:4711",
        });
        task.told(&[dropped], &[]);
    });
}

pub(super) fn packets_of_an_interface() {
    in_namespace(|| {
        sh("ip link set right down; ip link set right name eth0; ip link set eth0 up");
        let task = Task::start("077");
        let (left, right) = (Wire::open("left"), Wire::open("eth0"));
        let frame = ethernet(&[0x0800], &ipv4(17, 18));
        (0..3).for_each(|_| left.send(&frame));
        right.receive(3);
        let events = task.told(&[json!({ "type": "sample", "probe": "packets", "protocol": "udp" })], &[]);
        let sum = |name: &str| events.iter().filter_map(|event| event[name].as_u64()).sum::<u64>();
        assert_eq!((sum("packets"), sum("bytes")), (3, 3 * frame.len() as u64), "{events:?}");
    });
}

/// Two programs that go wrong: one gives up, the other sends packets to an interface that is not there.
pub(super) fn xdp_exceptions() {
    in_namespace(|| {
        let task = Task::start("081");
        let mut expected = Vec::new();
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        for (action, code) in [("XDP_ABORTED", &ABORTED[..]), ("XDP_REDIRECT", &REDIRECTED[..])] {
            let xdp = Xdp::attach("right", code);
            left.send(&ethernet(&[0x0800], &ipv4(17, 18)));
            expected.push(json!({
                "probe": "xdp-problems", "program_id": xdp.id, "action": action, "device": xdp.device,
            }));
        }
        drop(right);
        task.told(&expected, &[]);
    });
}

/// `return XDP_ABORTED`: r0 = 0.
const ABORTED: [u64; 2] = [instruction(0xb7, 0, 0), EXIT];
/// `return bpf_redirect(9999, 0)`: r1 = 9999, r2 = 0.
const REDIRECTED: [u64; 4] = [instruction(0xb7, 1, 9999), instruction(0xb7, 2, 0), instruction(0x85, 0, 23), EXIT];
const EXIT: u64 = instruction(0x95, 0, 0);

const fn instruction(opcode: u64, register: u64, immediate: u64) -> u64 {
    opcode | register << 8 | immediate << 32
}

/// A small XDP program on an interface, until it is dropped.
struct Xdp {
    id: u32,
    device: i32,
    _link: OwnedFd,
}

impl Xdp {
    fn attach(interface: &str, code: &[u64]) -> Self {
        let program = super::machine::load(libbpf_sys::BPF_PROG_TYPE_XDP, "task_081", code);
        let mut info = libbpf_sys::bpf_prog_info::default();
        let mut size = size_of_val(&info) as u32;
        let interface = CString::new(interface).unwrap();
        // SAFETY: `info` is as long as `size` says; the name ends with NUL.
        let (code, device) = unsafe {
            let into = (&raw mut info).cast();
            let code = libbpf_sys::bpf_obj_get_info_by_fd(program.as_raw_fd(), into, &raw mut size);
            (code, libc::if_nametoindex(interface.as_ptr()) as i32)
        };
        assert_eq!(code, 0);
        let kind = libbpf_sys::BPF_XDP;
        // SAFETY: takes descriptors and numbers; no options.
        let link = unsafe { libbpf_sys::bpf_link_create(program.as_raw_fd(), device, kind, std::ptr::null()) };
        assert!(link >= 0, "{link}");
        // SAFETY: the descriptor is new and nobody else owns it.
        Self { id: info.id, device, _link: unsafe { OwnedFd::from_raw_fd(link) } }
    }
}
