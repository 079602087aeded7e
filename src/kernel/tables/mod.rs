// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables that programs count in: two maps each, exchanged through an array of one.
//!
//! ```text
//! programs ──▶ array of one map ──▶ rows that are counted in now
//!                      └ exchange ▶ the other ones: read, emptied, used the next time
//! ```
//!
//! Call stacks in keys are hashes of 64 bits there. Their frames are in two more maps, which are exchanged with the rows: each event asks
//! once which are counted in (`phases`), and the arrays have both.
//!
//! The exchange returns when no program uses the map that was there (Linux waits for a grace period), so each event is in exactly one
//! reading.

mod batch;
mod map;
mod read;

pub use map::TableMaps;
pub(super) use map::{FIRST_TABLE, SCRATCH, is_of_tables};
pub use read::{RawRow, TableReader};
