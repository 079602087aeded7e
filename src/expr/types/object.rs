// SPDX-License-Identifier: MIT OR Apache-2.0
//! Things of the kernel that are read as a whole: a file's path, a socket, an address, a packet.

use super::number::fetched;
use super::thing::{Thing, thing, unfit};
use crate::expr::operand::Operand;
use crate::expr::path::Place;
use crate::spec::{Cast, FetchCopy, FieldType};
use crate::words::Refusal;

/// Bytes before the names of a path.
const PATH_HEAD: u16 = 4;
/// Fewest bytes of names that the program has room for: those of the longest name.
const LEAST_NAMES: u16 = 256;

/// The place where a struct is whose address is here: what a pointer points to, or what lies here itself.
pub(in crate::expr) fn address<'a>(place: Place<'a>, cast: &Cast, text: &str) -> Result<Place<'a>, Refusal> {
    match thing(&place) {
        Thing::Pointer { .. } | Thing::Int { size: 8, .. } if place.bits.is_none() => Ok(place.follow()),
        Thing::Struct { .. } if place.in_memory => Ok(place),
        Thing::Int { .. }
        | Thing::Pointer { .. }
        | Thing::Bytes { .. }
        | Thing::Elements
        | Thing::Struct { .. }
        | Thing::Untyped
        | Thing::Nothing => Err(unfit(&place, Some(cast), text).help(match cast {
            Cast::Sock => "`sock` needs a pointer to a `struct sock`, or to one that begins with it",
            Cast::Sockaddr => "`sockaddr` needs a pointer to a `struct sockaddr`",
            Cast::Packet => "`packet` needs a pointer to a `struct sk_buff`",
            _ => "it is no pointer to a struct",
        })),
    }
}

/// The path of a `struct file`, `struct path` or `struct dentry`.
pub(super) fn path(place: Place<'_>, max: u16, cast: &Cast, text: &str) -> Result<Operand, Refusal> {
    let copy = match place.ty.struct_name() {
        "file" => FetchCopy::FilePath,
        "path" => FetchCopy::Path,
        "dentry" => FetchCopy::DentryPath,
        name => {
            let help = match name {
                "inode" => {
                    "an inode has no path of its own: it may have several names, or none; a `file` or `dentry` has one"
                        .to_owned()
                }
                "" => format!("its type is not known here: `({text} as struct file) as path`"),
                other => {
                    format!("a `struct {other}` has no path; a `struct file`, `struct path` or `struct dentry` has one")
                }
            };
            return Err(unfit(&place, Some(cast), text).help(help));
        }
    };
    let place = address(place, cast, text)?;
    Ok(fetched_path(place, copy, max))
}

/// The path of the file behind a descriptor.
pub(super) fn fd_path(place: Place<'_>, cast: &Cast, text: &str) -> Result<Operand, Refusal> {
    match thing(&place) {
        Thing::Int { .. } if !place.in_memory && place.bits.is_none() => {
            Ok(fetched_path(place, FetchCopy::FdPath, crate::spec::DEFAULT_TEXT_BYTES))
        }
        Thing::Int { .. } if place.in_memory && place.bits.is_none() => {
            // Read as an address is; of its eight bytes the program takes the lower four.
            Ok(fetched_path(place.follow(), FetchCopy::FdPath, crate::spec::DEFAULT_TEXT_BYTES))
        }
        Thing::Int { .. }
        | Thing::Pointer { .. }
        | Thing::Bytes { .. }
        | Thing::Elements
        | Thing::Struct { .. }
        | Thing::Untyped
        | Thing::Nothing => Err(unfit(&place, Some(cast), text).help("a descriptor is a number")),
    }
}

fn fetched_path(place: Place<'_>, copy: FetchCopy, max: u16) -> Operand {
    let bytes = PATH_HEAD + max.next_power_of_two().max(LEAST_NAMES);
    fetched(place, copy, bytes, bytes, bytes, FieldType::Path)
}
