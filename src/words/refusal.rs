// SPDX-License-Identifier: MIT OR Apache-2.0
//! What says no.

/// Why something cannot be, in words for people, and what would work instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, one sentence.
    pub message: String,
    /// What would work; `None` where nothing is known.
    pub help: Option<String>,
}

impl Refusal {
    /// What is wrong, where nobody knows what would work.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// The same with what would work.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same with what would work, where something is known.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        Self { help: help.or(self.help), ..self }
    }
}
