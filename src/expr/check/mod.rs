// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an expression to a formula over operands: names find their values, constants their families, both sides of an operator
//! their type; what can never hold is refused.
//!
//! ```text
//! retval == -EACCES && comm.startsWith("ba")
//!   All[ Compare(Equal, Operand(0), Number(-13)), Matches(StartsWith, Operand(1), ["ba"]) ]
//! ```

mod bits;
mod checker;
mod compare;
mod condition;
mod constant;
mod member;
mod number;
mod recast;
mod text;
mod types;
mod values;

pub(super) use checker::{Checker, Typed};
pub(super) use types::{Range, Type};
pub(super) use values::{Meaning, Values};
