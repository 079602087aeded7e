// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is found at a place, as far as reading it goes, and how to say that it cannot be read so.

use std::sync::Arc;

use crate::catalog::Type;
use crate::expr::path::{Place, Ty};
use crate::spec::{Cast, FieldType};
use crate::words::Refusal;

/// What is found at a place.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    /// An integer, and how it is shown where nothing else is said.
    Int {
        /// Bytes: 1, 2, 4 or 8.
        size: u32,
        kind: FieldType,
    },
    /// A pointer; `text`: to `char`.
    Pointer { text: bool },
    /// So many bytes in memory, 0 where only the record knows.
    Bytes { size: u32, text: bool },
    /// Elements of more than one byte.
    Elements,
    /// A struct or union of so many bytes.
    Struct { size: u32 },
    /// Memory of unknown length.
    Untyped,
    /// What has no value.
    Nothing,
}

fn number(signed: bool) -> FieldType {
    if signed { FieldType::Signed } else { FieldType::Unsigned }
}

pub(super) fn thing(place: &Place<'_>) -> Thing {
    match &place.ty {
        Ty::Int { size, signed } => Thing::Int { size: *size, kind: number(*signed) },
        Ty::Shown { kind, size } => Thing::Int { size: *size, kind: kind.clone() },
        Ty::Pointer { char, .. } => Thing::Pointer { text: *char },
        Ty::Array { size: 1, count, char, .. } => Thing::Bytes { size: *count, text: *char },
        Ty::Array { .. } => Thing::Elements,
        Ty::Untyped => Thing::Untyped,
        Ty::Head(_) => Thing::Nothing,
        Ty::Btf(btf, id) => match btf.resolve(*id).1 {
            Type::Int { size, signed, bool, .. } if size <= 8 => {
                let kind = match size {
                    1 if bool => FieldType::Bool,
                    4 if btf.is_called(*id, &["uid_t", "gid_t"]) => FieldType::Id,
                    4 if btf.is_called(*id, &["dev_t"]) => FieldType::Dev,
                    _ => number(signed),
                };
                Thing::Int { size, kind }
            }
            Type::Enum { size, values } => {
                let names: Arc<[(i64, String)]> = values.into_iter().map(|(name, value)| (value, name)).collect();
                Thing::Int { size, kind: FieldType::Enum(names) }
            }
            Type::Ptr(target) => Thing::Pointer { text: matches!(btf.resolve(target).1, Type::Int { char: true, .. }) },
            Type::Array { element, count } => match btf.resolve(element).1 {
                Type::Int { size: 1, char, .. } => Thing::Bytes { size: count, text: char },
                _ => Thing::Elements,
            },
            Type::Composite { size, .. } => Thing::Struct { size },
            Type::Int { size, .. } => Thing::Bytes { size, text: false },
            Type::Void
            | Type::Alias(_)
            | Type::Func(_)
            | Type::Proto { .. }
            | Type::Var { .. }
            | Type::Section(_)
            | Type::Float(_)
            | Type::DeclTag { .. } => Thing::Nothing,
        },
    }
}

/// That a place cannot be read as that; without a type: that it has no single value.
pub(super) fn unfit(place: &Place<'_>, cast: Option<&Cast>, text: &str) -> Refusal {
    let ty = match &place.ty {
        Ty::Btf(btf, id) => format!("`{}`", btf.display(*id)),
        Ty::Int { size, signed } => format!("`{}{}`", if *signed { 'i' } else { 'u' }, size * 8),
        Ty::Shown { kind: FieldType::Id, .. } => "a user or group id".to_owned(),
        Ty::Shown { kind: FieldType::Bool, .. } => "`bool`".to_owned(),
        Ty::Shown { size, .. } => format!("an integer of {size} bytes"),
        Ty::Pointer { .. } => "a pointer".to_owned(),
        Ty::Array { count: 0, .. } => "an array whose length is only known from the event".to_owned(),
        Ty::Array { size: 1, count, .. } => format!("an array of {count} bytes"),
        Ty::Array { size, count, .. } => format!("an array of {count} elements of {size} bytes"),
        Ty::Untyped => "a variable of unknown type".to_owned(),
        Ty::Head(name) => format!("the builtin `{name}`"),
    };
    Refusal::new(match cast {
        Some(cast) => format!("`{text}` is {ty}: it cannot be read as `{cast}`"),
        None => format!("`{text}` is {ty}: it has no single value"),
    })
}

/// The members of a struct, as a help lists them.
pub(super) fn members(place: &Place<'_>) -> String {
    let Ty::Btf(btf, id) = place.ty else { return String::new() };
    let Type::Composite { members, .. } = btf.resolve(id).1 else { return String::new() };
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        names if names.len() <= 12 => names.join(", "),
        names => format!("{} … ({} in all)", names[..12].join(", "), names.len()),
    }
}
