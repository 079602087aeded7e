// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formulas over one record: [`crate::spec::Formula`], compiled once, evaluated without an allocation.
//!
//! Numbers have 64 bits and compare exactly whatever their signs; what is absent or could not be read is null, a comparison with it
//! undecided, and `&& || !` go on as in SQL. A text of which only a part is known is compared as far as that decides.

mod arithmetic;
mod compile;
mod evaluate;
mod glob;
mod operand;
mod sets;
mod term;
mod text;

#[cfg(test)]
mod tests;

pub(super) use compile::Compiled;
pub(super) use evaluate::Evaluation;
pub(super) use operand::Operand;
pub(super) use term::Term;

pub use sets::{NoSets, SetContent, Sets};
