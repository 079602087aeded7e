// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes whose order matters: addresses, ports, raw bytes. Of the value itself, or of the memory that a pointer points to.

use super::number::fetched;
use super::thing::{Thing, unfit};
use crate::expr::operand::Operand;
use crate::expr::path::{Place, Ty};
use crate::spec::{Cast, FetchCopy, FieldType, Narrow};
use crate::words::Refusal;

pub(super) fn bytes(
    place: Place<'_>,
    thing: &Thing,
    len: u16,
    kind: FieldType,
    cast: Option<&Cast>,
    text: &str,
) -> Result<Operand, Refusal> {
    let at = |place: Place<'_>| {
        let copy = place.copy();
        // What no pointer in the process's memory leads to.
        let is_first = kind == FieldType::Timespec && place.narrow == Narrow::Same && place.hops.is_empty();
        let place = if is_first { Place { narrow: Narrow::Timespec, ..place } } else { place };
        Ok(fetched(place, copy, len, len, len, kind.clone()))
    };
    if place.bits.is_some() {
        return Err(unfit(&place, cast, text).help("it is a bit-field"));
    }
    // Bytes of a program's memory, however few. A port or an IPv4 address is more often the argument itself.
    let is_value = matches!(kind, FieldType::Port | FieldType::Ipv4);
    match thing {
        Thing::Int { .. } if place.is_user_register() && !is_value => at(place.follow()),
        Thing::Pointer { .. } => at(place.follow()),
        Thing::Int { size, .. } | Thing::Bytes { size, .. } | Thing::Struct { size }
            if *size != 0 && u32::from(len) > *size =>
        {
            // An argument of unknown type may be an address.
            if matches!(place.ty, Ty::Int { size: 8, .. }) && !place.in_memory {
                return at(place.follow());
            }
            let needs = cast.map_or_else(String::new, |cast| format!("it has {size} bytes, `as {cast}` needs {len}"));
            Err(unfit(&place, cast, text).help(needs))
        }
        Thing::Int { .. } | Thing::Struct { size: 1..=8 } if !place.in_memory => {
            Ok(fetched(place, FetchCopy::Value, 8, 8, len, kind))
        }
        Thing::Int { .. } | Thing::Bytes { .. } | Thing::Struct { .. } | Thing::Elements | Thing::Untyped
            if place.in_memory =>
        {
            at(place)
        }
        Thing::Int { .. }
        | Thing::Bytes { .. }
        | Thing::Struct { .. }
        | Thing::Elements
        | Thing::Untyped
        | Thing::Nothing => Err(unfit(&place, cast, text)),
    }
}

/// An address by its length: of four bytes or of sixteen.
pub(super) fn ip(place: Place<'_>, thing: &Thing, cast: &Cast, text: &str) -> Result<Operand, Refusal> {
    match thing {
        Thing::Int { size: 4, .. } | Thing::Bytes { size: 4, .. } | Thing::Struct { size: 4 } => {
            bytes(place, thing, 4, FieldType::Ipv4, Some(cast), text)
        }
        Thing::Bytes { size: 16, .. } | Thing::Struct { size: 16 } => {
            bytes(place, thing, 16, FieldType::Ipv6, Some(cast), text)
        }
        Thing::Int { .. }
        | Thing::Pointer { .. }
        | Thing::Bytes { .. }
        | Thing::Struct { .. }
        | Thing::Elements
        | Thing::Untyped
        | Thing::Nothing => {
            let help = "its length does not tell which address it is: write `as ipv4` or `as ipv6`";
            Err(unfit(&place, Some(cast), text).help(help))
        }
    }
}

/// Bytes or text with a length of their own: at most `max`, as many as the last of `kept` says.
pub(super) fn counted(
    place: Place<'_>,
    thing: &Thing,
    (max, is_text): (u16, bool),
    kept: Vec<crate::spec::Fetch>,
    cast: &Cast,
    text: &str,
) -> Result<Operand, Refusal> {
    if !place.before.is_empty() {
        let message = format!("`{text}` has an index that is a value: it cannot have a length that is one as well");
        return Err(Refusal::new(message).help("write one of them as a number"));
    }
    let (place, max) = match thing {
        Thing::Pointer { .. } | Thing::Int { size: 8, .. } => (place.follow(), max),
        // It lies here, and never has more than there is.
        Thing::Bytes { size: 0, .. } | Thing::Elements | Thing::Struct { .. } | Thing::Untyped if place.in_memory => {
            (place, max)
        }
        Thing::Bytes { size, .. } if place.in_memory => (place, max.min(u16::try_from(*size).unwrap_or(max))),
        Thing::Int { .. }
        | Thing::Bytes { .. }
        | Thing::Elements
        | Thing::Struct { .. }
        | Thing::Untyped
        | Thing::Nothing => return Err(unfit(&place, Some(cast), text).help("it is no address of bytes")),
    };
    let length = kept.last().and_then(|fetch| fetch.keep).map(|keep| keep.number);
    let copy = match cast {
        Cast::UserString(_) => FetchCopy::User,
        _ => place.copy(),
    };
    let shown = max + 8;
    let mut operand =
        fetched(Place { before: kept, ..place }, copy, max, shown, shown, FieldType::Counted { text: is_text });
    if let crate::expr::operand::OperandSource::Fetch(fetch) = &mut operand.source {
        fetch.length = length;
    }
    Ok(operand)
}
