// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a record's bytes to lines.
//!
//! ```text
//! Layout ──once──> Columns ──each record──> FieldValue ──> jsonl · pretty · text ──> bytes at the end of a Vec
//! ```
//!
//! Bytes become values in [`crate::record`]; a format only writes a [`crate::record::FieldValue`]. What never happens here: no file, no terminal, no allocation for an event (the caller's buffer
//! grows until it is large enough), no panic, whatever the record holds.

mod argv;
mod columns;
mod encoder;
mod escape;
mod human;
mod jsonl;
mod look;
mod notice;
mod pretty;
mod summary;
mod text;
mod time;

pub use encoder::{Encoder, notice};
pub use look::Look;
pub use notice::Notice;
pub use summary::{SinkTotals, SummaryRow, summary};
