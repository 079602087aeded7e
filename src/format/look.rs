// SPDX-License-Identifier: MIT OR Apache-2.0
//! How lines for people look.

/// How [`Format::Pretty`](crate::spec::Format::Pretty) looks; the other formats do not ask.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Whether to send ANSI colours.
    pub color: bool,
    /// Local time minus UTC, in seconds.
    pub utc_offset_s: i32,
    /// Columns for the probe's name: the longest name of the run.
    pub probe_width: usize,
    /// How wide the window is.
    pub width: Width,
}

impl Look {
    /// The same for what is no terminal: without colours, as wide as it gets.
    #[must_use]
    pub fn without_terminal(&self) -> Self {
        Self { color: false, width: Width::default(), ..self.clone() }
    }
}

/// Tells how many columns the window has whenever somebody asks: people change it.
#[derive(Debug, Clone, Copy)]
pub struct Width(fn() -> Option<usize>);

impl Width {
    /// As `ask` says; `None` where it is no window.
    pub fn new(ask: fn() -> Option<usize>) -> Self {
        Self(ask)
    }

    /// Columns, now.
    pub(super) fn columns(self) -> Option<usize> {
        (self.0)()
    }
}

/// Nobody knows: nothing is cut.
impl Default for Width {
    fn default() -> Self {
        Self(|| None)
    }
}
