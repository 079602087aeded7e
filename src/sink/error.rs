// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sentence that says why a sink could not be opened.

use std::fmt;

use super::refusal::Refusal;
use crate::spec::Destination;

/// Why a sink could not be opened: ``failed to open `/x/y.jsonl`: the directory `/x` does not exist``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkOpenError {
    what: String,
    why: String,
    help: Option<String>,
}

impl SinkOpenError {
    pub(super) fn new(destination: &Destination, why: &Refusal) -> Self {
        Self { what: destination.to_string(), why: why.to_string(), help: why.help() }
    }

    /// What to do about it, where there is something.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for SinkOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to open `{}`: {}", self.what, self.why)
    }
}

impl std::error::Error for SinkOpenError {}
