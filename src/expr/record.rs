// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a tracepoint's record, as names that expressions begin with.

use super::access::{Place, Ty};
use super::builtin::BUILTINS;
use super::tracepoint::{TraceField, TraceShape, integer_type};
use crate::spec::FetchSource;
use crate::words::{Refusal, suggest};

/// What a tracepoint offers.
pub struct RecordScope {
    /// `category:name`
    pub name: String,
    /// Its fields.
    pub fields: Vec<TraceField>,
}

impl RecordScope {
    pub(super) fn own<'a>(&self, name: &str) -> Option<Place<'a>> {
        field(name, &self.name, &self.fields)
    }

    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let known = self.fields.iter().map(|field| field.name.as_str()).chain(BUILTINS);
        let message = format!("tracepoint `{}` has no field `{name}`", self.name);
        Refusal::new(message).maybe_help(suggest(name, known, "there are"))
    }
}

fn field<'a>(name: &str, event: &str, fields: &[TraceField]) -> Option<Place<'a>> {
    let field = fields.iter().find(|field| field.name == name)?;
    let user = event.starts_with("syscalls:sys_enter_");
    let declared = integer_type(&field.c_type);
    let char = matches!(field.c_type.as_str(), "char" | "const char");
    let array = |count| {
        let (size, signed) = declared.unwrap_or((1, false));
        Ty::Array { size, signed, count, char }
    };
    Some(match field.shape {
        TraceShape::DataLoc => {
            Place::record(FetchSource::DataLoc(u8::try_from(field.offset).ok()?), 0, array(0), false)
        }
        TraceShape::RelLoc => Place::record(FetchSource::RelLoc(u8::try_from(field.offset).ok()?), 0, array(0), false),
        TraceShape::Array(count) => Place::record(FetchSource::Context, field.offset, array(count), false),
        TraceShape::Scalar => {
            let ty = match declared {
                _ if field.c_type.ends_with('*') => Ty::Pointer,
                _ if matches!(field.c_type.as_str(), "bool" | "_Bool") && field.size == 1 => Ty::Bool,
                Some((4, false)) if matches!(field.c_type.as_str(), "uid_t" | "gid_t") && field.size >= 4 => Ty::Id,
                // A system call's argument sits in eight bytes; its type says how many of them count.
                Some((size, signed)) if size <= field.size => Ty::Int { size, signed },
                Some(_) | None if matches!(field.size, 1 | 2 | 4 | 8) => {
                    Ty::Int { size: field.size, signed: field.signed }
                }
                Some(_) | None => Ty::Array { size: 1, signed: false, count: field.size, char: false },
            };
            Place::record(FetchSource::Context, field.offset, ty, user)
        }
    })
}
