// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each type that can follow `as`.

use super::head::of_head;
use super::memory::{bytes, counted, ip};
use super::number::{Width, integer};
use super::object::{fd_path, path};
use super::text::text;
use super::thing::{Thing, thing, unfit};
use crate::catalog::{Btf, Named, Type};
use crate::expr::kernel_types::Types;
use crate::expr::operand::Operand;
use crate::expr::path::{Place, Ty};
use crate::spec::{Cast, Fetch, FieldType};
use crate::words::{Refusal, suggest};

/// What is at a place, read as `cast` says. `kept` are the fetches that keep its length, where the type has one of its own.
pub(in crate::expr) fn read(
    place: Place<'_>,
    cast: &Cast,
    kept: Option<Vec<Fetch>>,
    types: Types<'_>,
    written: &str,
) -> Result<Operand, Refusal> {
    if let Ty::Head(name) = place.ty {
        return of_head(name, Some(cast), written);
    }
    let thing = thing(&place);
    let number = |place, width, kind| integer(place, &thing, width, kind, Some(cast), written);
    let memory = |place, len, kind| bytes(place, &thing, len, kind, Some(cast), written);
    match cast {
        Cast::Unsigned { size } => number(place, Width::Low(u32::from(*size)), FieldType::Unsigned),
        Cast::Signed { size } => number(place, Width::Low(u32::from(*size)), FieldType::Signed),
        Cast::Hex => match thing {
            Thing::Bytes { .. } | Thing::Elements | Thing::Struct { .. } | Thing::Nothing if place.in_memory => {
                let help = "`hex` is for integers and pointers; for memory write `as bytes(N)`";
                Err(unfit(&place, Some(cast), written).help(help))
            }
            _ => number(place, Width::Own, FieldType::Hex),
        },
        Cast::Bool => number(place, Width::Own, FieldType::Bool),
        Cast::Duration => number(place, Width::Exactly(8), FieldType::Duration),
        Cast::Ktime => number(place, Width::Exactly(8), FieldType::Ktime),
        Cast::Ksym => number(place, Width::Exactly(8), FieldType::Ksym),
        Cast::Usym => number(place, Width::Exactly(8), FieldType::Usym),
        Cast::Cgroup => number(place, Width::Exactly(8), FieldType::Cgroup),
        Cast::Dev => number(place, Width::Exactly(4), FieldType::Dev),
        Cast::Uid => number(place, Width::Exactly(4), FieldType::Id),
        Cast::Named(table) => number(place, Width::Own, FieldType::Named(*table)),
        Cast::Enum(name) => number(place, Width::Own, enum_of(types.get(), name)?),
        Cast::Port => memory(place, 2, FieldType::Port),
        Cast::Ipv4 => memory(place, 4, FieldType::Ipv4),
        Cast::Ipv6 => memory(place, 16, FieldType::Ipv6),
        Cast::Mac => memory(place, 6, FieldType::Mac),
        Cast::Uuid => memory(place, 16, FieldType::Uuid),
        Cast::Timespec => memory(place, 16, FieldType::Timespec),
        Cast::Ip => ip(place, &thing, cast, written),
        Cast::Bytes(size) => match kept {
            Some(kept) => counted(place, &thing, (size.max, false), kept, cast, written),
            None => memory(place, size.max, FieldType::Bytes),
        },
        Cast::String(size) | Cast::UserString(size) => match kept {
            Some(kept) => counted(place, &thing, (size.max, true), kept, cast, written),
            None => text(place, &thing, size.max, matches!(cast, Cast::UserString(_)), Some(cast), written),
        },
        Cast::Path { max } => path(place, *max, cast, written),
        Cast::FdPath => fd_path(place, cast, written),
        // These make places, or values of several parts: the path has dealt with them.
        Cast::Struct(_) | Cast::Sock | Cast::Sockaddr | Cast::Packet => Err(unfit(&place, Some(cast), written)),
    }
}

/// The names of an enum of the kernel.
pub(super) fn enum_of(btf: Option<&Btf>, name: &str) -> Result<FieldType, Refusal> {
    let Some(btf) = btf else {
        return Err(Refusal::new(format!("`{name}` is not known: this kernel has no BTF, which describes its enums")));
    };
    let by_typedef = || btf.find(Named::Typedef, name).filter(|id| matches!(btf.resolve(*id).1, Type::Enum { .. }));
    let found = btf.find(Named::Enum, name).or_else(by_typedef).map(|id| btf.resolve(id).1);
    if let Some(Type::Enum { values, .. }) = found {
        return Ok(FieldType::Enum(values.into_iter().map(|(name, value)| (value, name)).collect()));
    }
    let known: Vec<&str> = btf.all(Named::Enum).map(|id| btf.name(id)).filter(|name| !name.is_empty()).collect();
    let refusal = Refusal::new(format!("`{name}` is neither a type nor an enum of this kernel"));
    Err(refusal.maybe_help(suggest(name, known, "").or_else(|| {
        let is_struct = btf.find(Named::Composite, name).is_some();
        is_struct.then(|| format!("a struct needs its word: `as struct {name}`"))
    })))
}
