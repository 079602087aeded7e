// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the text of an expression is cut into.

use std::ops::Range;

use super::error::ExprError;

/// A word or sign, and the bytes of the text that it takes.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tok {
    /// A C identifier: a name, or a word such as `as`.
    Word(String),
    Number(u64),
    /// Nanoseconds.
    Duration(u64),
    Text(String),
    /// One of `SIGNS`.
    Sign(&'static str),
    /// What is no part of any expression.
    Other,
    /// What looks like a number or a text and is none. It is said when the parser comes there.
    Bad(ExprError),
    /// The end of the text.
    End,
}
