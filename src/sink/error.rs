// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sentence that says why a sink could not be opened.

use std::fmt;

use super::unwritable::Unwritable;
use crate::spec::Destination;
use crate::words::Refusal;

/// Why a sink could not be opened: ``failed to open `/x/y.jsonl`: the directory `/x` does not exist``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkOpenError {
    what: String,
    why: Refusal,
}

impl SinkOpenError {
    pub(super) fn new(destination: &Destination, why: &Unwritable) -> Self {
        Self { what: destination.to_string(), why: why.refusal() }
    }

    /// The sentence, and what to do about it where there is something.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.to_string()).maybe_help(self.why.help.clone())
    }
}

impl fmt::Display for SinkOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to open `{}`: {}", self.what, self.why.message)
    }
}

impl std::error::Error for SinkOpenError {}
