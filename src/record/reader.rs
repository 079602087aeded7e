// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the bytes of a field become a value: its [`FieldType`] with what can be known beforehand.

use core::net::IpAddr;
use core::ops::Range;

use super::endpoint::{Endpoint, EndpointAddress, SockEnds, address, is_internet, short};
use super::extras::{Extra, Extras};
use super::integer::Integer;
use super::named::{EnumNames, in_table};
use super::packet::PacketParts;
use super::path::PathNames;
use super::text::{counted, counted_text, text, words};
use super::value::FieldValue;
use crate::spec::{BitRange, ComputedType, EndPart, EndpointSlot, FieldType, NameTable};

/// A user or group id that says that none is set.
const UNSET_ID: u64 = u32::MAX as u64;

/// A compiled [`FieldType`]: those that most events have, so that the code of the others does not stand in their way.
#[derive(Debug, Clone)]
pub(super) enum FieldReader {
    Unsigned(Integer),
    Signed(Integer),
    Hex(Integer),
    Id(Integer),
    Text(Option<usize>),
    Other(OtherReader),
}

/// The other ones.
#[derive(Debug, Clone)]
pub(super) enum OtherReader {
    /// A bit-field of one bit or more.
    BoolBits(Integer),
    Bool,
    Flag,
    Argv,
    Path,
    Bytes,
    CountedText,
    CountedBytes,
    Ipv4,
    Ipv6,
    /// IPv4 or IPv6, by the address.
    Ip,
    Port,
    Mac,
    Uuid,
    /// The number with its sign, and its names.
    Enum(Integer, EnumNames),
    Table(Integer, NameTable),
    Duration,
    Timespec,
    Endpoint,
    OfEnd(Box<PartReader>),
    Sock,
    Packet,
    /// What is found out before the record is formatted: where it stands among that, and how a number is shown.
    Extra(usize, ExtraShow),
    /// A size that this type cannot have; a catalogue makes none. Never has a value.
    Unreadable,
}

/// How what was found out is shown where it is a number.
#[derive(Debug, Clone)]
pub(super) enum ExtraShow {
    Number,
    Hex,
    Duration,
    Named(NameTable),
    Enum(EnumNames),
}

impl FieldReader {
    /// `extra`: its place among what is found out, for the types of which [`FieldType::found_out`] says that there is something. `None` for a size that the type
    /// cannot have.
    pub(super) fn new(kind: &FieldType, size: u32, bits: Option<BitRange>, extra: usize) -> Option<Self> {
        let integer = || Integer::new(size, bits);
        Some(Self::Other(match kind {
            FieldType::Unsigned => return integer().map(Self::Unsigned),
            FieldType::Signed => return integer().map(Self::Signed),
            FieldType::Hex => return integer().map(Self::Hex),
            FieldType::Id => return integer().filter(|_| size == 4).map(Self::Id),
            FieldType::Bool if bits.is_some() => OtherReader::BoolBits(integer()?),
            FieldType::Bool => OtherReader::Bool,
            FieldType::Flag => OtherReader::Flag,
            FieldType::Text { limit } => return Some(Self::Text(limit.map(|limit| limit as usize))),
            FieldType::Argv => OtherReader::Argv,
            FieldType::Path => OtherReader::Path,
            FieldType::Bytes => OtherReader::Bytes,
            FieldType::Counted { text: true } => OtherReader::CountedText,
            FieldType::Counted { text: false } => OtherReader::CountedBytes,
            FieldType::Ipv4 => (size == 4).then_some(OtherReader::Ipv4)?,
            FieldType::Ipv6 => (size == 16).then_some(OtherReader::Ipv6)?,
            FieldType::Ip => (size == 16).then_some(OtherReader::Ip)?,
            FieldType::Port => (size == 2).then_some(OtherReader::Port)?,
            FieldType::Mac => (size >= 6).then_some(OtherReader::Mac)?,
            FieldType::Uuid => (size >= 16).then_some(OtherReader::Uuid)?,
            FieldType::Errno => {
                OtherReader::Enum(integer().filter(|_| size == 4)?, EnumNames::of_table(NameTable::Errno))
            }
            FieldType::Enum(names) => OtherReader::Enum(integer()?, EnumNames::new(names.to_vec())),
            FieldType::Named(table) => OtherReader::Table(integer()?, *table),
            FieldType::Duration => (size == 8).then_some(OtherReader::Duration)?,
            FieldType::Timespec => (size == 16).then_some(OtherReader::Timespec)?,
            FieldType::Endpoint => OtherReader::Endpoint,
            FieldType::Sock => SockEnds::fits(size).then_some(OtherReader::Sock)?,
            FieldType::Packet => PacketParts::fits(size).then_some(OtherReader::Packet)?,
            FieldType::Ktime
            | FieldType::Dev
            | FieldType::Ksym
            | FieldType::Usym
            | FieldType::Cgroup
            | FieldType::Container
            | FieldType::Histogram(_)
            | FieldType::Stack { .. } => OtherReader::Extra(extra, ExtraShow::Number),
            FieldType::Computed(_, shown) => OtherReader::Extra(extra, ExtraShow::of(shown)),
        }))
    }

    /// `true` where one that is absent is left out altogether.
    #[inline]
    pub(super) fn is_flag(&self) -> bool {
        matches!(self, Self::Other(OtherReader::Flag))
    }

    /// What the bytes of its slot say.
    #[inline(always)]
    pub(super) fn read<'a>(&'a self, slot: &'a [u8], extras: &'a Extras) -> FieldValue<'a> {
        match self {
            Self::Unsigned(integer) => FieldValue::Unsigned(integer.unsigned(slot)),
            Self::Signed(integer) => FieldValue::Signed(integer.signed(slot)),
            Self::Hex(integer) => FieldValue::Hex(integer.unsigned(slot)),
            Self::Id(integer) => match integer.unsigned(slot) {
                UNSET_ID => FieldValue::Null,
                id => FieldValue::Unsigned(id),
            },
            Self::Text(limit) => FieldValue::Text(text(slot, *limit)),
            Self::Other(other) => other.read(slot, extras),
        }
    }
}

impl OtherReader {
    #[inline(never)]
    fn read<'a>(&'a self, slot: &'a [u8], extras: &'a Extras) -> FieldValue<'a> {
        match self {
            Self::Bool => FieldValue::Bool(slot.iter().any(|&byte| byte != 0)),
            Self::BoolBits(integer) => FieldValue::Bool(integer.unsigned(slot) != 0),
            Self::Flag if slot.iter().all(|&byte| byte == 0) => FieldValue::Unset,
            Self::Flag => FieldValue::Bool(true),
            Self::Argv => FieldValue::Argv(words(slot)),
            Self::Path => FieldValue::Path(PathNames::of(slot)),
            Self::Bytes => FieldValue::Bytes(slot),
            Self::CountedText => FieldValue::Text(counted_text(slot)),
            Self::CountedBytes => match counted(slot) {
                (bytes, total) if total > bytes.len() => FieldValue::CutBytes(bytes),
                (bytes, _) => FieldValue::Bytes(bytes),
            },
            Self::Ipv4 => slot.first_chunk::<4>().map_or(FieldValue::Null, |bytes| FieldValue::Ipv4((*bytes).into())),
            Self::Ipv6 => slot.first_chunk::<16>().map_or(FieldValue::Null, |bytes| FieldValue::Ipv6((*bytes).into())),
            Self::Ip => slot.first_chunk().map_or(FieldValue::Null, |bytes| match address(*bytes) {
                IpAddr::V4(address) => FieldValue::Ipv4(address),
                IpAddr::V6(address) => FieldValue::Ipv6(address),
            }),
            Self::Port => FieldValue::Unsigned(slot.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes).into())),
            Self::Mac => slot.first_chunk().map_or(FieldValue::Null, FieldValue::Mac),
            Self::Uuid => slot.first_chunk().map_or(FieldValue::Null, FieldValue::Uuid),
            Self::Enum(integer, names) => names.value(integer.signed(slot)),
            Self::Table(integer, table @ NameTable::Errno) => in_table(integer.signed(slot), *table),
            Self::Table(integer, table) => in_table(integer.unsigned(slot).cast_signed(), *table),
            Self::Duration => FieldValue::Duration(number(slot)),
            Self::Timespec => FieldValue::Duration(timespec_ns(slot)),
            Self::Endpoint => match Endpoint::of(slot) {
                end if end.address() == EndpointAddress::None => FieldValue::Null,
                end => FieldValue::Endpoint(end),
            },
            Self::OfEnd(part) => part.read(slot, extras),
            Self::Sock => FieldValue::Sock(SockEnds::of(slot)),
            Self::Packet => FieldValue::Packet(PacketParts::of(slot)),
            Self::Extra(index, show) => extra(extras.get(*index), show),
            Self::Unreadable => FieldValue::Null,
        }
    }
}

/// A part that not each end has, behind what tells whether this one does.
#[derive(Debug, Clone)]
pub(super) struct PartReader {
    part: EndPart,
    /// Where in that it lies.
    place: Range<usize>,
    reader: FieldReader,
}

impl PartReader {
    /// Bytes that a part is read from.
    pub(super) fn bytes(part: EndPart) -> u32 {
        match part {
            EndPart::Ip | EndPart::Port | EndPart::Family => EndpointSlot::SHORT.into(),
            EndPart::Protocol => 4,
        }
    }

    /// Reads what is `at` bytes into the end or socket.
    pub(super) fn field(part: EndPart, at: usize, size: usize, reader: FieldReader) -> FieldReader {
        let reader = Self { part, place: at..at.saturating_add(size), reader };
        FieldReader::Other(OtherReader::OfEnd(Box::new(reader)))
    }

    fn read<'a>(&'a self, end: &'a [u8], extras: &'a Extras) -> FieldValue<'a> {
        let is_there = match (self.part, Endpoint::of(end).address()) {
            (EndPart::Ip, EndpointAddress::Ip(..)) | (EndPart::Port, EndpointAddress::Ip(_, Some(_))) => true,
            (EndPart::Ip | EndPart::Port, _) => false,
            (EndPart::Family, _) => short(end, 0) != 0,
            (EndPart::Protocol, _) => is_internet(short(end, 0)),
        };
        match end.get(self.place.clone()) {
            Some(slot) if is_there => self.reader.read(slot, extras),
            Some(_) | None => FieldValue::Null,
        }
    }
}

impl ExtraShow {
    fn of(shown: &ComputedType) -> Self {
        match shown {
            ComputedType::Signed | ComputedType::Unsigned | ComputedType::Bool | ComputedType::Ktime => Self::Number,
            ComputedType::Duration => Self::Duration,
            ComputedType::Hex => Self::Hex,
            ComputedType::Named(table) => Self::Named(*table),
            ComputedType::Enum(names) => Self::Enum(EnumNames::new(names.to_vec())),
        }
    }
}

fn extra<'a>(extra: Extra<'a>, show: &'a ExtraShow) -> FieldValue<'a> {
    match (extra, show) {
        (Extra::Null, _) => FieldValue::Null,
        (Extra::Bool(value), _) => FieldValue::Bool(value),
        (Extra::Text(text), _) => FieldValue::Text(text),
        (Extra::Histogram(histogram), _) => FieldValue::Histogram(histogram),
        (Extra::Stack(frames), _) => FieldValue::Stack(frames),
        (Extra::Time(unix_ns), _) => FieldValue::Time(unix_ns),
        (Extra::Address(address), _) => FieldValue::Hex(address),
        (Extra::Number { bits, signed: true }, ExtraShow::Number) => FieldValue::Signed(bits.cast_signed()),
        (Extra::Number { bits, signed: false }, ExtraShow::Number) => FieldValue::Unsigned(bits),
        (Extra::Number { bits, .. }, ExtraShow::Hex) => FieldValue::Hex(bits),
        (Extra::Number { bits, .. }, ExtraShow::Duration) => FieldValue::Duration(bits.cast_signed()),
        (Extra::Number { bits, .. }, ExtraShow::Named(table)) => in_table(bits.cast_signed(), *table),
        (Extra::Number { bits, .. }, ExtraShow::Enum(names)) => names.value(bits.cast_signed()),
    }
}

/// Eight bytes.
pub(super) fn number(slot: &[u8]) -> i64 {
    slot.first_chunk().map_or(0, |bytes| i64::from_ne_bytes(*bytes))
}

/// Seconds and nanoseconds as nanoseconds; what is longer than 292 years is that.
fn timespec_ns(slot: &[u8]) -> i64 {
    let (seconds, ns) = (number(slot), number(slot.get(8..).unwrap_or_default()));
    seconds.saturating_mul(1_000_000_000).saturating_add(ns)
}
