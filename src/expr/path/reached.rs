// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a path leads.

use super::parts::Composite;
use super::place::Place;
use crate::expr::operand::Operand;

/// Where a path leads.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Reached<'a> {
    /// A place in memory or a register.
    Place(Place<'a>),
    /// A value of several parts, or a part.
    Composite(Composite<'a>),
    /// A finished value: a cast has said how it is read.
    Value(Operand),
    /// This target does not have it.
    Nothing,
}
