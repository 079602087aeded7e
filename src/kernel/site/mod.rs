// SPDX-License-Identifier: MIT OR Apache-2.0
//! The places where programs are attached: what is there, which of them a name or glob stands for, what was probably meant, and
//! whether one has come or gone. By which mechanism something is attached there, and what that takes, is not known here.

pub(in crate::kernel) mod binary;
pub(in crate::kernel) mod cgroup;
pub(in crate::kernel) mod event;
pub(in crate::kernel) mod function;
pub(in crate::kernel) mod interface;
mod lookup;
mod near;
pub(in crate::kernel) mod syscall;
mod targets;

pub(in crate::kernel) use lookup::{first_of, is_missing, named};
pub(in crate::kernel) use near::{MOST_ENTRIES, close_in_length};
pub(in crate::kernel) use targets::{Named, Names};
