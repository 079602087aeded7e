// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the kernel cannot decide something, and what it costs where it can.

/// Why the kernel cannot decide something, to be read after "because".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::expr) struct Unfit(pub(in crate::expr) String);

impl Unfit {
    pub(in crate::expr) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// What the costliest of some tests does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::expr) enum Cost {
    /// It compares a number: some 2 ns.
    Number,
    /// It looks something up in a set: some 20 ns.
    Set,
    /// It reads the name of the thread: some 40 ns.
    Comm,
    /// It reads memory: some 80 ns.
    Memory,
}

impl Cost {
    /// In words.
    pub(in crate::expr) fn nanoseconds(self) -> u32 {
        match self {
            Self::Number => 2,
            Self::Set => 20,
            Self::Comm => 40,
            Self::Memory => 80,
        }
    }
}
