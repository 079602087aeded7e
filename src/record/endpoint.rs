// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ends of a connection, as [`EndpointSlot`] and [`SockSlot`] lie in a record.

use core::net::{IpAddr, Ipv6Addr};

use crate::spec::{EndpointSlot, SockSlot};

/// `AF_UNIX`, `AF_INET`, `AF_INET6` of every architecture.
const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;

/// One end of a connection, still in the record's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<'a>(&'a [u8]);

/// What an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointAddress<'a> {
    /// There is none, or it is of a family that nothing is known of.
    None,
    /// Address, and port if the protocol has ports.
    Ip(IpAddr, Option<u16>),
    /// A path; one that begins with NUL is an abstract name, an empty one is none.
    Unix(&'a [u8]),
}

impl<'a> Endpoint<'a> {
    pub(super) fn of(slot: &'a [u8]) -> Self {
        Self(slot)
    }

    /// What it is. An IPv4 address that an IPv6 socket has is one.
    pub fn address(self) -> EndpointAddress<'a> {
        let Some((head, path)) = self.0.split_first_chunk::<{ EndpointSlot::SHORT as usize }>() else {
            return EndpointAddress::None;
        };
        let [f0, f1, p0, p1, l0, l1, l2, l3, ip @ ..] = *head;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        match u16::from_ne_bytes([f0, f1]) {
            INET | INET6 => EndpointAddress::Ip(address(ip), (length == 0).then(|| u16::from_be_bytes([p0, p1]))),
            UNIX => EndpointAddress::Unix(&path[..length.min(path.len())]),
            _other => EndpointAddress::None,
        }
    }
}

/// An IPv6 address, or the IPv4 address that it stands for.
pub(super) fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// True for AF_INET and AF_INET6.
pub(super) fn is_internet(family: u16) -> bool {
    matches!(family, INET | INET6)
}

/// Two bytes; 0 where there are none.
pub(super) fn short(slot: &[u8], at: usize) -> u16 {
    slot.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_ne_bytes(*bytes))
}

/// Both ends of a socket, still in the record's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SockEnds<'a>(&'a [u8]);

impl<'a> SockEnds<'a> {
    pub(super) fn of(slot: &'a [u8]) -> Self {
        Self(slot)
    }

    /// This machine's end.
    pub fn source(self) -> Endpoint<'a> {
        self.end(0)
    }

    /// The other end.
    pub fn destination(self) -> Endpoint<'a> {
        self.end(EndpointSlot::LONG.into())
    }

    /// `AF_…`
    pub fn family(self) -> u16 {
        self.number(SockSlot::FAMILY.into())
    }

    /// `IPPROTO_…`; none where the family is not of the internet: there the number means something else.
    pub fn protocol(self) -> Option<u16> {
        is_internet(self.family()).then(|| self.number((SockSlot::FAMILY + 2).into()))
    }

    fn end(self, at: usize) -> Endpoint<'a> {
        Endpoint(self.0.get(at..at + usize::from(EndpointSlot::LONG)).unwrap_or_default())
    }

    fn number(self, at: usize) -> u16 {
        short(self.0, at)
    }

    /// Whether a slot of this size can hold one.
    pub(super) fn fits(size: u32) -> bool {
        size >= SockSlot::SIZE.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(family: u16, port: u16, path: &[u8], ip: [u8; 16]) -> Vec<u8> {
        let mut slot =
            [&family.to_ne_bytes()[..], &port.to_be_bytes(), &(path.len() as u32).to_ne_bytes(), &ip, path].concat();
        slot.resize(EndpointSlot::LONG.into(), 0xaa);
        slot
    }

    /// Each family shows its own bytes and never those of another.
    #[test]
    fn families() {
        let four = core::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets();
        let address = |slot: &[u8]| match Endpoint::of(slot).address() {
            EndpointAddress::None => "-".to_owned(),
            EndpointAddress::Ip(ip, port) => format!("{ip} {}", port.map_or(-1, i32::from)),
            EndpointAddress::Unix(path) => path.escape_ascii().to_string(),
        };
        assert_eq!(address(&slot(INET, 443, b"", four)), "10.0.0.1 443");
        assert_eq!(address(&slot(INET6, 53, b"", four)), "10.0.0.1 53");
        assert_eq!(address(&slot(INET, 53, b"x", four)), "10.0.0.1 -1");
        assert_eq!(address(&slot(INET6, 53, b"", [0; 16])), ":: 53");
        assert_eq!(address(&slot(UNIX, 443, b"/run/x", four)), "/run/x");
        assert_eq!(address(&slot(UNIX, 0, b"\0abc", [0; 16])), "\\x00abc");
        assert_eq!(address(&slot(17, 443, b"", four)), "-");
        assert_eq!(address(&slot(INET, 443, b"", four)[..24]), "10.0.0.1 443");
        assert_eq!(address(&[2, 0]), "-");
        let mut long = slot(UNIX, 0, b"/x", [0; 16]);
        long[4..8].fill(0xff);
        assert_eq!(Endpoint::of(&long).address(), EndpointAddress::Unix(&long[24..]));
    }
}
