// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with an expression at a hook.

/// Why an expression cannot be read at this hook, and what would work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveError {
    /// What is wrong.
    pub message: String,
    /// What would work; empty where nothing is known.
    pub help: String,
}

impl ResolveError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}
