// SPDX-License-Identifier: MIT OR Apache-2.0
//! `at`: which end of a call a hook is at.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::forms::plain_enum;
use crate::spec::CallEnd;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
pub(super) enum RawEnd {
    /// Before it does anything.
    Entry,
    /// When it is done.
    Return,
    /// Both, as one event when it is done: arguments are those of the entry, and there is `duration`.
    Span,
}

/// The end that the file names, or `usual`.
pub(super) fn end(at: Option<RawEnd>, usual: CallEnd) -> CallEnd {
    match at {
        None => usual,
        Some(RawEnd::Entry) => CallEnd::Entry,
        // The event is at the return.
        Some(RawEnd::Return | RawEnd::Span) => CallEnd::Return,
    }
}
