// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of the kernel and its modules.

mod expand;
mod lists;
mod names;

pub(in crate::kernel) use expand::{first_of, named};
pub(in crate::kernel) use lists::{FunctionLists, can_be_named};
pub(in crate::kernel) use names::SymbolSearch;
