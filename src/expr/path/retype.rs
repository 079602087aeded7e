// SPDX-License-Identifier: MIT OR Apache-2.0
//! `x as struct tcp_sock` and `container_of(m, struct mount, mnt)`: another struct at the same address, and the one around it.

use super::member::offset_of;
use super::place::{Place, Ty};
use crate::catalog::{Btf, Named, Type, TypeId};
use crate::words::{Refusal, suggest};

/// The struct or union of this name.
pub(in crate::expr) fn composite<'a>(btf: Option<&'a Btf>, name: &str) -> Result<(&'a Btf, TypeId), Refusal> {
    let Some(btf) = btf else {
        return Err(Refusal::new(format!(
            "`struct {name}` is not known: this kernel has no BTF, which describes its types"
        )));
    };
    if let Some(id) = btf.find(Named::Composite, name) {
        return Ok((btf, id));
    }
    // A name that C gives to a struct without one (`siginfo_t`).
    let by_typedef = btf.find(Named::Typedef, name).filter(|id| matches!(btf.resolve(*id).1, Type::Composite { .. }));
    if let Some(id) = by_typedef {
        return Ok((btf, id));
    }
    let known: Vec<&str> = btf.all(Named::Composite).map(|id| btf.name(id)).filter(|name| !name.is_empty()).collect();
    let help = suggest(name, known, "").unwrap_or_else(|| {
        "a struct of a module, or of another kernel version; `first_of(…)` takes the first path that a kernel has"
            .to_owned()
    });
    Err(Refusal::new(format!("this kernel has no `struct {name}`")).help(help))
}

impl<'a> Place<'a> {
    /// The same address, where a struct of this type is said to be.
    pub(in crate::expr) fn retyped(self, target: (&'a Btf, TypeId), text: &str, name: &str) -> Result<Self, Refusal> {
        let pointer = Ty::Pointer { to: Some(target), char: false };
        if self.bits.is_some() {
            return Err(no_address(text, name));
        }
        match &self.ty {
            Ty::Pointer { .. } | Ty::Int { size: 8, .. } => Ok(Self { ty: pointer, ..self }),
            Ty::Untyped => Ok(Self { ty: Ty::Btf(target.0, target.1), ..self }),
            Ty::Btf(btf, id) => match btf.resolve(*id).1 {
                Type::Ptr(_) => Ok(Self { ty: pointer, ..self }),
                Type::Int { size: 8, .. } => Ok(Self { ty: pointer, ..self }),
                // It lies here itself: an embedded struct, of which the other one is a longer form, or a union.
                Type::Composite { .. } | Type::Array { .. } if self.in_memory => {
                    Ok(Self { ty: Ty::Btf(target.0, target.1), ..self })
                }
                _ => Err(no_address(text, name)),
            },
            Ty::Int { .. } | Ty::Shown { .. } | Ty::Array { .. } | Ty::Head(_) => Err(no_address(text, name)),
        }
    }

    /// The struct of which the one that is here, or that the pointer here points to, is the member of this path.
    pub(in crate::expr) fn around(
        self,
        (btf, container): (&'a Btf, TypeId),
        member: &[String],
        text: &str,
    ) -> Result<Self, Refusal> {
        let offset = offset_of(btf, container, member)?;
        let is_struct = |ty: &Ty<'_>| match ty {
            Ty::Btf(btf, id) => matches!(btf.resolve(*id).1, Type::Composite { .. }),
            _ => false,
        };
        let is_pointer = self.ty.pointee().is_some() || matches!(self.ty, Ty::Pointer { .. } | Ty::Int { size: 8, .. });
        let place = match self {
            place if place.in_memory && is_struct(&place.ty) => place,
            place if is_pointer => place.follow(),
            _ => {
                let message = format!("`{text}` is no pointer to a member of {}", btf.display(container));
                return Err(Refusal::new(message).help("container_of(POINTER, struct NAME, MEMBER)"));
            }
        };
        Ok(Self { offset: place.offset.saturating_sub(offset as i32), ty: Ty::Btf(btf, container), ..place })
    }
}

fn no_address(text: &str, name: &str) -> Refusal {
    Refusal::new(format!("`{text}` is no address: it cannot be read as `struct {name}`"))
        .help("a pointer, or an integer of 8 bytes, can")
}
