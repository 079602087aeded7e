// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with an expression, and where in its text.

use std::ops::Range;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The bytes of the text that are to blame; empty at its end where something is missing.
    pub range: Range<usize>,
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

pub(super) fn error(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> ExprError {
    ExprError { range, message: message.into(), help: Some(help.into()) }
}
