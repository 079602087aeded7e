// SPDX-License-Identifier: MIT OR Apache-2.0
//! A packet, as [`PacketSlot`] lies in a record.

use super::endpoint::Endpoint;
use crate::spec::{EndpointSlot, PacketLayer, PacketSlot};

/// Where the bits of the headers and the protocol are.
const LAYERS: usize = 4;
const PROTOCOL: usize = 5;

/// What the headers of a packet say, still in the record's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketParts<'a>(&'a [u8]);

impl<'a> PacketParts<'a> {
    pub(super) fn of(slot: &'a [u8]) -> Self {
        Self(slot)
    }

    /// Whether a slot of this size can hold one.
    pub(super) fn fits(size: u32) -> bool {
        size >= PacketSlot::SIZE.into()
    }

    /// Bytes of it.
    pub fn length(self) -> u32 {
        self.0.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    /// `IPPROTO_…`; `None` where it is not IP.
    pub fn protocol(self) -> Option<u8> {
        let is_ip = self.0.get(LAYERS).is_some_and(|layers| layers & PacketLayer::Ip as u8 != 0);
        self.0.get(PROTOCOL).copied().filter(|_| is_ip)
    }

    /// Where it comes from.
    pub fn source(self) -> Endpoint<'a> {
        self.end(PacketSlot::SOURCE)
    }

    /// Where it goes.
    pub fn destination(self) -> Endpoint<'a> {
        self.end(PacketSlot::DESTINATION)
    }

    fn end(self, at: u8) -> Endpoint<'a> {
        let at = usize::from(at);
        Endpoint::of(self.0.get(at..at + usize::from(EndpointSlot::SHORT)).unwrap_or_default())
    }
}
