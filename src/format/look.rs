// SPDX-License-Identifier: MIT OR Apache-2.0
//! How lines for people look.

/// How [`Format::Pretty`](crate::spec::Format::Pretty) looks; the other formats do not ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Whether to send ANSI colours.
    pub color: bool,
    /// Local time minus UTC, in seconds.
    pub utc_offset_s: i32,
    /// Columns for the probe's name: the longest name of the run.
    pub probe_width: usize,
}
