// SPDX-License-Identifier: MIT OR Apache-2.0
//! From where an expression ends, and what follows `as`, to bytes in the record.

use super::access::{Place, Ty};
use crate::catalog::Type;
use crate::spec::{CaptureCast, CaptureExpr, FetchCopy, Field, FieldType};
use crate::words::Refusal;
use std::sync::Arc;

/// How a value is copied and shown.
pub(super) struct Shape<'a> {
    pub(super) place: Place<'a>,
    pub(super) copy: FetchCopy,
    /// Bytes to copy.
    pub(super) size: u16,
    /// Bytes of them that the field shows.
    pub(super) shown: u16,
    pub(super) kind: FieldType,
}

/// What is found at a place, as far as reading it goes.
#[derive(Clone)]
enum Thing {
    Int {
        size: u32,
        signed: bool,
        bool: bool,
        names: Option<Arc<[(i64, String)]>>,
    },
    Pointer,
    /// So many bytes in memory, 0 where only the record knows.
    Bytes {
        size: u32,
        text: bool,
    },
    /// Elements of more than one byte.
    Elements,
    Struct {
        size: u32,
    },
    Nothing,
}

pub(super) fn shape<'a>(expr: &CaptureExpr, place: Place<'a>) -> Result<Shape<'a>, Refusal> {
    let thing = thing(&place);
    match expr.cast {
        None => by_type(expr, place, &thing),
        Some(CaptureCast::Unsigned { size }) => integer(expr, place, &thing, u32::from(size), FieldType::Unsigned),
        Some(CaptureCast::Signed { size }) => integer(expr, place, &thing, u32::from(size), FieldType::Signed),
        Some(CaptureCast::Hex) => match thing {
            Thing::Int { size, .. } => integer(expr, place, &thing, size, FieldType::Hex),
            Thing::Pointer => integer(expr, place, &thing, 8, FieldType::Hex),
            Thing::Struct { size: size @ 1..=8 } if !place.in_memory => {
                integer(expr, place, &thing, size, FieldType::Hex)
            }
            Thing::Bytes { .. } | Thing::Elements | Thing::Struct { .. } | Thing::Nothing => {
                Err(unfit(expr, &place).help("`hex` is for integers and pointers; for memory write `as bytes[N]`"))
            }
        },
        Some(CaptureCast::Port) => network(expr, place, &thing, 2, FieldType::Port),
        Some(CaptureCast::Ipv4) => network(expr, place, &thing, 4, FieldType::Ipv4),
        Some(CaptureCast::Ipv6) => network(expr, place, &thing, 16, FieldType::Ipv6),
        Some(CaptureCast::Bytes { len }) => network(expr, place, &thing, len, FieldType::Bytes),
        Some(CaptureCast::String { max }) => text(expr, place, &thing, max, false),
        Some(CaptureCast::UserString { max }) => text(expr, place, &thing, max, true),
    }
}

fn thing(place: &Place<'_>) -> Thing {
    match place.ty {
        Ty::Int { size, signed } => Thing::Int { size, signed, bool: false, names: None },
        Ty::Id => Thing::Int { size: 4, signed: false, bool: false, names: None },
        Ty::Bool => Thing::Int { size: 1, signed: false, bool: true, names: None },
        Ty::Pointer => Thing::Pointer,
        Ty::Array { size: 1, count, char, .. } => Thing::Bytes { size: count, text: char },
        Ty::Array { .. } => Thing::Elements,
        Ty::Head(_) => Thing::Nothing,
        Ty::Btf(btf, id) => match btf.resolve(id).1 {
            Type::Int { size, signed, bool, .. } if size <= 8 => Thing::Int { size, signed, bool, names: None },
            Type::Enum { size, values } => {
                let names = values.into_iter().map(|(name, value)| (value, name)).collect();
                Thing::Int { size, signed: true, bool: false, names: Some(names) }
            }
            Type::Ptr(_) => Thing::Pointer,
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

/// How a field of the head is shown: its kind and how many of its bytes, which begin where the field does (both
/// architectures are little-endian).
pub(super) fn head_shape(expr: &CaptureExpr, place: &Place<'_>, field: &Field) -> Result<(FieldType, u32), Refusal> {
    let text = matches!(field.kind, FieldType::Text { .. });
    Ok(match expr.cast {
        None => (field.kind.clone(), field.size),
        Some(CaptureCast::String { max }) if text && u32::from(max) + 1 >= field.size => {
            (field.kind.clone(), field.size)
        }
        Some(CaptureCast::String { max }) if text => (FieldType::Text { limit: Some(u32::from(max)) }, field.size),
        Some(CaptureCast::Hex) if !text => (FieldType::Hex, field.size),
        Some(CaptureCast::Unsigned { size }) if !text && u32::from(size) <= field.size => {
            (FieldType::Unsigned, size.into())
        }
        Some(CaptureCast::Signed { size }) if !text && u32::from(size) <= field.size => {
            (FieldType::Signed, size.into())
        }
        Some(CaptureCast::Bytes { len }) if u32::from(len) <= field.size => (FieldType::Bytes, len.into()),
        Some(_) => {
            let what = if text { "text" } else { "number" };
            return Err(unfit(expr, place).help(format!("it is a {what} of {} bytes", field.size)));
        }
    })
}

/// No `as`: the type decides.
fn by_type<'a>(expr: &CaptureExpr, place: Place<'a>, thing: &Thing) -> Result<Shape<'a>, Refusal> {
    match thing {
        Thing::Int { size, names: Some(names), .. } => {
            integer(expr, place, thing, *size, FieldType::Enum(names.clone()))
        }
        Thing::Int { size: 1, bool: true, .. } => integer(expr, place, thing, 1, FieldType::Bool),
        Thing::Int { size: 4, .. } if is_id(&place) => integer(expr, place, thing, 4, FieldType::Id),
        Thing::Int { size, signed, .. } => {
            integer(expr, place, thing, *size, if *signed { FieldType::Signed } else { FieldType::Unsigned })
        }
        Thing::Pointer => integer(expr, place, thing, 8, FieldType::Hex),
        Thing::Bytes { text: true, .. } => text(expr, place, thing, crate::spec::DEFAULT_TEXT_BYTES, false),
        Thing::Bytes { size: size @ 1..=64, .. } => network(expr, place, thing, *size as u16, FieldType::Bytes),
        Thing::Bytes { .. } => Err(unfit(expr, &place).help("add a size: `as bytes[N]`")),
        Thing::Elements => Err(unfit(expr, &place).help(format!("choose an element: `{}[0]`", base_text(expr)))),
        Thing::Struct { .. } => {
            let members = members(&place);
            Err(unfit(expr, &place).help(format!("choose a member: {members}, or `as bytes[N]`")))
        }
        Thing::Nothing => Err(unfit(expr, &place)),
    }
}

/// True for the types that the kernel has for user and group ids.
fn is_id(place: &Place<'_>) -> bool {
    match place.ty {
        Ty::Id => true,
        Ty::Btf(btf, id) => btf.is_called(id, &["uid_t", "gid_t"]),
        Ty::Int { .. } | Ty::Bool | Ty::Pointer | Ty::Array { .. } | Ty::Head(_) => false,
    }
}

fn integer<'a>(
    expr: &CaptureExpr,
    place: Place<'a>,
    thing: &Thing,
    size: u32,
    kind: FieldType,
) -> Result<Shape<'a>, Refusal> {
    let width = match thing {
        Thing::Int { size, .. } => *size,
        Thing::Pointer => 8,
        Thing::Bytes { size, .. } | Thing::Struct { size } if place.in_memory => *size,
        // A raw tracepoint has small structs by value.
        Thing::Struct { size: size @ 1..=8 } => *size,
        Thing::Bytes { .. } | Thing::Struct { .. } | Thing::Elements | Thing::Nothing => {
            return Err(unfit(expr, &place).help("it is not an integer"));
        }
    };
    // A register is always whole: a function may be declared to take an `int` and use 64 bits of it.
    if place.in_memory && size > width && width != 0 {
        let help =
            format!("it has {width} byte{}: a wider type would read past its end", if width == 1 { "" } else { "s" });
        return Err(unfit(expr, &place).help(help));
    }
    let (copy, bytes) = if place.in_memory { (FetchCopy::Kernel, size as u16) } else { (FetchCopy::Value, 8) };
    Ok(Shape { place, copy, size: bytes, shown: size as u16, kind })
}

/// Bytes whose order matters: of the value itself, or of the memory that a pointer points to.
fn network<'a>(
    expr: &CaptureExpr,
    place: Place<'a>,
    thing: &Thing,
    len: u16,
    kind: FieldType,
) -> Result<Shape<'a>, Refusal> {
    let too_small = |size: u32| format!("it has {size} bytes, `as {}` needs {len}", cast_text(expr));
    match thing {
        // Bytes of a program's memory, however few. A port or an IPv4 address is more often the argument itself.
        Thing::Int { .. } if place.is_user_register() && matches!(kind, FieldType::Bytes | FieldType::Ipv6) => {
            Ok(Shape { place: place.follow(), copy: FetchCopy::User, size: len, shown: len, kind })
        }
        Thing::Pointer => {
            let copy = if place.user { FetchCopy::User } else { FetchCopy::Kernel };
            Ok(Shape { place: place.follow(), copy, size: len, shown: len, kind })
        }
        Thing::Int { size, .. } | Thing::Bytes { size, .. } | Thing::Struct { size }
            if *size != 0 && u32::from(len) > *size =>
        {
            // An argument of unknown type may be an address.
            if matches!(place.ty, Ty::Int { size: 8, .. }) && !place.in_memory {
                return Ok(Shape { place: place.follow(), copy: FetchCopy::Kernel, size: len, shown: len, kind });
            }
            Err(unfit(expr, &place).help(too_small(*size)))
        }
        Thing::Int { .. } | Thing::Struct { size: 1..=8 } if !place.in_memory => {
            Ok(Shape { place, copy: FetchCopy::Value, size: 8, shown: len, kind })
        }
        Thing::Int { .. } | Thing::Bytes { .. } | Thing::Struct { .. } | Thing::Elements if place.in_memory => {
            Ok(Shape { place, copy: FetchCopy::Kernel, size: len, shown: len, kind })
        }
        Thing::Int { .. } | Thing::Bytes { .. } | Thing::Struct { .. } | Thing::Elements | Thing::Nothing => {
            Err(unfit(expr, &place))
        }
    }
}

/// NUL-terminated text. Two bytes more than are shown: one tells whether there was more, one is the NUL.
fn text<'a>(expr: &CaptureExpr, place: Place<'a>, thing: &Thing, max: u16, user: bool) -> Result<Shape<'a>, Refusal> {
    // At a function of a program, all text is the program's.
    let copy = if user || place.is_user_register() { FetchCopy::UserText } else { FetchCopy::KernelText };
    let shape = |place, max: u16| {
        let kind = FieldType::Text { limit: Some(u32::from(max)) };
        Ok(Shape { place, copy, size: max + 2, shown: max + 2, kind })
    };
    match thing {
        Thing::Pointer if place.user && !user => {
            Err(unfit(expr, &place).help("it points to process memory: write `as user_string`"))
        }
        Thing::Pointer => shape(place.follow(), max),
        Thing::Int { size: 8, .. } => shape(place.follow(), max),
        // Text that lies here. A fixed array need not end in NUL: it is copied as it is.
        Thing::Bytes { size, .. } if place.in_memory && !user => match u16::try_from(*size) {
            Ok(0) => shape(place, max),
            Ok(size) if size <= max => {
                let kind = FieldType::Text { limit: None };
                Ok(Shape { place, copy: FetchCopy::Kernel, size, shown: size, kind })
            }
            Ok(_) | Err(_) => shape(place, max),
        },
        Thing::Bytes { .. } if place.in_memory => {
            Err(unfit(expr, &place).help("it is in kernel memory: write `as string`"))
        }
        Thing::Int { .. } | Thing::Bytes { .. } | Thing::Elements | Thing::Struct { .. } | Thing::Nothing => {
            let word = if user { "user_string" } else { "string" };
            let also = if user { "" } else { ", or an array of char" };
            Err(unfit(expr, &place).help(format!("`{word}` needs a pointer to a string{also}")))
        }
    }
}

fn unfit(expr: &CaptureExpr, place: &Place<'_>) -> Refusal {
    let ty = match place.ty {
        Ty::Btf(btf, id) => format!("`{}`", btf.display(id)),
        Ty::Int { size, signed } => format!("`{}{}`", if signed { 'i' } else { 'u' }, size * 8),
        Ty::Id => "a user or group id".to_owned(),
        Ty::Bool => "`bool`".to_owned(),
        Ty::Pointer => "a pointer".to_owned(),
        Ty::Array { count: 0, .. } => "an array whose length is only known from the event".to_owned(),
        Ty::Array { size: 1, count, .. } => format!("an array of {count} bytes"),
        Ty::Array { size, count, .. } => format!("an array of {count} elements of {size} bytes"),
        Ty::Head(name) => format!("the builtin `{name}`"),
    };
    let text = base_text(expr);
    let message = match expr.cast {
        Some(_) => format!("`{text}` is {ty}: it cannot be read as `{}`", cast_text(expr)),
        None => format!("`{text}` is {ty}: it has no single value"),
    };
    Refusal::new(message)
}

fn members(place: &Place<'_>) -> String {
    let Ty::Btf(btf, id) = place.ty else { return String::new() };
    let Type::Composite { members, .. } = btf.resolve(id).1 else { return String::new() };
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        names if names.len() <= 12 => names.join(", "),
        names => format!("{} … ({} in all)", names[..12].join(", "), names.len()),
    }
}

fn base_text(expr: &CaptureExpr) -> String {
    let text = expr.to_string();
    text.split(" as ").next().unwrap_or_default().to_owned()
}

fn cast_text(expr: &CaptureExpr) -> String {
    let text = expr.to_string();
    text.split_once(" as ").map_or_else(String::new, |(_, cast)| cast.to_owned())
}
