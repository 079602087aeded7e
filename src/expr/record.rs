// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a tracepoint's record, as names that expressions begin with.

use super::builtin::BUILTINS;
use super::kernel_types::Types;
use super::path::{Place, Ty};
use super::symbols::evaluate;
use super::tracepoint::{TraceField, TraceShape, integer_type};
use crate::catalog::{Named, Type};
use crate::spec::{FetchSource, FieldType};
use crate::words::{Refusal, suggest};

/// What a tracepoint offers.
pub struct RecordScope {
    /// `category:name`
    pub name: String,
    /// Its fields.
    pub fields: Vec<TraceField>,
}

impl RecordScope {
    /// Bytes of the record up to the end of its last field: the kernel lets no program load what lies behind.
    pub fn bytes(&self) -> u32 {
        self.fields.last().map_or(0, |field| field.offset + field.size)
    }

    /// The place of a field. `types` tell what pointers point to, and what enums call their values.
    pub(super) fn own<'a>(&self, name: &str, types: Types<'a>) -> Option<Place<'a>> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        let place = place(field, types)?;
        // What a system call was given is the process's, whatever it says.
        Some(if self.name.starts_with("syscalls:sys_enter_") { place.of_user() } else { place })
    }

    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let known =
            self.fields.iter().map(|field| field.name.as_str()).chain(BUILTINS.iter().map(|builtin| builtin.name));
        let message = format!("tracepoint `{}` has no field `{name}`", self.name);
        Refusal::new(message).maybe_help(suggest(name, known, "there are"))
    }
}

fn place<'a>(field: &TraceField, types: Types<'a>) -> Option<Place<'a>> {
    let char = matches!(field.c_type.as_str(), "char" | "const char");
    let array = |count| {
        let (size, signed) = integer_type(&field.c_type).unwrap_or((1, false));
        Ty::Array { size, signed, count, char }
    };
    Some(match field.shape {
        TraceShape::DataLoc => Place::record(FetchSource::DataLoc(u8::try_from(field.offset).ok()?), 0, array(0)),
        TraceShape::RelLoc => Place::record(FetchSource::RelLoc(u8::try_from(field.offset).ok()?), 0, array(0)),
        TraceShape::Array(count) => Place::record(FetchSource::Context, field.offset, array(count)),
        TraceShape::Scalar => Place::record(FetchSource::Context, field.offset, scalar(field, types)),
    })
}

/// The type of what is no array.
pub(super) fn scalar<'a>(field: &TraceField, types: Types<'a>) -> Ty<'a> {
    let declared = integer_type(&field.c_type);
    if let Some(pointed) = field.c_type.strip_suffix('*') {
        return pointer(pointed.trim(), types);
    }
    let shown = |kind, size| Ty::Shown { kind, size };
    match (field.c_type.as_str(), field.size) {
        ("bool" | "_Bool", 1) => return shown(FieldType::Bool, 1),
        ("uid_t" | "gid_t", 4..) => return shown(FieldType::Id, 4),
        ("dev_t", 4..) => return shown(FieldType::Dev, 4),
        _ => {}
    }
    // A system call's argument sits in eight bytes; its type says how many of them count.
    let (size, signed) = match declared {
        Some((size, signed)) if size <= field.size => (size, signed),
        Some(_) | None if matches!(field.size, 1 | 2 | 4 | 8) => (field.size, field.signed),
        Some(_) | None => return Ty::Array { size: 1, signed: false, count: field.size, char: false },
    };
    match names_of(field, types) {
        Some(names) => shown(FieldType::Enum(names.into()), size),
        None => Ty::Int { size, signed },
    }
}

/// A pointer by how C writes what it points to: `const struct sock`, `const char`.
fn pointer<'a>(pointed: &str, types: Types<'a>) -> Ty<'a> {
    let pointed = pointed.strip_prefix("const ").unwrap_or(pointed).trim();
    let name = pointed.strip_prefix("struct ").or_else(|| pointed.strip_prefix("union "));
    let to = name.and_then(|name| {
        let btf = types.get()?;
        Some((btf, btf.find(Named::Composite, name)?))
    });
    Ty::Pointer { to, char: pointed == "char" }
}

/// What an enum's values are called: as the kernel's BTF says, else as the tracer prints them.
fn names_of(field: &TraceField, types: Types<'_>) -> Option<Vec<(i64, String)>> {
    let of_enum = field.c_type.strip_prefix("enum ").and_then(|name| {
        let btf = types.get()?;
        let (_, Type::Enum { values, .. }) = btf.resolve(btf.find(Named::Enum, name)?) else { return None };
        Some(values.into_iter().map(|(name, value)| (value, name)).collect::<Vec<_>>())
    });
    of_enum.or_else(|| {
        let printed = field.printed.iter().filter_map(|(value, name)| Some((evaluate(value, types)?, name.clone())));
        let printed: Vec<(i64, String)> = printed.collect();
        (!printed.is_empty()).then_some(printed)
    })
}
