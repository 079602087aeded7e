// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts of ends and sockets that not each of them has.

/// What says whether a part of a value is there: only an end of the internet has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfEnd {
    /// Where that begins.
    pub offset: u32,
    /// Which part of it.
    pub part: EndPart,
}

/// A part that not each end or socket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndPart {
    /// Of an [`super::EndpointSlot`]: null unless it is AF_INET or AF_INET6.
    Ip,
    /// The same; null as well where the protocol has no ports.
    Port,
    /// Of an end of a socket, which may have none: 0 is null.
    Family,
    /// Behind the family of a [`super::SockSlot`]: null unless that is AF_INET or AF_INET6.
    Protocol,
}
