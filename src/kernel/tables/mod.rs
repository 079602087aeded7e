// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables that programs count in: two maps each, exchanged through an array of one.
//!
//! ```text
//! programs ──▶ array of one map ──▶ rows that are counted in now
//!                      └ exchange ▶ the other ones: read, emptied, used the next time
//! ```
//!
//! The exchange returns when no program uses the map that was there (Linux waits for a grace period), so each event is in exactly one
//! reading.

mod batch;
mod map;
mod read;

pub use map::TableMaps;
pub(super) use map::{FIRST_TABLE, SCRATCH, TABLE};
pub use read::{RawRow, TableReader};
