// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's types: some megabytes, so they are read when an expression first asks for one, and most never do.

use std::cell::OnceCell;
use std::fmt;

use crate::catalog::Btf;

/// The types of the running kernel, read once and only on demand.
pub struct KernelTypes {
    read: fn() -> Option<Btf>,
    found: OnceCell<Option<Btf>>,
}

impl KernelTypes {
    /// Types that `read` reads; it gives `None` where the kernel has no BTF.
    pub fn new(read: fn() -> Option<Btf>) -> Self {
        Self { read, found: OnceCell::new() }
    }

    /// The types; `None` where the kernel has no BTF.
    pub fn get(&self) -> Option<&Btf> {
        self.found.get_or_init(self.read).as_ref()
    }
}

impl fmt::Debug for KernelTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KernelTypes").field(&self.found.get()).finish()
    }
}

/// What an expression may ask for types.
#[derive(Debug, Clone, Copy)]
pub enum Types<'a> {
    /// They have been read; `None` where there are none.
    Read(Option<&'a Btf>),
    /// They are read when somebody asks.
    OnDemand(&'a KernelTypes),
}

impl<'a> Types<'a> {
    /// The types; `None` where the kernel has no BTF.
    pub(super) fn get(self) -> Option<&'a Btf> {
        match self {
            Self::Read(found) => found,
            Self::OnDemand(types) => types.get(),
        }
    }
}

impl<'a> From<Option<&'a Btf>> for Types<'a> {
    fn from(found: Option<&'a Btf>) -> Self {
        Self::Read(found)
    }
}

impl<'a> From<&'a KernelTypes> for Types<'a> {
    fn from(types: &'a KernelTypes) -> Self {
        Self::OnDemand(types)
    }
}
