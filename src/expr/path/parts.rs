// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of several parts: what `as sock`, `as sockaddr` and `as packet` make of an address, and what their parts are.

use super::place::Place;
use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{
    Cast, EndPart, EndpointSlot, Fetch, FetchCopy, FieldType, NameTable, OfEnd, PacketLayer, PacketPart, PacketSlot,
    SlotPart, SockSlot,
};
use crate::words::{Refusal, suggest};

const LONG: u16 = EndpointSlot::LONG;
const DESTINATION: u16 = LONG;

/// What can be named after a `sockaddr`.
const SOCKADDR: &[SlotPart] =
    &[ip("ip", 0), port("port", 0), part("family", 0, 2, FieldType::Named(NameTable::SocketFamily))];

/// What can be named after a `sock`.
const SOCK: &[SlotPart] = &[
    part("source", 0, LONG, FieldType::Endpoint),
    ip("source.ip", 0),
    port("source.port", 0),
    family("source.family", 0),
    part("destination", DESTINATION, LONG, FieldType::Endpoint),
    ip("destination.ip", DESTINATION),
    port("destination.port", DESTINATION),
    family("destination.family", DESTINATION),
    part("family", SockSlot::FAMILY, 2, FieldType::Named(NameTable::SocketFamily)),
    SlotPart {
        name: "protocol",
        offset: SockSlot::FAMILY + 2,
        size: 2,
        kind: FieldType::Named(NameTable::IpProtocol),
        of_end: of_end(SockSlot::FAMILY, EndPart::Protocol),
    },
];

const fn part(name: &'static str, offset: u16, size: u16, kind: FieldType) -> SlotPart {
    SlotPart { name, offset, size, kind, of_end: None }
}

/// The address of the end that begins there.
const fn ip(name: &'static str, end: u16) -> SlotPart {
    SlotPart { name, offset: end + 8, size: 16, kind: FieldType::Ip, of_end: of_end(end, EndPart::Ip) }
}

const fn port(name: &'static str, end: u16) -> SlotPart {
    SlotPart { name, offset: end + 2, size: 2, kind: FieldType::Port, of_end: of_end(end, EndPart::Port) }
}

const fn family(name: &'static str, end: u16) -> SlotPart {
    let kind = FieldType::Named(NameTable::SocketFamily);
    SlotPart { name, offset: end, size: 2, kind, of_end: of_end(end, EndPart::Family) }
}

const fn of_end(end: u16, part: EndPart) -> Option<OfEnd> {
    Some(OfEnd { offset: end as u32, part })
}

/// A value of several parts, or one of them that may have parts itself.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Composite<'a> {
    /// At which address.
    place: Place<'a>,
    what: What,
    /// The names that were taken already, with dots; empty: the whole.
    taken: String,
    /// True where only other targets have it.
    is_absent: bool,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Sock,
    Sockaddr,
    /// These parts, each a fetch of its own.
    Parts(&'static [PacketPart]),
}

impl<'a> Composite<'a> {
    /// What a cast makes of an address; `None` where its type is a single value.
    pub(in crate::expr) fn of(cast: &Cast, place: Place<'a>) -> Option<Self> {
        let what = match cast {
            Cast::Sock => What::Sock,
            Cast::Sockaddr => What::Sockaddr,
            Cast::Packet => What::Parts(PacketSlot::PARTS),
            Cast::Unsigned { .. }
            | Cast::Signed { .. }
            | Cast::Hex
            | Cast::Bool
            | Cast::Duration
            | Cast::Ktime
            | Cast::Timespec
            | Cast::String(_)
            | Cast::UserString(_)
            | Cast::Bytes(_)
            | Cast::Named(_)
            | Cast::Enum(_)
            | Cast::Struct(_)
            | Cast::Ipv4
            | Cast::Ipv6
            | Cast::Ip
            | Cast::Port
            | Cast::Mac
            | Cast::Path { .. }
            | Cast::FdPath
            | Cast::Dev
            | Cast::Ksym
            | Cast::Usym
            | Cast::Cgroup
            | Cast::Uid
            | Cast::Uuid => return None,
        };
        Some(Self { place, what, taken: String::new(), is_absent: false })
    }

    /// The same where only other targets of the probe have it: null, with the types of its parts.
    #[must_use]
    pub(in crate::expr) fn absent(self) -> Self {
        Self { is_absent: true, ..self }
    }

    /// What the program was called for: the packet or the call at hand. `taken` is the name that the hook calls a part, empty where
    /// it is the whole.
    pub(in crate::expr) fn at_hand(place: Place<'a>, parts: &'static [PacketPart], taken: &str) -> Self {
        Self { place, what: What::Parts(parts), taken: taken.to_owned(), is_absent: false }
    }

    /// True where a `sockaddr` has a part of this name.
    pub(in crate::expr) fn is_part_of_sockaddr(name: &str) -> bool {
        SOCKADDR.iter().any(|part| part.name == name)
    }

    fn names(&self) -> Vec<&'static str> {
        match self.what {
            What::Sock => SOCK.iter().map(|part| part.name).collect(),
            What::Sockaddr => SOCKADDR.iter().map(|part| part.name).collect(),
            What::Parts(parts) => parts.iter().map(|part| part.name).collect(),
        }
    }

    /// `.name`; `text` is how the path here is written.
    pub(in crate::expr) fn step(mut self, name: &str, text: &str) -> Result<Self, Refusal> {
        let before = if self.taken.is_empty() { String::new() } else { format!("{}.", self.taken) };
        let wanted = format!("{before}{name}");
        let is_known =
            |known: &&str| *known == wanted || known.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('.'));
        if self.names().iter().any(is_known) {
            self.taken = wanted;
            return Ok(self);
        }
        let mut here: Vec<&str> = Vec::new();
        for known in self.names().into_iter().filter_map(|known| known.strip_prefix(before.as_str())) {
            let first = known.split('.').next().unwrap_or(known);
            if !here.contains(&first) {
                here.push(first);
            }
        }
        let message = format!("`{text}` has no part `{name}`");
        Err(Refusal::new(message).maybe_help(suggest(name, here, "its parts are")))
    }

    /// The value itself; `text` is how it is written.
    pub(in crate::expr) fn operand(self, text: &str) -> Result<Operand, Refusal> {
        let is_absent = self.is_absent;
        let operand = self.read(text)?;
        Ok(if is_absent { Operand::nothing(operand.kind, operand.size) } else { operand })
    }

    fn read(self, text: &str) -> Result<Operand, Refusal> {
        let whole = |kind, size| part("", 0, size, kind);
        let of = |table: &'static [SlotPart], whole: SlotPart| {
            table.iter().find(|part| part.name == self.taken).cloned().unwrap_or(whole)
        };
        match self.what {
            What::Sock => {
                let part = of(SOCK, whole(FieldType::Sock, SockSlot::SIZE));
                Ok(operand(self.place.fetch(FetchCopy::Sock, SockSlot::SIZE, SockSlot::SIZE), &part))
            }
            What::Sockaddr => {
                let part = of(SOCKADDR, whole(FieldType::Endpoint, LONG));
                Ok(operand(self.place.fetch(FetchCopy::Sockaddr, LONG, LONG), &part))
            }
            What::Parts(parts) => packet(self.place, parts, &self.taken, text),
        }
    }
}

fn operand((before, fetch): (Vec<Fetch>, Fetch), part: &SlotPart) -> Operand {
    Operand {
        before,
        source: OperandSource::Fetch(fetch),
        part: part.offset,
        size: part.size,
        of_end: part.of_end,
        bits: None,
        kind: part.kind.clone(),
    }
}

fn packet(place: Place<'_>, parts: &'static [PacketPart], taken: &str, text: &str) -> Result<Operand, Refusal> {
    let (at, size, kind, layer) = match parts.iter().find(|part| part.name == taken) {
        Some(part) => (part.at, u16::from(part.size), part.kind.clone(), part.layer),
        None if taken.is_empty() => (0, PacketSlot::SIZE, FieldType::Packet, PacketLayer::Always),
        None => {
            let inner: Vec<&str> =
                parts.iter().filter_map(|part| part.name.strip_prefix(taken)?.strip_prefix('.')).collect();
            let message = format!("`{text}` has no single value");
            return Err(Refusal::new(message).maybe_help(suggest("", inner, "choose a part:")));
        }
    };
    let fetched = place.fetch(FetchCopy::Packet { part: at, layer }, size, size);
    Ok(operand(fetched, &part("", 0, size, kind)))
}
