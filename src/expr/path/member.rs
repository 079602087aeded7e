// SPDX-License-Identifier: MIT OR Apache-2.0
//! `->name` and `.name`: both follow a pointer, or take a member of what is there.

use super::place::{Place, Ty};
use crate::catalog::{Btf, Member, Type, TypeId};
use crate::spec::BitRange;
use crate::words::{Refusal, suggest};

impl<'a> Place<'a> {
    /// The member `name` of the struct that is here or that the pointer here points to; `text` is how the path here is written.
    pub(in crate::expr) fn step(self, name: &str, text: &str) -> Result<Self, Refusal> {
        if let Some((btf, target)) = self.ty.pointee() {
            return Place { ty: Ty::Btf(btf, target), ..self.follow() }.member(name, text);
        }
        if self.is_user_register() {
            let message = format!("`{text}->{name}` cannot be read: binaries do not store the types of arguments");
            let help = format!(
                "`{text} as string` reads the string at that address, `{text} as bytes(N)` the bytes; a struct of the kernel \
                 is `({text} as struct NAME)->{name}`"
            );
            return Err(Refusal::new(message).help(help));
        }
        match &self.ty {
            Ty::Btf(..) => self.member(name, text),
            // Eight bytes whose type nobody tells may be an address.
            Ty::Pointer { .. } | Ty::Int { size: 8, .. } | Ty::Untyped => {
                let message = format!("`{text}` has no members here: its type is not known at this hook");
                Err(Refusal::new(message).help(format!("name its type: `({text} as struct NAME)->{name}`")))
            }
            Ty::Int { .. } | Ty::Shown { .. } | Ty::Array { .. } | Ty::Head(_) => {
                Err(Refusal::new(format!("`{text}` has no members: it is not a pointer or struct")))
            }
        }
    }

    /// The member `name` of the struct that is here.
    fn member(self, name: &str, text: &str) -> Result<Self, Refusal> {
        let Ty::Btf(btf, id) = self.ty else { return Ok(self) };
        let (id, Type::Composite { .. }) = btf.resolve(id) else { return Err(not_a_struct(btf, id, text)) };
        let mut seen = Seen::default();
        let Some(found) = find_member(btf, id, name, &mut seen) else {
            let message = format!("{} has no member `{name}`", btf.display(id));
            let help = match macro_of_sock(btf, id, name) {
                Some(meant) => Some(format!("in the kernel's source that is a macro: write `{meant}`")),
                None => suggest(name, seen.names.iter().map(String::as_str), "its members are"),
            };
            return Err(Refusal::new(message).maybe_help(help));
        };
        let (byte, bits) = if found.bits == 0 {
            (found.bit_offset / 8, None)
        } else {
            storage(btf, &found).ok_or_else(|| {
                Refusal::new(format!("`{name}` of {} lies across nine bytes: no integer holds it", btf.display(id)))
            })?
        };
        let end = byte.saturating_add(btf.size_of(found.ty).unwrap_or(1).max(1));
        let place = self.up_to(btf, id, end);
        Ok(Self { offset: place.offset.saturating_add(byte as i32), bits, ty: Ty::Btf(btf, found.ty), ..place })
    }
}

/// Where a member of a struct lies, in bytes, by its path: `mnt`, `a.b`.
pub(in crate::expr) fn offset_of(btf: &Btf, container: TypeId, path: &[String]) -> Result<u32, Refusal> {
    let (mut id, mut offset) = (container, 0u32);
    for name in path {
        let mut seen = Seen::default();
        let found = find_member(btf, id, name, &mut seen).filter(|found| found.bits == 0).ok_or_else(|| {
            let help = suggest(name, seen.names.iter().map(String::as_str), "its members are");
            Refusal::new(format!("{} has no member `{name}`", btf.display(id))).maybe_help(help)
        })?;
        (id, offset) = (found.ty, offset.saturating_add(found.bit_offset / 8));
    }
    Ok(offset)
}

/// Where the integer begins that holds a bit-field, and which of its bits count: first the unit that its type says, as C lays
/// it out, else the bytes that it touches.
fn storage(btf: &Btf, found: &Found) -> Option<(u32, Option<BitRange>)> {
    let unit = btf.size_of(found.ty).filter(|size| matches!(size, 1 | 2 | 4 | 8))?;
    let within = |byte: u32, size: u32| {
        let shift = found.bit_offset.checked_sub(byte.checked_mul(8)?)?;
        (shift + found.bits <= size * 8)
            .then_some((byte, Some(BitRange { shift: shift as u8, width: found.bits as u8 })))
    };
    within(found.bit_offset / (unit * 8) * unit, unit).or_else(|| {
        // In a packed struct it may lie across two units; what holds it then begins at its first byte.
        let byte = found.bit_offset / 8;
        within(byte, unit)
    })
}

/// `include/net/sock.h` defines `sk_family` and many more as `__sk_common.skc_family`; everybody knows them by that name.
fn macro_of_sock(btf: &Btf, id: TypeId, name: &str) -> Option<String> {
    let common = find_member(btf, id, "__sk_common", &mut Seen::default())?;
    let member = format!("skc_{}", name.strip_prefix("sk_")?);
    find_member(btf, common.ty, &member, &mut Seen::default())?;
    Some(format!("__sk_common.{member}"))
}

struct Found {
    bits: u32,
    bit_offset: u32,
    ty: TypeId,
}

/// What a search has come across.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    /// Malformed BTF may have a struct in itself.
    structs: Vec<TypeId>,
}

/// Searches a struct and the anonymous structs and unions in it.
fn find_member(btf: &Btf, id: TypeId, name: &str, seen: &mut Seen) -> Option<Found> {
    let (id, Type::Composite { members, .. }) = btf.resolve(id) else { return None };
    if seen.structs.contains(&id) {
        return None;
    }
    seen.structs.push(id);
    for Member { name: known, ty, bit_offset, bits } in members {
        if known == name {
            return Some(Found { bits, bit_offset, ty });
        }
        if !known.is_empty() {
            // Marks of the kernel's layout, without a value.
            if !known.starts_with("__cacheline_group_") {
                seen.names.push(known);
            }
        } else if let Some(found) = find_member(btf, ty, name, seen) {
            return Some(Found { bit_offset: found.bit_offset.saturating_add(bit_offset), ..found });
        }
    }
    None
}

fn not_a_struct(btf: &Btf, id: TypeId, text: &str) -> Refusal {
    let ty = btf.display(id);
    let is_unknown = matches!(btf.resolve(id).1, Type::Void);
    let help = is_unknown.then(|| {
        format!("the kernel's BTF does not describe `{ty}`; name a type that it has: `({text} as struct NAME)`")
    });
    Refusal::new(format!("`{text}` has no members: it is a `{ty}`")).maybe_help(help)
}
