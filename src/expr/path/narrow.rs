// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory of 32-bit processes: what lies there as the kernel's types say, which are those of 64-bit ones.

use super::place::Place;
use crate::catalog::{Btf, Type, TypeId};
use crate::spec::Narrow;

/// Deeper than structs lie in each other; malformed BTF may have one in itself.
const MOST_DEPTH: u32 = 16;

impl Place<'_> {
    /// The same, told whether a 32-bit process has the first `bytes` bytes of a value of this type as the type says.
    #[must_use]
    pub(super) fn up_to(self, btf: &Btf, id: TypeId, bytes: u32) -> Self {
        if self.is_user_memory() && !is_same(btf, id, bytes, MOST_DEPTH) {
            return Self { narrow: Narrow::Otherwise, ..self };
        }
        self
    }
}

/// False where its first bytes have a pointer or a `long`, times of which there are two forms, or room that only others need.
fn is_same(btf: &Btf, id: TypeId, bytes: u32, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match btf.resolve(id) {
        (_, Type::Ptr(_)) => false,
        (id, Type::Int { size: 8, .. }) => !is_long(btf.name(id)),
        (_, Type::Array { element, .. }) => is_same(btf, element, u32::MAX, depth),
        (id, Type::Composite { .. }) if btf.name(id).contains("timespec") => false,
        (_, Type::Composite { members, .. }) => {
            let mut end = 0;
            members.into_iter().all(|member| {
                let begin = member.bit_offset / 8;
                if begin >= bytes {
                    return true;
                }
                let size = btf.size_of(member.ty).unwrap_or(0);
                // x86 has eight bytes at each fourth one.
                let is_moved = size >= 8 && begin.saturating_sub(end) >= 4;
                end = begin.saturating_add(size);
                !is_moved && is_same(btf, member.ty, bytes - begin, depth)
            })
        }
        (_, _) => true,
    }
}

/// `long int`, `long unsigned int`, and not `long long int`.
fn is_long(name: &str) -> bool {
    name.starts_with("long") && !name.starts_with("long long")
}
