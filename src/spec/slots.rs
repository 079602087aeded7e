// SPDX-License-Identifier: MIT OR Apache-2.0
//! How values of several parts lie in a record, and what their parts are called: what `.source.ip` takes of a `sock`.
//!
//! `bpf/include/endpoint.h` and `packet_parts.h` write the same structs; a test compares the two by BTF.

use super::expr::NameTable;
use super::fetch::PacketLayer;
use super::layout::FieldType;
use super::of_end::OfEnd;

/// `struct endpoint`: one end of a connection. 24 bytes where it cannot be of AF_UNIX, else 136.
///
/// ```text
/// 0   u16   family       AF_INET, AF_INET6, AF_UNIX; 0: there is none
/// 2   be16  port
/// 4   u32   path_length  of AF_UNIX: bytes of the path, which may begin with NUL (an abstract name); of the others: 1 where the
///                        protocol has no ports, which then are not shown (`10.0.0.1`), else 0
/// 8   u8[16] ip          IPv4 as ::ffff:a.b.c.d
/// 24  u8[112] path
/// ```
pub struct EndpointSlot;

impl EndpointSlot {
    /// Bytes without a path.
    pub const SHORT: u16 = 24;
    /// Bytes with one.
    pub const LONG: u16 = 136;
}

/// `struct stack` of `bpf/include/stack.h`: a call stack.
///
/// ```text
/// 0   u32    frames
/// 4   u32    space      of a process: tells its memory from what it had before an execve; 0: unknown
/// 8   u32    pid        of a process: its number in the first PID namespace
/// 12  u32    zero
/// 16  u64[]  addresses  the innermost function first; zero behind the frames
/// ```
///
/// Of the kernel there is room for [`StackSlot::OWN`] more frames than are shown: at some hooks a stack begins with the program itself and
/// what called it, which is left out.
pub struct StackSlot;

impl StackSlot {
    /// Bytes before the addresses.
    pub const HEAD: u16 = 16;
    /// Frames where nobody says how many.
    pub const DEFAULT: u16 = 64;
    /// Most of them: the kernel collects no more (`kernel.perf_event_max_stack`).
    pub const MAX: u16 = 127;
    /// Frames of the kernel that the program itself may take.
    pub const OWN: u16 = 8;

    /// Bytes of a stack of which so many frames are shown.
    pub const fn bytes(user: bool, frames: u16) -> u16 {
        Self::HEAD + 8 * (frames + if user { 0 } else { Self::OWN })
    }

    /// How many frames are shown of a stack of so many bytes.
    pub const fn shown(user: bool, bytes: u32) -> usize {
        ((bytes.saturating_sub(Self::HEAD as u32)) / 8).saturating_sub(if user { 0 } else { Self::OWN as u32 }) as usize
    }
}

/// `struct sock_ends`.
///
/// ```text
/// 0    struct endpoint  source       136 bytes: this machine's end
/// 136  struct endpoint  destination
/// 272  u16              family
/// 274  u16              protocol
/// 276  u32              zero
/// ```
pub struct SockSlot;

impl SockSlot {
    /// Bytes of it.
    pub const SIZE: u16 = 280;
    /// Where its family is, with the protocol behind it.
    pub const FAMILY: u16 = 272;
}

/// `struct packet_parts` of `bpf/include/packet_parts.h`: what its headers say. All numbers are in the byte order of the machine but the
/// ports of the ends. Parts that the packet does not have are zero.
///
/// ```text
/// 0    u32              length       bytes of it where it was seen, with the link-layer header if that is there
/// 4    u8               layers       which headers were found: the bits of `PacketLayer`
/// 5    u8               protocol     of IP, after extension headers: IPPROTO_TCP …; 0 (and no `Ip` in layers) where it is not IP
/// 6    u16              zero
/// 8    struct endpoint  source       24 bytes; family 0: not IP
/// 32   struct endpoint  destination
/// 56   …                             the parts of `PARTS`
/// ```
///
/// A part is a fetch of its own: [`super::FetchCopy::Packet`] says where it lies and which header it needs; where the packet does
/// not have that, the fetch has no value. Nothing but the whole has [`FieldType::Packet`].
pub struct PacketSlot;

impl PacketSlot {
    /// Bytes of it.
    pub const SIZE: u16 = 128;

    /// Where the ends are in it.
    pub const SOURCE: u8 = 8;
    /// The same.
    pub const DESTINATION: u8 = 32;

    /// What is known of a packet whose socket is: behind the slot, and named without `packet.`.
    pub const OF_SOCKET: &[PacketPart] = &[
        part("cgroup", 128, 8, FieldType::Cgroup, PacketLayer::Always),
        part("cgroup_id", 128, 8, FieldType::Unsigned, PacketLayer::Always),
        part("container", 128, 8, FieldType::Container, PacketLayer::Always),
    ];

    /// What can be named after `packet.`, in the order of the documentation.
    pub const PARTS: &[PacketPart] = &[
        part("length", 0, 4, FieldType::Unsigned, PacketLayer::Always),
        part("protocol", 5, 1, FieldType::Named(NameTable::IpProtocol), PacketLayer::Ip),
        part("source", 8, 24, FieldType::Endpoint, PacketLayer::Ip),
        part("source.ip", 16, 16, FieldType::Ip, PacketLayer::Ip),
        part("source.port", 10, 2, FieldType::Port, PacketLayer::Ports),
        part("source.family", 8, 2, FieldType::Named(NameTable::SocketFamily), PacketLayer::Ip),
        part("destination", 32, 24, FieldType::Endpoint, PacketLayer::Ip),
        part("destination.ip", 40, 16, FieldType::Ip, PacketLayer::Ip),
        part("destination.port", 34, 2, FieldType::Port, PacketLayer::Ports),
        part("destination.family", 32, 2, FieldType::Named(NameTable::SocketFamily), PacketLayer::Ip),
        part("eth.source", 56, 6, FieldType::Mac, PacketLayer::Ethernet),
        part("eth.destination", 64, 6, FieldType::Mac, PacketLayer::Ethernet),
        part("eth.type", 62, 2, FieldType::Hex, PacketLayer::Ethernet),
        part("vlan.id", 72, 2, FieldType::Unsigned, PacketLayer::Vlan),
        part("vlan.priority", 70, 1, FieldType::Unsigned, PacketLayer::Vlan),
        part("vlan.inner.id", 74, 2, FieldType::Unsigned, PacketLayer::InnerVlan),
        part("vlan.inner.priority", 71, 1, FieldType::Unsigned, PacketLayer::InnerVlan),
        part("ip.version", 76, 1, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.header_length", 78, 2, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.tos", 77, 1, FieldType::Hex, PacketLayer::Ip),
        part("ip.length", 80, 4, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.id", 84, 4, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.dont_fragment", 90, 1, FieldType::Bool, PacketLayer::Ip),
        part("ip.more_fragments", 91, 1, FieldType::Bool, PacketLayer::Ip),
        part("ip.fragment_offset", 88, 2, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.ttl", 92, 1, FieldType::Unsigned, PacketLayer::Ip),
        part("ip.protocol", 93, 1, FieldType::Named(NameTable::IpProtocol), PacketLayer::Ip),
        part("ip.source", 16, 16, FieldType::Ip, PacketLayer::Ip),
        part("ip.destination", 40, 16, FieldType::Ip, PacketLayer::Ip),
        part("tcp.source", 10, 2, FieldType::Port, PacketLayer::Tcp),
        part("tcp.destination", 34, 2, FieldType::Port, PacketLayer::Tcp),
        part("tcp.seq", 96, 4, FieldType::Unsigned, PacketLayer::Tcp),
        part("tcp.ack", 100, 4, FieldType::Unsigned, PacketLayer::Tcp),
        part("tcp.flags", 104, 2, FieldType::Named(NameTable::TcpFlags), PacketLayer::Tcp),
        part("tcp.window", 106, 2, FieldType::Unsigned, PacketLayer::Tcp),
        part("tcp.header_length", 108, 2, FieldType::Unsigned, PacketLayer::Tcp),
        part("tcp.length", 112, 4, FieldType::Unsigned, PacketLayer::Tcp),
        part("udp.source", 10, 2, FieldType::Port, PacketLayer::Udp),
        part("udp.destination", 34, 2, FieldType::Port, PacketLayer::Udp),
        part("udp.length", 116, 2, FieldType::Unsigned, PacketLayer::Udp),
        part("icmp.type", 120, 1, FieldType::Unsigned, PacketLayer::Icmp),
        part("icmp.code", 121, 1, FieldType::Unsigned, PacketLayer::Icmp),
        part("icmp.id", 122, 2, FieldType::Unsigned, PacketLayer::Icmp),
        part("icmp.seq", 124, 2, FieldType::Unsigned, PacketLayer::Icmp),
    ];
}

const fn part(name: &'static str, at: u8, size: u8, kind: FieldType, layer: PacketLayer) -> PacketPart {
    PacketPart { name, at, size, kind, layer }
}

/// A part of a packet, by the names after it: `tcp.flags`.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketPart {
    /// With dots.
    pub name: &'static str,
    /// Where it begins; up to 8 bytes lie within an aligned word, what is longer is aligned to one.
    pub at: u8,
    /// Bytes of it.
    pub size: u8,
    /// How they are read.
    pub kind: FieldType,
    /// The header that a packet must have to have it.
    pub layer: PacketLayer,
}

/// `struct socket_parts` of `bpf/include/packet_parts.h`: what a cgroup hook at a call tells. Its parts are fetches like those of a packet.
///
/// ```text
/// 0    struct endpoint  destination  24 bytes, at `connect`
/// 24   u32              family       at `sock_create`, as the next two
/// 28   u32              type
/// 32   u32              protocol
/// 36   u32              zero
/// ```
pub struct SocketCallSlot;

impl SocketCallSlot {
    /// Bytes of it.
    pub const SIZE: u16 = 40;
    /// What can be named at `connect`.
    pub const CONNECT: &[PacketPart] = &[
        part("destination", 0, 24, FieldType::Endpoint, PacketLayer::Always),
        part("destination.ip", 8, 16, FieldType::Ip, PacketLayer::Always),
        part("destination.port", 2, 2, FieldType::Port, PacketLayer::Always),
        part("destination.family", 0, 2, FieldType::Named(NameTable::SocketFamily), PacketLayer::Always),
    ];
    /// What can be named at `sock_create`.
    pub const CREATE: &[PacketPart] = &[
        part("family", 24, 4, FieldType::Named(NameTable::SocketFamily), PacketLayer::Always),
        part("type", 28, 4, FieldType::Named(NameTable::SocketType), PacketLayer::Always),
        part("protocol", 32, 4, FieldType::Named(NameTable::IpProtocol), PacketLayer::Always),
    ];
}

/// A part of a value, by the names after it: `source.ip`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotPart {
    /// With dots.
    pub name: &'static str,
    /// Where it begins.
    pub offset: u16,
    /// Bytes of it.
    pub size: u16,
    /// How they are read.
    pub kind: FieldType,
    /// What says whether it is there; the offset is in the slot.
    pub of_end: Option<OfEnd>,
}
