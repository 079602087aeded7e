// SPDX-License-Identifier: MIT OR Apache-2.0
//! `[2]` and `[fd]`: an element of an array, or of what a pointer points to.

use super::place::{Place, Ty};
use crate::catalog::{Btf, Type, TypeId};
use crate::spec::{Fetch, FetchIndex, Kept};
use crate::words::Refusal;

/// Which element.
pub(in crate::expr) enum Which {
    /// The one of this number.
    Number(u64),
    /// The one of the number that the last of these fetches keeps.
    Value(Vec<Fetch>),
}

/// What is indexed: the place of element 0, bytes of an element, how many there are (0: nobody knows).
struct Elements<'a> {
    first: Place<'a>,
    size: u32,
    count: u32,
}

impl<'a> Place<'a> {
    /// An element; `text` is how the path here is written, `index` how the index is.
    pub(in crate::expr) fn element(self, which: Which, text: &str, index: &str) -> Result<Self, Refusal> {
        let Elements { first, size, count } = self.elements(text, index)?;
        match which {
            Which::Number(number) if count != 0 && number >= u64::from(count) => Err(out_of_range(text, number, count)),
            Which::Number(number) => {
                let bytes = number.checked_mul(u64::from(size)).and_then(|bytes| i32::try_from(bytes).ok());
                let offset = bytes.and_then(|bytes| first.offset.checked_add(bytes));
                let offset = offset.ok_or_else(|| Refusal::new(format!("`{text}[{index}]` is too far away")))?;
                Ok(Self { offset, ..first })
            }
            Which::Value(before) => first.element_of(before, size, count, text),
        }
    }

    fn element_of(self, before: Vec<Fetch>, scale: u32, count: u32, text: &str) -> Result<Self, Refusal> {
        if self.index.is_some() || !self.before.is_empty() {
            let message = format!("`{text}` has an index that is a value already: a path can have one");
            return Err(Refusal::new(message).help("write one of them as a number"));
        }
        let kept = before.last().and_then(|fetch| fetch.keep).map_or(0, |kept: Kept| kept.number);
        let index = Some(FetchIndex { kept, hop: self.hops.len() as u8, scale, count });
        Ok(Self { before, index, ..self })
    }

    fn elements(self, text: &str, index: &str) -> Result<Elements<'a>, Refusal> {
        if self.is_user_register() {
            let message = format!("`{text}[{index}]` cannot be read: binaries do not store the types of arguments");
            let help = format!("`{text} as string` reads the string at that address, `{text} as bytes(N)` the bytes");
            return Err(Refusal::new(message).help(help));
        }
        if let Some((btf, target)) = self.ty.pointee() {
            return self.follow().of_type(btf, target, 0, text);
        }
        match self.ty {
            Ty::Array { size, signed, count, .. } => {
                Ok(Elements { first: Place { ty: Ty::Int { size, signed }, ..self }, size, count })
            }
            Ty::Btf(btf, id) => match btf.resolve(id).1 {
                // A last member of one element is how older C wrote a flexible array (`struct pid::numbers`).
                Type::Array { element, count } => self.of_type(btf, element, if count == 1 { 0 } else { count }, text),
                _ => Err(not_an_array(text)),
            },
            Ty::Pointer { char: true, .. } => {
                let first = Place { ty: Ty::Int { size: 1, signed: true }, ..self.follow() };
                Ok(Elements { first, size: 1, count: 0 })
            }
            // Most variables of the kernel that are read by index are of this type (`avenrun`).
            Ty::Untyped => {
                Ok(Elements { first: Place { ty: Ty::Int { size: 8, signed: false }, ..self }, size: 8, count: 0 })
            }
            Ty::Pointer { .. } => {
                let message = format!("`{text}` is a pointer, and its type is not known at this hook");
                Err(Refusal::new(message).help(format!("for the bytes there write `{text} as bytes(N)`")))
            }
            Ty::Int { .. } | Ty::Shown { .. } | Ty::Head(_) => Err(not_an_array(text)),
        }
    }

    fn of_type(self, btf: &'a Btf, element: TypeId, count: u32, text: &str) -> Result<Elements<'a>, Refusal> {
        let size = btf.size_of(element).ok_or_else(|| not_an_array(text))?;
        let place = self.up_to(btf, element, u32::MAX);
        Ok(Elements { first: Place { ty: Ty::Btf(btf, element), ..place }, size, count })
    }
}

fn out_of_range(text: &str, index: u64, count: u32) -> Refusal {
    let message = format!("`{text}` has {count} elements; there is no element {index}");
    Refusal::new(message).help(format!("indexes count from 0: the last element is `{text}[{}]`", count - 1))
}

fn not_an_array(text: &str) -> Refusal {
    Refusal::new(format!("`{text}` is not an array"))
}
