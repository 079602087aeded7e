// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was probably meant by what is wrong in a file: one function for each mistake that people make, and a table of them.
//!
//! To add one: a function, a line in `GUESSES`, and a file in `tests/config/bad` that shows it.
//!
//! What never happens here: nothing is refused. Whether something is wrong, the gate and the checks know.

mod cut;
mod foreign;
mod form;
mod key;
mod limits;
mod look;
mod mapping;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use cut::cut;
pub(super) use foreign::template_around;
pub(super) use form::{name_like, shell_variable};
pub(super) use key::{UnknownKey, known_elsewhere};
pub(crate) use look::without_curly;
pub(super) use syntax::Stumble;
pub(super) use table::{for_form, for_key, for_syntax, for_value, for_word, notes};
pub(super) use value::Misfit;
