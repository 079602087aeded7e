// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls: which of them a name or glob stands for, and what their arguments are called.

mod expand;
mod group;
mod signature;

pub(in crate::kernel) use expand::{first_of, lacking, named};
pub(in crate::kernel) use group::{Group, NAMELESS, groups};
pub(in crate::kernel) use signature::{event_of, of_event};
