// SPDX-License-Identifier: MIT OR Apache-2.0
//! The place in a probe's YAML that a later problem is to be blamed on.

use std::ops::Range;

use super::span::SpanRole;

/// A place in one probe. `config` knows where in the file it is; the floors above only name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The probe as a whole: its name.
    Probe,
    /// The key of its hook: `kprobe`.
    Hook,
    /// What the hook names: the interface, the symbol, the tracepoint; all of them, where it names several.
    Target,
    /// The one among several targets that is, or stands for, this interface or function.
    Entry(String),
    /// The `mode` of an `xdp` hook, or its interface where the mode is not written.
    Mode,
    /// The `binary` of a `uprobe` hook, or its target in a short form.
    Binary,
    /// The `pid` of a `uprobe` hook.
    Process,
    /// The `build_id` of a `uprobe` hook.
    BuildId,
    /// The value of `program`.
    Program,
    /// The value of this parameter.
    Param(String),
    /// The expression of this capture.
    Capture(String),
    /// This clause of `where`, from 0.
    Clause(usize),
    /// A part of the key of a span's hook, from 0.
    Key(usize),
    /// A part of one hook of a span: of those of its role, the one of this number.
    SpanHook(SpanRole, usize, Box<Place>),
    /// A key, a value or the condition of a value of `aggregate`: the table and which one, from 0.
    Aggregate(AggregatePart, usize, usize),
    /// The sink of this name.
    Sink(String),
    /// Some bytes of a text that stands at another place: one word of an expression.
    Part {
        /// Where the text is.
        of: Box<Place>,
        /// Which of its bytes.
        range: Range<usize>,
    },
}

/// What of a table a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregatePart {
    /// A key.
    Key,
    /// What a value is about.
    Value,
    /// What follows its `if`.
    Condition,
}

impl Place {
    /// These bytes of what stands here; the place itself where there are none.
    #[must_use]
    pub fn part(self, range: Option<Range<usize>>) -> Self {
        match range {
            Some(range) => Self::Part { of: Box::new(self), range },
            None => self,
        }
    }

    /// The place that this is a part of, or itself.
    pub fn whole(&self) -> &Self {
        match self {
            Self::Part { of, .. } => of.whole(),
            Self::Probe
            | Self::Hook
            | Self::Target
            | Self::Entry(_)
            | Self::Mode
            | Self::Binary
            | Self::Process
            | Self::BuildId
            | Self::Program
            | Self::Param(_)
            | Self::Capture(_)
            | Self::Clause(_)
            | Self::Key(_)
            | Self::SpanHook(..)
            | Self::Aggregate(..)
            | Self::Sink(_) => self,
        }
    }
}
