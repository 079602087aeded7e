// SPDX-License-Identifier: MIT OR Apache-2.0
//! What follows `as`, and what a type means where nothing does: from a place to an operand.

mod auto;
mod head;
mod memory;
mod number;
mod object;
mod read;
mod recast;
mod text;
mod thing;

pub(super) use auto::by_type;
pub(super) use number::is_number;
pub(super) use object::address;
pub(super) use read::read;
pub(super) use recast::recast;
