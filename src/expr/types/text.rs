// SPDX-License-Identifier: MIT OR Apache-2.0
//! NUL-terminated text: `string`, `user_string`, and what points to `char`.

use super::number::fetched;
use super::thing::{Thing, unfit};
use crate::expr::operand::Operand;
use crate::expr::path::Place;
use crate::spec::{Cast, FetchCopy, FieldType};
use crate::words::Refusal;

/// Two bytes more than are shown are fetched: one tells whether there was more, one is the NUL. `user`: only in the process's
/// memory, whatever the address says.
pub(super) fn text(
    place: Place<'_>,
    thing: &Thing,
    max: u16,
    user: bool,
    cast: Option<&Cast>,
    written: &str,
) -> Result<Operand, Refusal> {
    let at = |place: Place<'_>| {
        let copy = if user || place.is_user_memory() { FetchCopy::UserText } else { FetchCopy::KernelText };
        Ok(fetched(place, copy, max + 2, max + 2, max + 2, FieldType::Text { limit: Some(u32::from(max)) }))
    };
    match thing {
        Thing::Pointer { .. } => at(place.follow()),
        Thing::Int { size: 8, .. } if place.bits.is_none() => at(place.follow()),
        Thing::Bytes { .. } if place.in_memory && user && !place.is_user_memory() => {
            Err(unfit(&place, cast, written).help("it is in kernel memory: write `as string`"))
        }
        // Text that lies here. A fixed array need not end in NUL: it is copied as it is.
        Thing::Bytes { size, .. } if place.in_memory => match u16::try_from(*size) {
            Ok(0) => at(place),
            Ok(size) if size <= max => {
                let copy = place.copy();
                Ok(fetched(place, copy, size, size, size, FieldType::Text { limit: None }))
            }
            Ok(_) | Err(_) => at(place),
        },
        Thing::Untyped => at(place),
        Thing::Int { .. } | Thing::Bytes { .. } | Thing::Elements | Thing::Struct { .. } | Thing::Nothing => {
            let word = if user { "user_string" } else { "string" };
            let also = if user { "" } else { ", or an array of char" };
            Err(unfit(&place, cast, written).help(format!("`{word}` needs a pointer to a string{also}")))
        }
    }
}
