// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arrays of structs in `.rodata` that user space fills, found by BTF: where an entry begins, where its fields are, what its
//! enumerators are called.

use std::collections::HashMap;

use super::btf::{Btf, Named, Type, TypeId};

/// Structs within structs of an entry; a file may say of one that it is in itself.
const MAX_NESTED: u32 = 4;

/// Where the variables of `.rodata` are, by their names.
pub(super) struct Constants<'a> {
    btf: &'a Btf,
    /// By the object's symbols.
    places: &'a HashMap<String, u32>,
    section: Vec<(TypeId, u32, u32)>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(btf: &'a Btf, places: &'a HashMap<String, u32>) -> Self {
        let section = btf.find(Named::Section, ".rodata").map(|id| btf.get(id));
        let section = if let Some(Type::Section(entries)) = section { entries } else { Vec::new() };
        Self { btf, places, section }
    }

    /// Where a variable begins, and its type.
    pub(super) fn find(&self, name: &str) -> Option<(u32, TypeId)> {
        let (in_btf, ty) = self.section.iter().find_map(|(id, offset, _)| match self.btf.get(*id) {
            Type::Var { ty, .. } if self.btf.name(*id) == name => Some((*offset, ty)),
            _ => None,
        })?;
        Some((self.places.get(name).copied().unwrap_or(in_btf), ty))
    }

    /// Where a variable begins.
    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.find(name).map(|(place, _)| place)
    }

    /// An array of structs.
    pub(super) fn table(&self, name: &str) -> Option<Table> {
        let (place, ty) = self.find(name)?;
        let (_, Type::Array { element, count }) = self.btf.resolve(ty) else { return None };
        let mut table = Table { place, stride: 0, capacity: count, fields: Vec::new(), enumerators: Vec::new() };
        table.stride = self.btf.size_of(element)?;
        self.add_fields(&mut table, element, (MAX_NESTED, ""), 0)?;
        Some(table)
    }

    /// The fields of a struct, those of a struct in it as `fetch.source`.
    fn add_fields(&self, table: &mut Table, ty: TypeId, (depth, prefix): (u32, &str), base: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let (_, Type::Composite { members, .. }) = self.btf.resolve(ty) else { return None };
        for member in members {
            let (name, at) = (format!("{prefix}{}", member.name), base.checked_add(member.bit_offset / 8)?);
            match self.btf.resolve(member.ty).1 {
                Type::Composite { .. } => self.add_fields(table, member.ty, (depth, &format!("{name}.")), at)?,
                ty => {
                    if let Type::Enum { values, .. } = ty {
                        table.enumerators.extend(values);
                    }
                    table.fields.push((name, at, self.btf.size_of(member.ty)?));
                }
            }
        }
        Some(())
    }
}

/// An array of structs in `.rodata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Where the array begins in `.rodata`.
    place: u32,
    /// Bytes of one entry.
    stride: u32,
    /// How many entries there are.
    pub(super) capacity: u32,
    fields: Vec<(String, u32, u32)>,
    enumerators: Vec<(String, i64)>,
}

impl Table {
    /// The entry of this number.
    pub(super) fn entry<'a>(&'a self, rodata: &'a mut [u8], index: usize) -> Entry<'a> {
        Entry { table: self, rodata, base: self.place + self.stride * index as u32, prefix: "" }
    }

    /// Bytes of a field.
    pub(super) fn size_of(&self, name: &str) -> Option<u32> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.2)
    }
}

/// One entry, to be filled.
pub(super) struct Entry<'a> {
    table: &'a Table,
    rodata: &'a mut [u8],
    base: u32,
    prefix: &'static str,
}

impl Entry<'_> {
    /// The struct in it whose fields begin with `prefix`: `fetch.`
    pub(super) fn inner(&mut self, prefix: &'static str) -> Entry<'_> {
        Entry { table: self.table, rodata: self.rodata, base: self.base, prefix }
    }

    fn field(&self, name: &str) -> Option<(u32, u32)> {
        let is_it = |field: &&(String, u32, u32)| field.0.strip_prefix(self.prefix) == Some(name);
        self.table.fields.iter().find(is_it).map(|field| (self.base + field.1, field.2))
    }

    /// Sets an integer; what does not fit into it is left out.
    pub(super) fn set(&mut self, name: &str, value: impl Into<u64>) {
        let bytes = value.into().to_le_bytes();
        if let Some((at, size)) = self.field(name) {
            put(self.rodata, at, &bytes[..(size as usize).min(8)]);
        }
    }

    /// Sets an enum by the name of its value.
    pub(super) fn choose(&mut self, name: &str, enumerator: &str) {
        let value = self.table.enumerators.iter().find(|value| value.0 == enumerator);
        self.set(name, value.map_or(0, |value| value.1.cast_unsigned()));
    }

    /// Sets the bytes of an array, from its first on.
    pub(super) fn fill(&mut self, name: &str, bytes: &[u8]) {
        if let Some((at, size)) = self.field(name) {
            put(self.rodata, at, &bytes[..bytes.len().min(size as usize)]);
        }
    }
}

/// Writes where there is room.
pub(super) fn put(bytes: &mut [u8], at: u32, value: &[u8]) {
    if let Some(target) = bytes.get_mut(at as usize..at as usize + value.len()) {
        target.copy_from_slice(value);
    }
}
