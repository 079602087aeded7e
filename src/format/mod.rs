// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a record's bytes to lines.
//!
//! ```text
//! Layout ──once──> value::Plan ──each record──> Value ──> jsonl · pretty · text ──> bytes at the end of a Vec
//! ```
//!
//! One field table drives all formats: `value` is the only place that knows [`crate::spec::FieldType`], each format only
//! writes a `Value`. What never happens here: no file, no terminal, no allocation for an event (the caller's buffer
//! grows until it is large enough), no panic, whatever the record holds.

mod argv;
mod encoder;
mod escape;
mod human;
mod jsonl;
mod look;
mod notice;
mod path;
mod pretty;
mod summary;
mod text;
mod time;
mod value;

pub use encoder::{Encoder, notice};
pub use look::Look;
pub use notice::Notice;
pub use summary::{SinkTotals, SummaryRow, summary};
