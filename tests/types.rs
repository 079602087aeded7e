// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every type of the expression language in every format.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::sync::Arc;

use ebpf_run::format::{Encoder, Look};
use ebpf_run::record::{CodeOf, Completer, Lookups, NoLookups, NoSets, StackFrame};
use ebpf_run::spec::{
    Arithmetic, BitRange, Comparison, ComputedType, EndPart, Field, FieldType, Format, Formula, Layout, NameTable,
    OfEnd, StackSlot,
};
use serde_json::Value;

/// 2026-11-21T07:40:00.123456789Z.
const NOW: u64 = 1_795_246_800_123_456_789;

/// A machine on which some names are known.
struct Machine;

impl Lookups for Machine {
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64 {
        NOW - 1_000_000_000 + monotonic_ns
    }

    fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool {
        number == 8 << 20 | 16 && say("sdb", out)
    }

    fn knows(&mut self, _of: CodeOf, _addresses: &mut dyn Iterator<Item = u64>) -> bool {
        true
    }

    fn frames(&mut self, of: CodeOf, address: u64, out: &mut Vec<StackFrame>) {
        let frame = |symbol: Option<&str>, offset: Option<u64>, module: Option<&str>| {
            let (symbol, module) = (symbol.map(Into::into), module.map(Into::into));
            StackFrame { address, symbol, offset, module }
        };
        let user = |space| CodeOf::Process { pid: 7, space };
        out.extend(match address {
            0x1008 if of == CodeOf::Kernel => vec![frame(Some("tcp_sendmsg"), Some(8), None)],
            0x2000 if of == CodeOf::Kernel => vec![frame(Some("__traceiter_x"), Some(0), None)],
            0x3000 if of == CodeOf::Kernel => vec![frame(Some("bpf_prog_0123"), Some(4), Some("bpf"))],
            0x4000 if of == user(0) || of == user(9) => vec![frame(Some("std::vec::Vec<T>::push"), Some(0), None)],
            0x5010 if of == user(9) => {
                vec![frame(Some("in;ner"), None, Some("app")), frame(Some("operator new(int)"), Some(16), Some("app"))]
            }
            0x6010 if of == user(9) => vec![frame(None, Some(0x10), Some("libc.so.6"))],
            _ => vec![frame(None, None, None)],
        });
    }

    fn cgroup(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        id == 42 && say("/system.slice/docker-0123.scope", out)
    }

    fn container(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        id == 42 && say("0123", out)
    }
}

fn say(name: &str, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(name.as_bytes());
    true
}

/// A layout that is put together field by field, and a record of it: the mask, pid 7, then the fields.
struct Sample {
    layout: Layout,
    record: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let mut sample = Self { layout: Layout { absent: Some(0), ..Layout::default() }, record: vec![0; 8] };
        let pid = sample.field("pid", FieldType::Unsigned, &7u32.to_ne_bytes());
        sample.layout.process.push(pid);
        sample
    }

    fn field(&mut self, name: &str, kind: FieldType, bytes: &[u8]) -> Field {
        let offset = self.record.len() as u32;
        self.record.extend(bytes);
        self.layout.size = self.record.len() as u32;
        let (unit, doc) = (String::new(), String::new());
        Field {
            name: name.to_owned(),
            offset,
            size: bytes.len() as u32,
            kind,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit,
            doc,
        }
    }

    fn add(&mut self, name: &str, kind: FieldType, bytes: &[u8]) -> &mut Field {
        let field = self.field(name, kind, bytes);
        self.layout.fields.push(field);
        self.layout.fields.last_mut().unwrap()
    }

    fn operand(&mut self, kind: FieldType, bytes: &[u8]) -> Formula {
        let field = self.field("", kind, bytes);
        self.layout.operands.push(field);
        Formula::Operand(self.layout.operands.len() - 1)
    }

    fn line(&self, format: Format, lookups: &mut dyn Lookups) -> String {
        let mut completer = Completer::new(&self.layout, &NoSets);
        assert_eq!(completer.judge(&self.record, lookups).holds, Some(true));
        let mut out = Vec::new();
        let full = completer.complete(&self.record, lookups);
        Encoder::new(format, "p", &[], &self.layout, &Look::default()).event(full, NOW, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// A line for each field: its name, and its value in JSON, text, pretty.
    fn table(&self, lookups: &mut dyn Lookups) -> String {
        let json: serde_json::Map<String, Value> = serde_json::from_str(&self.line(Format::Jsonl, lookups)).unwrap();
        let (text, pretty) = (self.line(Format::Text, lookups), self.line(Format::Pretty, lookups));
        let mut table = String::new();
        for Field { name, .. } in &self.layout.fields {
            let of =
                |line: &str| {
                    let from = line.find(&format!(" {name}="))? + name.len() + 2;
                    let rest = line[from..].trim_end();
                    let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                    Some(quoted.map_or_else(
                        || rest.split(' ').next().unwrap().to_owned(),
                        |(inside, _)| format!("\"{inside}\""),
                    ))
                };
            let (text, pretty) = (of(&text).unwrap_or_default(), of(&pretty).unwrap_or_default());
            let both = if text == pretty { text } else { format!("{text} | {pretty}") };
            let cut = json.contains_key(&format!("{name}_truncated"));
            writeln!(table, "{name}: {} | {both}{}", json[name], if cut { " (cut)" } else { "" }).unwrap();
        }
        table
    }
}

fn endpoint(family: u16, ip: &str, port: u16, path: &[u8], bytes: usize) -> Vec<u8> {
    let ip: Ipv6Addr = ip.parse().unwrap();
    let mut slot =
        [&family.to_ne_bytes()[..], &port.to_be_bytes(), &(path.len() as u32).to_ne_bytes(), &ip.octets(), path]
            .concat();
    slot.resize(bytes, 0);
    slot
}

fn sock(ends: &[Vec<u8>; 2], family: u16, protocol: u16) -> Vec<u8> {
    [&ends.concat()[..], &family.to_ne_bytes(), &protocol.to_ne_bytes(), &[0; 4]].concat()
}

fn counted(length: u32, total: u32, bytes: &[u8]) -> Vec<u8> {
    [&length.to_ne_bytes()[..], &total.to_ne_bytes(), bytes].concat()
}

#[track_caller]
fn same(found: &str, expected: &str) {
    assert_eq!(found, expected, "\n--- found\n{found}");
}

/// Numbers with names: single ones, flags with what has no name, and what is none.
#[test]
fn named_numbers() {
    let mut it = Sample::new();
    it.add("denied", FieldType::Named(NameTable::Errno), &(-13i32).to_ne_bytes());
    it.add("wide", FieldType::Named(NameTable::Errno), &(-2i64).to_ne_bytes());
    it.add("fine", FieldType::Named(NameTable::Errno), &0i32.to_ne_bytes());
    it.add("address", FieldType::Named(NameTable::Errno), &(-4096i64).to_ne_bytes());
    it.add("odd", FieldType::Named(NameTable::Errno), &(-4000i32).to_ne_bytes());
    it.add("kill", FieldType::Named(NameTable::Signal), &9u32.to_ne_bytes());
    it.add("none", FieldType::Named(NameTable::Signal), &0u32.to_ne_bytes());
    it.add("flags", FieldType::Named(NameTable::OpenFlags), &0x8000_0041u32.to_ne_bytes());
    it.add("read", FieldType::Named(NameTable::OpenFlags), &0u32.to_ne_bytes());
    it.add("caps", FieldType::Named(NameTable::Caps), &(1u64 << 21 | 1 << 63).to_ne_bytes());
    it.add("prot", FieldType::Named(NameTable::Prot), &0u64.to_ne_bytes());
    it.add("state", FieldType::Named(NameTable::TcpState), &[1]);
    it.add("bits", FieldType::Named(NameTable::TcpState), &[0b1010]).bits = Some(BitRange { shift: 1, width: 2 });
    let expected = r#"denied: "EACCES" | EACCES
wide: "ENOENT" | ENOENT
fine: null | 
address: null | 
odd: "-4000" | -4000
kill: "SIGKILL" | SIGKILL
none: null | 
flags: "O_WRONLY|O_CREAT|0x80000000" | O_WRONLY|O_CREAT|0x80000000
read: "O_RDONLY" | O_RDONLY
caps: "CAP_SYS_ADMIN|0x8000000000000000" | CAP_SYS_ADMIN|0x8000000000000000
prot: "PROT_NONE" | PROT_NONE
state: "TCP_ESTABLISHED" | TCP_ESTABLISHED
bits: "TCP_ESTABLISHED" | TCP_ESTABLISHED
"#;
    same(&it.table(&mut NoLookups), expected);
}

/// Lengths of time are for people where people read, times of day are as `ts`.
#[test]
fn times() {
    let mut it = Sample::new();
    it.add("took", FieldType::Duration, &7_123_456u64.to_ne_bytes());
    it.add("early", FieldType::Duration, &(-1_500_000_000i64).to_ne_bytes());
    it.add("spec", FieldType::Timespec, &[2i64.to_ne_bytes(), 500_000_000i64.to_ne_bytes()].concat());
    it.add("ever", FieldType::Timespec, &[i64::MAX.to_ne_bytes(), 0i64.to_ne_bytes()].concat());
    it.add("at", FieldType::Ktime, &1u64.to_ne_bytes());
    let expected = r#"took: 7123456 | 7.1ms
early: -1500000000 | -1.5s
spec: 2500000000 | 2.5s
ever: 9223372036854775807 | 2562047.8h
at: "2026-11-21T07:39:59.123456790Z" | 2026-11-21T07:39:59.123456790Z
"#;
    same(&it.table(&mut Machine), expected);
}

/// Addresses, connections and packets.
#[test]
fn networks() {
    let mut it = Sample::new();
    let octets = |ip: &str| ip.parse::<Ipv6Addr>().unwrap().octets();
    it.add("four", FieldType::Ip, &octets("::ffff:10.0.0.1"));
    it.add("six", FieldType::Ip, &octets("2001:db8::1"));
    it.add("zero", FieldType::Ip, &[0; 16]);
    it.add("mac", FieldType::Mac, &[0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    it.add("uuid", FieldType::Uuid, &0x6ba7b8109dad11d180b400c04fd430c8u128.to_be_bytes());
    it.add("peer", FieldType::Endpoint, &endpoint(2, "::ffff:10.0.0.1", 443, b"", 24));
    it.add("peer6", FieldType::Endpoint, &endpoint(10, "::1", 53, b"", 136));
    it.add("mapped", FieldType::Endpoint, &endpoint(10, "::ffff:10.0.0.1", 53, b"", 24));
    it.add("path", FieldType::Endpoint, &endpoint(1, "::", 0, b"/run/two words\0", 136));
    it.add("abstract", FieldType::Endpoint, &endpoint(1, "::", 0, b"\0x\xff", 136));
    it.add("nobody", FieldType::Endpoint, &endpoint(16, "::9", 9, b"", 24));
    let ends = [endpoint(2, "::ffff:10.0.0.1", 40000, b"", 136), endpoint(2, "::ffff:10.0.0.2", 443, b"", 136)];
    it.add("conn", FieldType::Sock, &sock(&ends, 2, 6));
    let ends = [endpoint(1, "::", 0, b"/run/x\0", 136), endpoint(1, "::", 0, b"", 136)];
    it.add("local", FieldType::Sock, &sock(&ends, 1, 0));
    it.add("netlink", FieldType::Sock, &sock(&[vec![0; 136], vec![0; 136]], 16, 0));
    let mut packet = [&60u32.to_ne_bytes()[..], &[0b11_0000 | 8, 17, 0, 0]].concat();
    packet.extend(endpoint(2, "::ffff:10.0.0.1", 40000, b"", 24));
    packet.extend(endpoint(2, "::ffff:10.0.0.2", 53, b"", 24));
    packet.resize(128, 0);
    it.add("packet", FieldType::Packet, &packet);
    packet[4..6].copy_from_slice(&[8, 1]);
    packet[12] = 1;
    packet[36] = 1;
    it.add("ping", FieldType::Packet, &packet);
    let arp = [&42u32.to_ne_bytes()[..], &[1], &[0; 123]].concat();
    it.add("arp", FieldType::Packet, &arp);
    let expected = r#"four: "10.0.0.1" | 10.0.0.1
six: "2001:db8::1" | 2001:db8::1
zero: "::" | ::
mac: "52:54:00:12:34:56" | 52:54:00:12:34:56
uuid: "6ba7b810-9dad-11d1-80b4-00c04fd430c8" | 6ba7b810-9dad-11d1-80b4-00c04fd430c8
peer: "10.0.0.1:443" | 10.0.0.1:443
peer6: "[::1]:53" | [::1]:53
mapped: "10.0.0.1:53" | 10.0.0.1:53
path: "unix:/run/two words" | "unix:/run/two words"
abstract: "unix:@x\\xff" | unix:@x\xff
nobody: null | 
conn: {"family":"AF_INET","protocol":"IPPROTO_TCP","source":"10.0.0.1:40000","destination":"10.0.0.2:443"} | "10.0.0.1:40000 > 10.0.0.2:443"
local: {"family":"AF_UNIX","protocol":null,"source":"unix:/run/x","destination":"unix:"} | "unix:/run/x > unix:"
netlink: {"family":"AF_NETLINK","protocol":null,"source":null,"destination":null} | AF_NETLINK
packet: {"length":60,"protocol":"IPPROTO_UDP","source":"10.0.0.1:40000","destination":"10.0.0.2:53"} | "10.0.0.1:40000 > 10.0.0.2:53 IPPROTO_UDP 60"
ping: {"length":60,"protocol":"IPPROTO_ICMP","source":"10.0.0.1","destination":"10.0.0.2"} | "10.0.0.1 > 10.0.0.2 IPPROTO_ICMP 60"
arp: {"length":42,"protocol":null,"source":null,"destination":null} | 42
"#;
    same(&it.table(&mut NoLookups), expected);
    assert!(it.line(Format::Jsonl, &mut NoLookups).contains(r#""abstract_escaped":true"#));
}

/// Stacks: what runs the program itself is left out, and what nobody knows is as much as is known of it.
#[test]
fn stacks() {
    let stack = |user: bool, shown: u16, space: u32, addresses: &[u64]| {
        let pid: u32 = if user { 7 } else { 0 };
        let mut slot =
            [(addresses.len() as u32).to_ne_bytes(), space.to_ne_bytes(), pid.to_ne_bytes(), [0; 4]].concat();
        slot.extend(addresses.iter().flat_map(|address| address.to_ne_bytes()));
        slot.resize(StackSlot::bytes(user, shown).into(), 0);
        slot
    };
    let mut it = Sample::new();
    it.add("k", FieldType::Stack { user: false }, &stack(false, 4, 0, &[0x9999, 0x3000, 0x2000, 0x1008, 0x7]));
    it.add("short", FieldType::Stack { user: false }, &stack(false, 1, 0, &[0x3000, 0x1008, 0x7]));
    it.add("u", FieldType::Stack { user: true }, &stack(true, 4, 9, &[0x4000, 0x5010, 0x6010, 0x9]));
    it.add("inner", FieldType::Stack { user: true }, &stack(true, 1, 9, &[0x5010, 0x4000]));
    it.add("other", FieldType::Stack { user: true }, &stack(true, 4, 8, &[0x4000]));
    it.add("none", FieldType::Stack { user: true }, &stack(true, 4, 9, &[]));
    it.add("broken", FieldType::Stack { user: true }, &[0xff; 28]);
    let expected = r#"k: [{"addr":"0x1008","symbol":"tcp_sendmsg","offset":8},{"addr":"0x7"}] | 0x7;tcp_sendmsg | 
short: [{"addr":"0x1008","symbol":"tcp_sendmsg","offset":8}] | tcp_sendmsg | 
u: [{"addr":"0x4000","symbol":"std::vec::Vec<T>::push","offset":0},{"addr":"0x5010","symbol":"in;ner","module":"app"},{"addr":"0x5010","symbol":"operator new(int)","offset":16,"module":"app"},{"addr":"0x6010","offset":16,"module":"libc.so.6"},{"addr":"0x9"}] | "0x9;libc.so.6+0x10;operator new(int);in;ner;std::vec::Vec<T>::push" | 
inner: [{"addr":"0x5010","symbol":"in;ner","module":"app"},{"addr":"0x5010","symbol":"operator new(int)","offset":16,"module":"app"}] | "operator new(int);in;ner" | 
other: [{"addr":"0x4000"}] | 0x4000 | 
none: null | 
broken: [{"addr":"0xffffffffffffffff"}] | 0xffffffffffffffff | 
"#;
    same(&it.table(&mut Machine), expected);
    let pretty = it.line(Format::Pretty, &mut Machine);
    let u = "    u\n        std::vec::Vec<T>::push+0x0\n        in;ner (app)\n        operator new(int)+0x10 (app)\n        libc.so.6+0x10\n        0x9\n";
    assert!(
        pretty.contains(u) && pretty.contains("\n    k\n        tcp_sendmsg+0x8\n        0x7\n    short\n"),
        "{pretty}"
    );
    let mut it = Sample::new();
    it.add("k", FieldType::Stack { user: false }, &stack(false, 4, 0, &[0x3000, 0x1008, 0x7]));
    it.add("u", FieldType::Stack { user: true }, &stack(true, 4, 9, &[0x4000, 0x5010, 0x6010, 0x9]));
    let folded = it.line(Format::Folded, &mut Machine);
    assert_eq!(
        folded,
        "p;[unknown];[libc.so.6];operator new(int);in:ner;std::vec::Vec<T>::push;[unknown];tcp_sendmsg 1\n"
    );
}

/// An end of another family than those of the internet has neither address nor port, a raw socket has no port, and only sockets of the
/// internet have a protocol of it; in `where` these parts are null.
#[test]
fn parts_of_ends() {
    let mut it = Sample::new();
    let ends = |end: Vec<u8>, other: Vec<u8>| [end, other];
    let mut raw = endpoint(2, "::ffff:10.0.0.9", 1, b"", 136);
    raw[4] = 1;
    let inet = endpoint(10, "::1", 443, b"", 136);
    let unix = endpoint(1, "::", 0, b"/run/x", 136);
    for (name, both, family, protocol) in [
        ("inet", ends(inet.clone(), inet.clone()), 10, 6),
        ("raw", ends(raw.clone(), raw), 2, 255),
        ("unix", ends(unix, vec![0; 136]), 1, 0),
        ("netlink", ends(vec![0; 136], vec![0; 136]), 16, 15),
    ] {
        let slot = sock(&both, family, protocol);
        let at = it.add(name, FieldType::Sock, &slot).offset;
        let table = |table| FieldType::Named(table);
        for (part, offset, size, kind, of_end, bound) in [
            ("ip", 8, 16, FieldType::Ip, EndPart::Ip, 0),
            ("port", 2, 2, FieldType::Port, EndPart::Port, 0),
            ("family", 0, 2, table(NameTable::SocketFamily), EndPart::Family, 0),
            ("number", 0, 2, FieldType::Unsigned, EndPart::Family, 0),
            ("other", 136, 2, table(NameTable::SocketFamily), EndPart::Family, 136),
            ("protocol", 274, 2, table(NameTable::IpProtocol), EndPart::Protocol, 272),
        ] {
            let (offset, of_end) = (at + offset, Some(OfEnd { offset: at + bound, part: of_end }));
            let name = format!("{name}_{part}");
            let field = Field { name, offset, size, of_end, ..it.field("", kind, &[]) };
            it.layout.fields.push(field.clone());
            it.layout.operands.push(field);
        }
    }
    let expected = r#"inet: {"family":"AF_INET6","protocol":"IPPROTO_TCP","source":"[::1]:443","destination":"[::1]:443"} | "[::1]:443 > [::1]:443"
inet_ip: "::1" | ::1
inet_port: 443 | 443
inet_family: "AF_INET6" | AF_INET6
inet_number: 10 | 10
inet_other: "AF_INET6" | AF_INET6
inet_protocol: "IPPROTO_TCP" | IPPROTO_TCP
raw: {"family":"AF_INET","protocol":"IPPROTO_RAW","source":"10.0.0.9","destination":"10.0.0.9"} | "10.0.0.9 > 10.0.0.9"
raw_ip: "10.0.0.9" | 10.0.0.9
raw_port: null | 
raw_family: "AF_INET" | AF_INET
raw_number: 2 | 2
raw_other: "AF_INET" | AF_INET
raw_protocol: "IPPROTO_RAW" | IPPROTO_RAW
unix: {"family":"AF_UNIX","protocol":null,"source":"unix:/run/x","destination":null} | "unix:/run/x > -"
unix_ip: null | 
unix_port: null | 
unix_family: "AF_UNIX" | AF_UNIX
unix_number: 1 | 1
unix_other: null | 
unix_protocol: null | 
netlink: {"family":"AF_NETLINK","protocol":null,"source":null,"destination":null} | AF_NETLINK
netlink_ip: null | 
netlink_port: null | 
netlink_family: null | 
netlink_number: null | 
netlink_other: null | 
netlink_protocol: null | 
"#;
    same(&it.table(&mut NoLookups), expected);
    // `not unix.ip in "::/0"` and `unix.port == 0` are undecided, `unix.port == null` is true.
    let mut decided = |formula| {
        it.layout.filter = Some(Arc::new(formula));
        Completer::new(&it.layout, &NoSets).judge(&it.record, &mut NoLookups).holds
    };
    let zero = || Formula::Number { bits: 0, signed: false };
    let equal = |left, right| Formula::Compare { op: Comparison::Equal, sides: Box::new((left, right)) };
    let (ip, port) = (|| Box::new(Formula::Operand(12)), || Formula::Operand(13));
    let any = vec![(Ipv6Addr::UNSPECIFIED, 0)];
    assert_eq!(decided(Formula::Not(Box::new(Formula::InNetworks { of: ip(), networks: any }))), None);
    assert_eq!(decided(Formula::IsNull(ip())), Some(true));
    assert_eq!(decided(equal(port(), zero())), None);
    assert_eq!(decided(Formula::IsNull(Box::new(port()))), Some(true));
    assert_eq!(decided(equal(Formula::Operand(1), Formula::Number { bits: 443, signed: false })), Some(true));
}

/// A text or buffer with a length of its own never runs past it, and says where there was more.
#[test]
fn counted_buffers() {
    let mut it = Sample::new();
    it.add("text", FieldType::Counted { text: true }, &counted(5, 5, b"helloJUNK"));
    it.add("nul", FieldType::Counted { text: true }, &counted(9, 9, b"hello\0JUN"));
    it.add("cut", FieldType::Counted { text: true }, &counted(4, 9, b"hell"));
    it.add("empty", FieldType::Counted { text: true }, &counted(0, 0, b"JUNK"));
    it.add("bytes", FieldType::Counted { text: false }, &counted(2, 2, b"\x01\xffJUNK"));
    it.add("more", FieldType::Counted { text: false }, &counted(2, 700, b"\x01\xff"));
    it.add("short", FieldType::Path, b"\x0c\0\0\0sh\0bin\0usr\0"[..12].as_ref());
    it.add("bit", FieldType::Unsigned, &[0b110]).bits = Some(BitRange { shift: 1, width: 2 });
    it.add("sign", FieldType::Signed, &[0b110]).bits = Some(BitRange { shift: 1, width: 2 });
    it.add("yes", FieldType::Bool, &[0b100]).bits = Some(BitRange { shift: 2, width: 1 });
    it.add("no", FieldType::Bool, &[0b100]).bits = Some(BitRange { shift: 1, width: 1 });
    let expected = r#"text: "hello" | hello
nul: "hello" | hello
cut: "hell" | hell | hell… (cut)
empty: "" | ""
bytes: "01ff" | 01ff
more: "01ff" | 01ff | 01ff… (cut)
short: "…/bin/sh" | …/bin/sh (cut)
bit: 3 | 3
sign: -1 | -1
yes: true | true
no: false | false
"#;
    same(&it.table(&mut NoLookups), expected);
}

fn ids() -> Sample {
    let mut it = Sample::new();
    it.add("disk", FieldType::Dev, &(8u32 << 20 | 16).to_ne_bytes());
    it.add("gone", FieldType::Dev, &(259u32 << 20 | 3).to_ne_bytes());
    it.add("ksym", FieldType::Ksym, &0x1008u64.to_ne_bytes());
    it.add("far", FieldType::Ksym, &0xffff_ffff_8100_0000u64.to_ne_bytes());
    it.add("null", FieldType::Ksym, &0u64.to_ne_bytes());
    it.add("usym", FieldType::Usym, &0x4000u64.to_ne_bytes());
    it.add("cgroup", FieldType::Cgroup, &42u64.to_ne_bytes());
    it.add("container", FieldType::Container, &42u64.to_ne_bytes());
    it.add("other", FieldType::Container, &1u64.to_ne_bytes());
    it.add("absent", FieldType::Cgroup, &42u64.to_ne_bytes()).absent_bit = Some(3);
    it.record[0] = 1 << 3;
    it
}

/// Ids and addresses have the names that the machine knows; without them a number, or none.
#[test]
fn names_of_ids() {
    let expected = r#"disk: "sdb" | sdb
gone: "259:3" | 259:3
ksym: "tcp_sendmsg+0x8" | tcp_sendmsg+0x8
far: "0xffffffff81000000" | 0xffffffff81000000
null: null | 
usym: "std::vec::Vec<T>::push" | std::vec::Vec<T>::push
cgroup: "/system.slice/docker-0123.scope" | /system.slice/docker-0123.scope
container: "0123" | 0123
other: null | 
absent: null | 
"#;
    same(&ids().table(&mut Machine), expected);
    let expected = r#"disk: "8:16" | 8:16
gone: "259:3" | 259:3
ksym: "0x1008" | 0x1008
far: "0xffffffff81000000" | 0xffffffff81000000
null: null | 
usym: "0x4000" | 0x4000
cgroup: null | 
container: null | 
other: null | 
absent: null | 
"#;
    same(&ids().table(&mut NoLookups), expected);
}

/// Computed fields are shown by their types, and are null where something they need is absent.
#[test]
fn computed() {
    let mut it = Sample::new();
    let a = it.operand(FieldType::Unsigned, &100u64.to_ne_bytes());
    let b = it.operand(FieldType::Signed, &(-30i32).to_ne_bytes());
    let gone = it.operand(FieldType::Unsigned, &[1]);
    it.layout.operands[2].absent_bit = Some(0);
    it.record[0] = 1;
    let disk = it.operand(FieldType::Dev, &(8u32 << 20 | 16).to_ne_bytes());
    let two = |left: &Formula, right: &Formula| Box::new((left.clone(), right.clone()));
    let add = |signed, left: &Formula, right: &Formula| {
        Arc::new(Formula::Arithmetic { op: Arithmetic::Add, signed, sides: two(left, right) })
    };
    let greater = |left: &Formula, right: &Formula| {
        Arc::new(Formula::Compare { op: Comparison::Greater, sides: two(left, right) })
    };
    for (name, formula, shown) in [
        ("sum", add(true, &a, &b), ComputedType::Signed),
        ("twice", add(false, &a, &a), ComputedType::Unsigned),
        ("hex", add(false, &a, &a), ComputedType::Hex),
        ("took", add(true, &a, &b), ComputedType::Duration),
        ("error", add(true, &b, &Formula::Number { bits: 17, signed: false }), ComputedType::Named(NameTable::Errno)),
        ("no_error", add(true, &a, &b), ComputedType::Named(NameTable::Errno)),
        (
            "flags",
            add(false, &a, &Formula::Number { bits: 1, signed: false }),
            ComputedType::Named(NameTable::OpenFlags),
        ),
        ("state", add(true, &a, &b), ComputedType::Enum([(70, "SEVENTY".to_owned())].into())),
        ("other", add(false, &a, &a), ComputedType::Enum([(70, "SEVENTY".to_owned())].into())),
        ("at", add(false, &a, &a), ComputedType::Ktime),
        ("is", greater(&a, &b), ComputedType::Bool),
        ("unknown", greater(&gone, &b), ComputedType::Bool),
        ("lost", add(true, &gone, &b), ComputedType::Signed),
    ] {
        it.add(name, FieldType::Computed(formula, shown), &[]);
    }
    let text = Formula::Text(b"sdb"[..].into());
    let same_disk = Formula::Compare { op: Comparison::Equal, sides: Box::new((disk, text)) };
    it.layout.filter = Some(Arc::new(same_disk));
    let expected = r#"sum: 70 | 70
twice: 200 | 200
hex: "0xc8" | 0xc8
took: 70 | 70ns
error: "EACCES" | EACCES
no_error: null | 
flags: "O_WRONLY|O_CREAT|0x24" | O_WRONLY|O_CREAT|0x24
state: "SEVENTY" | SEVENTY
other: "200" | 200
at: "2026-11-21T07:39:59.123456989Z" | 2026-11-21T07:39:59.123456989Z
is: true | true
unknown: null | 
lost: null | 
"#;
    same(&it.table(&mut Machine), expected);
}
