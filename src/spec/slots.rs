// SPDX-License-Identifier: MIT OR Apache-2.0
//! How values of several parts lie in a record, and what their parts are called: what `.source.ip` takes of a `sock`.
//!
//! `bpf/include/endpoint.h` writes the same structs; a test compares the two by BTF.

use super::layout::FieldType;

/// `struct endpoint`: one end of a connection. 24 bytes where it cannot be of AF_UNIX, else 136.
///
/// ```text
/// 0   u16   family       AF_INET, AF_INET6, AF_UNIX; 0: there is none
/// 2   be16  port
/// 4   u32   path_length  bytes of the path, which may begin with NUL (an abstract name)
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
}

/// `struct packet_parts`, of `bpf/include/packet.h`.
pub struct PacketSlot;

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
}
