// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of the kernel and its modules.

mod lists;
mod names;

pub(in crate::kernel) use lists::FunctionLists;
pub(in crate::kernel) use names::SymbolSearch;
