// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a field of a record can hold, once its bytes have been read.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::endpoint::{Endpoint, SockEnds};
use super::histogram::Histogram;
use super::packet::PacketParts;
use super::path::PathNames;
use super::stack::StackFrame;
use crate::spec::NameTable;

/// The value of one field of one record. Borrows from the record and its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// It has no value: it could not be read, or the record ends before it. `null` in JSON.
    Null,
    /// A flag that is not set, which formats leave out altogether.
    Unset,
    /// `true` or `false`; a flag that is set is `true`.
    Bool(bool),
    /// A count, an id, a port.
    Unsigned(u64),
    /// An integer with a sign.
    Signed(i64),
    /// An integer that people read in hexadecimal: an address, a mask.
    Hex(u64),
    /// Text, of which the end may be missing.
    Text(FieldText<'a>),
    /// The words of a command line, each with its NUL; the last one may have none. Any bytes, UTF-8 or not.
    Argv(&'a [u8]),
    /// A path, still in the order in which its names were collected.
    Path(PathNames<'a>),
    /// Bytes that are no text.
    Bytes(&'a [u8]),
    /// The same; there were more of them.
    CutBytes(&'a [u8]),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A number of a set that has names, as errors and protocols have.
    Named(NamedNumber<'a>),
    /// A number, or bits, that a built-in table names.
    InTable(TableNumber),
    /// Nanoseconds, as a length of time.
    Duration(i64),
    /// A time of day: nanoseconds since 1970, UTC.
    Time(u64),
    /// An address of a network card.
    Mac(&'a [u8; 6]),
    /// `6ba7b810-9dad-11d1-80b4-00c04fd430c8`
    Uuid(&'a [u8; 16]),
    /// One end of a connection.
    Endpoint(Endpoint<'a>),
    /// Both ends of a socket.
    Sock(SockEnds<'a>),
    /// What the headers of a packet say.
    Packet(PacketParts<'a>),
    /// How many values fell into which bucket.
    Histogram(&'a Histogram),
    /// Which functions led to the event, the innermost first; at least one.
    Stack(&'a [StackFrame]),
}

/// A number and its name, by a thin pointer: so a value is three words, and an event costs up to a twentieth less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedNumber<'a> {
    /// The number.
    pub number: i64,
    /// Its name; `None` where this one has none.
    pub name: Option<&'a String>,
}

/// A number and the table that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableNumber {
    /// As [`NameTable::write`] takes it.
    pub number: i64,
    /// Where its name stands.
    pub table: NameTable,
}

/// Text of a record, as bytes that somebody else chose: they need not be UTF-8, and may be what a terminal acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldText<'a> {
    /// The text without its NUL. It does not end inside a UTF-8 character that was cut.
    pub bytes: &'a [u8],
    /// There was more of it than the field shows.
    pub is_cut: bool,
}

impl FieldValue<'_> {
    /// False where the field has no value, and where it is a flag that is not set.
    #[inline]
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Null | Self::Unset)
    }

    /// True for a text that goes on where it ends, and for a path whose beginning is missing.
    #[inline]
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Text(text) => text.is_cut,
            Self::Path(path) => path.is_cut(),
            Self::CutBytes(_) => true,
            Self::Null
            | Self::Unset
            | Self::Bool(_)
            | Self::Unsigned(_)
            | Self::Signed(_)
            | Self::Hex(_)
            | Self::Argv(_)
            | Self::Bytes(_)
            | Self::Ipv4(_)
            | Self::Ipv6(_)
            | Self::Named(_)
            | Self::InTable(_)
            | Self::Duration(_)
            | Self::Time(_)
            | Self::Mac(_)
            | Self::Uuid(_)
            | Self::Endpoint(_)
            | Self::Sock(_)
            | Self::Packet(_)
            | Self::Histogram(_)
            | Self::Stack(_) => false,
        }
    }

    /// The number after it, whatever it is written as; `None` for what is no number.
    pub fn number(&self) -> Option<i128> {
        match *self {
            Self::Unsigned(number) | Self::Hex(number) | Self::Time(number) => Some(number.into()),
            Self::InTable(TableNumber { number, table }) if table.is_flags() => Some(number.cast_unsigned().into()),
            Self::Signed(number)
            | Self::Named(NamedNumber { number, .. })
            | Self::InTable(TableNumber { number, .. })
            | Self::Duration(number) => Some(number.into()),
            Self::Null
            | Self::Unset
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Argv(_)
            | Self::Path(_)
            | Self::Bytes(_)
            | Self::CutBytes(_)
            | Self::Ipv4(_)
            | Self::Ipv6(_)
            | Self::Mac(_)
            | Self::Uuid(_)
            | Self::Endpoint(_)
            | Self::Sock(_)
            | Self::Packet(_)
            | Self::Histogram(_)
            | Self::Stack(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value is three words: one is handed over for each field of each event.
    #[test]
    fn values_are_small() {
        assert_eq!(size_of::<FieldValue<'_>>(), 24);
    }
}
