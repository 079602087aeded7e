// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a type means where nothing follows: text of a pointer to `char`, an address of a `struct sockaddr`, names of an enum.

use super::head::of_head;
use super::memory::bytes;
use super::number::{Width, integer};
use super::object::address;
use super::text::text;
use super::thing::{Thing, members, thing, unfit};
use crate::expr::operand::Operand;
use crate::expr::path::{Composite, Place, Ty};
use crate::spec::{Cast, DEFAULT_TEXT_BYTES, FieldType};
use crate::words::Refusal;

/// What is at a place, read as its type says; `written` is how the path is written.
pub(in crate::expr) fn by_type(place: Place<'_>, written: &str) -> Result<Operand, Refusal> {
    if let Ty::Head(name) = place.ty {
        return of_head(name, None, written);
    }
    let thing = thing(&place);
    let number = |place, kind| integer(place, &thing, Width::Own, kind, None, written);
    match (&thing, place.ty.struct_name()) {
        (Thing::Pointer { .. } | Thing::Struct { .. }, "sockaddr") => {
            let place = address(place, &Cast::Sockaddr, written)?;
            match Composite::of(&Cast::Sockaddr, place) {
                Some(composite) => composite.operand(written),
                None => Err(Refusal::new(format!("`{written}` has no single value"))),
            }
        }
        (Thing::Struct { .. }, "timespec64" | "__kernel_timespec") if place.in_memory => {
            bytes(place, &thing, 16, FieldType::Timespec, None, written)
        }
        (Thing::Int { size: 4, kind: FieldType::Id, .. }, _) => number(place, FieldType::Id),
        (Thing::Int { kind, .. }, _) => number(place, kind.clone()),
        (Thing::Pointer { text: true }, _) => text(place, &thing, DEFAULT_TEXT_BYTES, false, None, written),
        (Thing::Pointer { text: false }, _) => number(place, FieldType::Hex),
        (Thing::Bytes { text: true, .. }, _) => text(place, &thing, DEFAULT_TEXT_BYTES, false, None, written),
        (Thing::Bytes { size: size @ 1..=64, .. }, _) => {
            bytes(place, &thing, *size as u16, FieldType::Bytes, None, written)
        }
        (Thing::Bytes { .. }, _) => Err(unfit(&place, None, written).help("add a size: `as bytes(N)`")),
        (Thing::Elements, _) => Err(unfit(&place, None, written).help(format!("choose an element: `{written}[0]`"))),
        (Thing::Struct { .. }, _) => {
            let members = members(&place);
            Err(unfit(&place, None, written).help(format!("choose a member: {members}, or `as bytes(N)`")))
        }
        (Thing::Untyped, _) => {
            let help = format!("the kernel's BTF leaves its type out: choose an element, `{written}[0]`, or `as u64`");
            Err(unfit(&place, None, written).help(help))
        }
        (Thing::Nothing, _) => Err(unfit(&place, None, written)),
    }
}
