// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a checker asks about names.

use crate::expr::operand::Operand;
use crate::spec::{Expr, SetUse};
use crate::words::Refusal;

/// What a name stands for.
pub(in crate::expr) enum Meaning<'e> {
    /// A capture with this expression.
    Capture(&'e Expr),
    /// Something to read.
    Value,
    /// Nothing that can be read: perhaps a constant, an enum, a set.
    Unknown,
}

/// The names at one place of a probe.
pub(in crate::expr) trait Values {
    /// What a path comes to.
    fn operand(&self, path: &Expr) -> Result<Operand, Refusal>;

    /// What a name stands for.
    fn meaning(&self, name: &str) -> Meaning<'_>;

    /// The names as a capture sees them.
    fn inside_captures(&self) -> Self
    where
        Self: Sized;

    /// What this enumerator of the kernel is in each enum that has one of the name, by the enum's name.
    fn enumerators(&self, name: &str) -> Vec<(String, i64)>;

    /// The enumerators of this enum of the kernel.
    fn enumeration(&self, name: &str) -> Option<Vec<(String, i64)>>;

    /// The set of this word.
    fn set(&self, word: &str) -> Option<&SetUse>;

    /// The words of all sets.
    fn sets(&self) -> Vec<&str>;
}
