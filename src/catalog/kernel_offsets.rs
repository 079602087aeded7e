// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the members of the kernel's structs lie, and what the kernel has, filled into a program's constants: KERNEL_OFFSET and
//! KERNEL_HAS of `bpf/include/kernel/offsets.h`.

use super::btf::{Btf, Named, Type, TypeId};
use super::elf::parts;
use super::table::{Constants, put};

/// Stands for what a kernel does not have.
const NOWHERE: u32 = u32::MAX;
/// How deep members may lie in anonymous structs.
const MAX_DEPTH: u32 = 8;

/// Which members are wanted, and where in `.rodata` their offsets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelOffsets {
    /// Struct or enum, path of the member in it, place.
    wanted: Vec<(String, Vec<String>, u32)>,
}

impl KernelOffsets {
    pub(super) fn find(btf: &Btf, constants: &Constants<'_>) -> Self {
        let tagged = btf.all(Named::DeclTag).filter_map(|tag| {
            let path = btf.name(tag).strip_prefix("kernel:")?;
            let Type::DeclTag { target, .. } = btf.get(tag) else { return None };
            let mut words = path.split('.').map(str::to_owned);
            Some((words.next()?, words.collect(), constants.place(btf.name(target))?))
        });
        Self { wanted: tagged.collect() }
    }

    /// Those of an object file; none where it cannot be read.
    pub fn of_object(object: &[u8]) -> Self {
        let find = || {
            let parts = parts(object).ok()?;
            let btf = Btf::parse(parts.btf.to_vec()).ok()?;
            Some(Self::find(&btf, &Constants::new(&btf, &parts.constants)))
        };
        find().unwrap_or(Self { wanted: Vec::new() })
    }

    /// Fills them in, as [`KernelOffsets::of_kernel`] has found them.
    pub fn write(&self, rodata: &mut [u8], found: &[u32]) {
        for ((.., place), offset) in self.wanted.iter().zip(found) {
            put(rodata, *place, &offset.to_ne_bytes());
        }
    }

    /// Where each of them is in this kernel. It looks at all its types, so once for many probes.
    pub fn of_kernel(&self, kernel: &Btf) -> Vec<u32> {
        let mut structs: Vec<(&str, TypeId)> = Vec::new();
        let mut names: Vec<&str> = self.wanted.iter().map(|(name, ..)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for id in kernel.all(Named::Composite) {
            if let Ok(index) = names.binary_search(&kernel.name(id)) {
                structs.push((names[index], id));
            }
        }
        let found = self.wanted.iter().map(|(name, path, _)| {
            // Another struct may have the same name, somewhere in a driver.
            let mut named = structs.iter().filter(|(known, _)| known == name).peekable();
            let found = match named.peek() {
                Some(_) => named.find_map(|(_, id)| offset(kernel, *id, path)),
                None => value(kernel, name, path),
            };
            found.unwrap_or(NOWHERE)
        });
        found.collect()
    }
}

/// What an enum calls by this name.
fn value(btf: &Btf, name: &str, path: &[String]) -> Option<u32> {
    let [word] = path else { return None };
    let (_, Type::Enum { values, .. }) = btf.resolve(btf.find(Named::Enum, name)?) else { return None };
    values.into_iter().find_map(|(known, value)| u32::try_from(value).ok().filter(|_| known == *word))
}

/// Where a member of a struct begins, in bytes.
fn offset(btf: &Btf, id: TypeId, path: &[String]) -> Option<u32> {
    let mut at = (0, id);
    for name in path {
        let (offset, ty) = member(btf, at.1, name, MAX_DEPTH)?;
        at = (at.0 + offset, ty);
    }
    Some(at.0)
}

fn member(btf: &Btf, id: TypeId, name: &str, depth: u32) -> Option<(u32, TypeId)> {
    let (_, Type::Composite { members, .. }) = btf.resolve(id) else { return None };
    let depth = depth.checked_sub(1)?;
    members.iter().find_map(|found| {
        let at = found.bit_offset / 8;
        match found.name.as_str() {
            "" => member(btf, found.ty, name, depth).map(|(inner, ty)| (at + inner, ty)),
            own => (own == name && found.bits == 0).then_some((at, found.ty)),
        }
    })
}
