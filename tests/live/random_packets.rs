// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the headers of packets say, at xdp and at tc, against another parser: whole packets, and such as were cut or damaged.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket, LenSource, TransportSlice};
use serde_json::{Map, Value, json};

use crate::lab::{Lab, bpf, in_namespace, need};
use crate::wire::Wire;

/// How many packets are sent.
const PACKETS: u32 = 5000;
/// The first bytes of who sends them; the others are the number of the packet.
const SENDER: [u8; 2] = [0x02, 0xaa];

const CAPTURES: &str = "mac: packet.eth.source, eth: packet.eth.type, vlan: packet.vlan.id, priority: packet.vlan.priority, \
    inner: packet.vlan.inner.id, version: packet.ip.version, ttl: packet.ip.ttl, tos: packet.ip.tos, source: packet.source.ip, \
    destination: packet.destination.ip, sport: packet.source.port, dport: packet.destination.port, seq: packet.tcp.seq, \
    ack: packet.tcp.ack, flags: packet.tcp.flags, window: packet.tcp.window, udp: packet.udp.length, icmp: packet.icmp.type, \
    code: packet.icmp.code, bytes: packet.length";

/// Numbers that look random and are the same in every run: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

fn transport(random: &mut Random) -> (u8, Vec<u8>) {
    let payload = random.below(40) as usize;
    match random.below(5) {
        0 => {
            let words = 5 + random.below(6) as u8;
            let mut header = random.bytes(usize::from(words) * 4);
            header[12] = words << 4 | header[12] & 1;
            header.extend(random.bytes(payload));
            (6, header)
        }
        1 => {
            let mut header = random.bytes(8 + payload);
            header[4..6].copy_from_slice(&((8 + payload) as u16).to_be_bytes());
            (17, header)
        }
        2 => (1, random.bytes(8 + payload)),
        3 => (58, random.bytes(8 + payload)),
        _ => (200, random.bytes(payload)),
    }
}

fn ipv4(random: &mut Random) -> Vec<u8> {
    let (protocol, above) = transport(random);
    let words = if random.below(3) == 0 { 5 + random.below(10) as u8 } else { 5 };
    let mut packet = random.bytes(usize::from(words) * 4);
    let length = packet.len() + above.len();
    packet[0] = 0x40 | words;
    packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    let fragment: u16 = [0, 0x4000, 0x2000, 0x2010][if random.below(4) == 0 { random.below(4) as usize } else { 0 }];
    packet[6..8].copy_from_slice(&fragment.to_be_bytes());
    packet[9] = protocol;
    packet.extend(above);
    packet
}

fn ipv6(random: &mut Random) -> Vec<u8> {
    let (mut next, mut above) = transport(random);
    // The innermost first.
    for _ in 0..random.below(3) {
        let (kind, mut header) = match random.below(3) {
            0 => {
                let words = 1 + random.below(3) as usize;
                (60, random.bytes(8 * words))
            }
            1 => (43, random.bytes(8)),
            _ => (44, random.bytes(8)),
        };
        header[1] = (header.len() / 8 - 1) as u8;
        if kind == 44 {
            let offset: u16 = if random.below(2) == 0 { 0 } else { 0x0151 };
            header[2..4].copy_from_slice(&offset.to_be_bytes());
        }
        header[0] = next;
        header.extend(above);
        (next, above) = (kind, header);
    }
    let mut packet = random.bytes(40);
    packet[0] = 0x60 | packet[0] & 0xf;
    packet[4..6].copy_from_slice(&(above.len() as u16).to_be_bytes());
    packet[6] = next;
    // No address that stands for one of IPv4.
    packet[8] = 0x20;
    packet[24] = 0x20;
    packet.extend(above);
    packet
}

fn frame(random: &mut Random, number: u32) -> Vec<u8> {
    let (kind, packet) = match random.below(8) {
        0 => (0x0806_u16, random.bytes(28)),
        1..=4 => (0x0800, ipv4(random)),
        _ => (0x86dd, ipv6(random)),
    };
    let mut frame = random.bytes(6);
    frame[0] &= 0xfe;
    frame.extend(SENDER);
    frame.extend(number.to_be_bytes());
    for _ in 0..[0, 0, 0, 1, 2][random.below(5) as usize] {
        frame.extend(0x8100_u16.to_be_bytes());
        frame.extend((random.next() as u16).to_be_bytes());
    }
    frame.extend(kind.to_be_bytes());
    let headers = frame.len();
    frame.extend(packet);
    match random.below(10) {
        0..=2 => frame.truncate(14.max(random.below(frame.len() as u64 + 1) as usize)),
        3 => {
            for _ in 0..1 + random.below(3) {
                let at = headers + random.below((frame.len() - headers) as u64) as usize;
                frame[at] = random.next() as u8;
            }
        }
        _ => {}
    }
    frame
}

/// The names of the flags of TCP, from the lowest bit on.
fn flags(bits: u16) -> Value {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"];
    let set: Vec<&str> =
        names.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name).collect();
    if set.is_empty() { json!("0") } else { json!(set.join("|")) }
}

/// The EtherType behind the tags.
fn ether_type(frame: &[u8]) -> u16 {
    let mut at = 12;
    loop {
        match frame.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]])) {
            Some(0x8100) => at += 4,
            other => return other.unwrap_or(0),
        }
    }
}

/// What the other parser finds; what is null it does not find. Where it stops earlier than it must, nothing is said.
fn expected(frame: &[u8]) -> Map<String, Value> {
    let sliced = LaxSlicedPacket::from_ethernet(frame).unwrap();
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| drop(found.insert(name.to_owned(), value));
    put("bytes", json!(frame.len()));
    let tags: Vec<_> = sliced
        .link_exts
        .iter()
        .filter_map(|tag| if let LaxLinkExtSlice::Vlan(vlan) = tag { Some(vlan) } else { None })
        .collect();
    put("vlan", tags.first().map_or(Value::Null, |tag| json!(tag.vlan_identifier().value())));
    put("priority", tags.first().map_or(Value::Null, |tag| json!(tag.priority_code_point().value())));
    put("inner", tags.get(1).map_or(Value::Null, |tag| json!(tag.vlan_identifier().value())));
    let kind = ether_type(frame);
    // Length fields that cannot be are no lengths for it; where they are, what is behind the header is not there.
    let mut nonsense = false;
    let fragmented = match &sliced.net {
        // It believes the first bits, whatever the type is.
        Some(LaxNetSlice::Ipv4(_)) if kind != 0x0800 => {
            put("version", Value::Null);
            return found;
        }
        Some(LaxNetSlice::Ipv6(_)) if kind != 0x86dd => {
            put("version", Value::Null);
            return found;
        }
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            nonsense = ip.payload().len_source == LenSource::Slice;
            put("version", json!(4));
            put("ttl", json!(header.ttl()));
            put("source", json!(IpAddr::from(header.source_addr()).to_string()));
            put("destination", json!(Ipv4Addr::from(header.destination()).to_string()));
            ip.is_payload_fragmented()
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            nonsense = ip.payload().len_source == LenSource::Slice;
            put("version", json!(6));
            put("ttl", json!(header.hop_limit()));
            put("source", json!(Ipv6Addr::from(header.source()).to_string()));
            put("destination", json!(Ipv6Addr::from(header.destination()).to_string()));
            ip.is_payload_fragmented()
        }
        Some(LaxNetSlice::Arp(_)) => {
            put("version", Value::Null);
            false
        }
        None => false,
    };
    if nonsense {
        return found;
    }
    let nothing =
        |put: &mut dyn FnMut(&str, Value), names: &[&str]| names.iter().for_each(|name| put(name, Value::Null));
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            put("sport", json!(tcp.source_port()));
            put("dport", json!(tcp.destination_port()));
            put("seq", json!(tcp.sequence_number()));
            put("ack", json!(tcp.acknowledgment_number()));
            put("window", json!(tcp.window_size()));
            put("flags", flags(u16::from(tcp.slice()[13]) | u16::from(tcp.slice()[12] & 1) << 8));
            nothing(&mut put, &["udp", "icmp", "code"]);
        }
        Some(TransportSlice::Udp(udp)) => {
            put("sport", json!(udp.source_port()));
            put("dport", json!(udp.destination_port()));
            put("udp", json!(udp.length()));
            nothing(&mut put, &["seq", "ack", "flags", "window", "icmp", "code"]);
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            put("icmp", json!(icmp.type_u8()));
            put("code", json!(icmp.code_u8()));
            nothing(&mut put, &["sport", "dport", "seq", "flags", "udp"]);
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            put("icmp", json!(icmp.type_u8()));
            put("code", json!(icmp.code_u8()));
            nothing(&mut put, &["sport", "dport", "seq", "flags", "udp"]);
        }
        // It reads nothing of a first fragment.
        None if !fragmented && sliced.stop_err.is_none() => {
            nothing(&mut put, &["sport", "dport", "seq", "flags", "udp", "icmp"]);
        }
        Some(TransportSlice::Igmp(_)) | None => {}
    }
    found
}

fn compare(name: &str, seen: &HashMap<u32, Value>, frames: &[Vec<u8>], may_lack: impl Fn(&[u8]) -> bool) {
    let (mut wrong, mut lacking) = (Vec::new(), 0);
    for (number, frame) in frames.iter().enumerate() {
        let Some(event) = seen.get(&(number as u32)) else {
            assert!(may_lack(frame), "{name}: no event for {frame:02x?}");
            lacking += 1;
            continue;
        };
        for (field, value) in expected(frame) {
            // The tag is no longer in the packet that tc sees.
            let is_untagged = name == "tc" && field == "bytes" && frame[12..14] == [0x81, 0];
            if event[&field] != value && !is_untagged {
                wrong.push(format!("{field}: {} instead of {value} in {frame:02x?}: {event}", event[&field]));
            }
        }
    }
    assert!(wrong.is_empty(), "{name}: {} wrong, first {}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
    assert!(lacking * 10 < frames.len(), "{name}: {lacking} of {} were not seen", frames.len());
}

/// Every header that another parser finds is found, with the same values, at both hooks; and none that it does not find.
#[test]
fn headers_are_those_of_another_parser() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let left = Wire::open("left");
        let yaml = format!(
            "probes:\n  - {{ name: xdp, buffer: 8MiB, hook: {{ xdp: {{ interface: right }} }}, capture: {{ {CAPTURES} }} }}\n  \
             - {{ name: tc, buffer: 8MiB, hook: {{ tc: {{ interface: right, direction: ingress }} }}, capture: {{ {CAPTURES} }} }}\n"
        );
        let mut run = lab.start(&yaml, &[]);
        run.wait_until_ready();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let frames: Vec<Vec<u8>> = (0..PACKETS).map(|number| frame(&mut random, number)).collect();
        frames.iter().for_each(|frame| left.send(frame));
        let ended = run.interrupt().code(0);
        let mut seen: HashMap<String, HashMap<u32, Value>> = HashMap::new();
        for event in ended.events() {
            let mac = event["mac"].as_str().unwrap_or_default().replace(':', "");
            let Some(number) = mac.strip_prefix("02aa").and_then(|number| u32::from_str_radix(number, 16).ok()) else {
                continue;
            };
            let probe = event["probe"].as_str().unwrap().to_owned();
            assert!(seen.entry(probe).or_default().insert(number, event).is_none(), "seen twice: {number}");
        }
        assert_eq!(seen["xdp"].len(), frames.len());
        compare("xdp", &seen["xdp"], &frames, |_| false);
        // The network stack drops a frame with less than two bytes behind its tag before tc sees it.
        compare("tc", &seen["tc"], &frames, |frame| frame[12..14] == [0x81, 0] && frame.len() < 20);
    });
}
