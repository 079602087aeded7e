// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a record's bytes to lines.
//!
//! ```text
//! Layout ──once──> Columns ──each record──> FieldValue ──> jsonl · pretty · text ──> bytes at the end of a Vec
//! ```
//!
//! Bytes become values in [`crate::record`]; a format only writes a [`crate::record::FieldValue`]. A format is one file and
//! one line in [`WRITERS`], which the language, its schema and its man page are made from. What never happens here: no file, no
//! terminal, no allocation for an event (the caller's buffer grows until it is large enough), no panic, whatever the record
//! holds.

mod argv;
mod bars;
mod cell;
mod columns;
mod csv;
mod edge;
mod encoder;
mod endpoint;
mod escape;
mod folded;
mod grid;
mod human;
mod jsonl;
mod look;
mod notice;
mod paint;
mod picture;
mod plain;
mod pretty;
mod stack;
mod summary;
mod text;
mod time;
mod value;
mod view;
mod writer;
mod writers;

pub use encoder::{Encoder, is_torn, notice};
pub use look::{Look, Width};
pub use notice::Notice;
pub use plain::plain;
pub use summary::{SinkTotals, SummaryRow, summary};
pub use view::{Sorting, View, ViewLines};
pub use writer::FormatWriter;
pub use writers::WRITERS;
