// SPDX-License-Identifier: MIT OR Apache-2.0
//! What says no.

use std::ops::Range;

/// Why something cannot be, in words for people, and what would work instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, one sentence.
    pub message: String,
    /// What would work; `None` where nothing is known.
    pub help: Option<String>,
    /// Which bytes of the text in question are to blame; `None` where it is all of it, or something else than a text.
    pub range: Option<Range<usize>>,
}

impl Refusal {
    /// What is wrong, where nobody knows what would work.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, range: None }
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

    /// The same, of these bytes of the text; what already says which bytes keeps them: it was closer.
    #[must_use]
    pub fn at(self, range: Range<usize>) -> Self {
        Self { range: self.range.or(Some(range)), ..self }
    }
}
