// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon tells people.

use crate::config::Problem;
use crate::plan::UnitId;

/// What a daemon tells people.
pub enum Said<'a> {
    /// It went as it should.
    Info(&'a str),
    /// Something to know.
    Warning(&'a str),
    /// A unit came to run, or ended, as its file says.
    Unit(&'a UnitId, &'a str),
    /// Something to know about a unit.
    UnitWarning(&'a UnitId, &'a str),
    /// Something is wrong with a file.
    Problem(&'a Problem),
    /// A unit was refused.
    Refused(&'a UnitId, &'a Problem),
    /// A unit waits for what it attaches to.
    Waiting(&'a UnitId, &'a Problem),
    /// The first look is done, and everything that can run does.
    Ready,
}
