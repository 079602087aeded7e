// SPDX-License-Identifier: MIT OR Apache-2.0
//! Integers: `u8`, `i64`, `hex`, `errno`, `duration`, an enum, a user id.

use super::thing::{Thing, unfit};
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::path::Place;
use crate::spec::{BitRange, Cast, FieldType};
use crate::words::Refusal;

/// `Some(signed)` for what is an integer of up to eight bytes, however it is shown.
pub(in crate::expr) fn is_number(kind: &FieldType) -> Option<bool> {
    match kind {
        FieldType::Signed | FieldType::Enum(_) | FieldType::Named(_) | FieldType::Duration | FieldType::Errno => {
            Some(true)
        }
        FieldType::Unsigned
        | FieldType::Id
        | FieldType::Bool
        | FieldType::Flag
        | FieldType::Hex
        | FieldType::Ktime
        | FieldType::Dev
        | FieldType::Ksym
        | FieldType::Usym
        | FieldType::Cgroup
        | FieldType::Container => Some(false),
        FieldType::Text { .. }
        | FieldType::Argv
        | FieldType::Path
        | FieldType::Bytes
        | FieldType::Ipv4
        | FieldType::Ipv6
        | FieldType::Port
        | FieldType::Timespec
        | FieldType::Ip
        | FieldType::Mac
        | FieldType::Uuid
        | FieldType::Endpoint
        | FieldType::Sock
        | FieldType::Packet
        | FieldType::Counted { .. }
        | FieldType::Histogram(_)
        | FieldType::Stack { .. }
        | FieldType::Computed(..) => None,
    }
}

/// How an integer that is read must lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// Its own.
    Own,
    /// The low bytes of it: so many.
    Low(u32),
    /// So many bytes, neither more nor less.
    Exactly(u32),
}

pub(super) fn integer(
    place: Place<'_>,
    thing: &Thing,
    width: Width,
    kind: FieldType,
    cast: Option<&Cast>,
    text: &str,
) -> Result<Operand, Refusal> {
    let own = match thing {
        Thing::Int { size, .. } => *size,
        Thing::Pointer { .. } => 8,
        Thing::Bytes { size, .. } | Thing::Struct { size } if place.in_memory && width != Width::Own => *size,
        // A raw tracepoint has small structs by value.
        Thing::Struct { size: size @ 1..=8 } if !place.in_memory => *size,
        // A capability set, an id, an atomic: a struct around one integer.
        Thing::Struct { size: size @ (1 | 2 | 4 | 8) } => *size,
        Thing::Untyped => match width {
            Width::Own => 8,
            Width::Low(size) | Width::Exactly(size) => size,
        },
        Thing::Bytes { .. } | Thing::Struct { .. } | Thing::Elements | Thing::Nothing => {
            return Err(unfit(&place, cast, text).help("it is not an integer"));
        }
    };
    let size = match width {
        Width::Own => own,
        Width::Low(size) | Width::Exactly(size) => size,
    };
    if place.bits.is_some() {
        return bit_field(place, own, size, kind, cast, text);
    }
    let plural = if own == 1 { "" } else { "s" };
    // A register is always whole: a function may be declared to take an `int` and use 64 bits of it.
    if place.in_memory && size > own && own != 0 {
        let help = format!("it has {own} byte{plural}: a wider type would read past its end");
        return Err(unfit(&place, cast, text).help(help));
    }
    if !matches!(size, 1 | 2 | 4 | 8) {
        let help = format!("it has {size} bytes, and integers have 1, 2, 4 or 8: `as bytes({size})`");
        return Err(unfit(&place, cast, text).help(help));
    }
    // A truth value has one byte; of a longer integer all bits count.
    let is_long = kind == FieldType::Bool && size > 1;
    let bits = is_long.then_some(BitRange { shift: 0, width: (size * 8) as u8 });
    let place = Place { bits, ..place };
    let copy = place.copy();
    let bytes = if place.in_memory { size as u16 } else { 8 };
    Ok(fetched(place, copy, bytes, bytes, size as u16, kind))
}

/// A bit-field: all of the integer that holds it is fetched, and the bits that count are told.
fn bit_field(
    mut place: Place<'_>,
    own: u32,
    size: u32,
    kind: FieldType,
    cast: Option<&Cast>,
    text: &str,
) -> Result<Operand, Refusal> {
    let Some(BitRange { shift, width }) = place.bits else { return Err(unfit(&place, cast, text)) };
    if u32::from(width) > size * 8 {
        let help =
            format!("it has {width} bits, `{}` has {}", cast.map_or_else(String::new, Cast::to_string), size * 8);
        return Err(unfit(&place, cast, text).help(help));
    }
    let (mut bytes, mut shift) = (own, shift);
    // What is shown as one byte is taken from the byte that has it.
    if kind == FieldType::Bool && shift / 8 == (shift + width - 1) / 8 {
        place.offset += i32::from(shift / 8);
        (bytes, shift) = (1, shift % 8);
    }
    let bits = Some(BitRange { shift, width });
    let copy = place.copy();
    let operand = fetched(Place { bits, ..place }, copy, bytes as u16, bytes as u16, bytes as u16, kind);
    Ok(operand)
}

/// An operand of `size` fetched bytes, in a slot of `slot`, of which `shown` are looked at.
pub(super) fn fetched(
    place: Place<'_>,
    copy: crate::spec::FetchCopy,
    size: u16,
    slot: u16,
    shown: u16,
    kind: FieldType,
) -> Operand {
    let bits = place.bits;
    let (before, fetch) = place.fetch(copy, size, slot);
    Operand { before, source: OperandSource::Fetch(fetch), part: 0, size: shown, of_end: None, bits, kind }
}
