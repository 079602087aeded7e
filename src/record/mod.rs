// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records: from the bytes that a program wrote to typed values.
//!
//! ```text
//! spec::Layout ──once──> RecordPlan ──each record──> Record ──each field──> FieldValue
//! ```
//!
//! The only module that reads bytes of a record by [`crate::spec::FieldType`]: formats write its values, predicates and
//! aggregates compare them. What never happens here: no text is made, nothing is allocated for a record, nothing panics,
//! whatever the record holds.

mod field;
mod path;
mod plan;
mod value;

pub use field::RecordField;
pub use path::{PathNames, PathRoom};
pub use plan::{Record, RecordPlan};
pub use value::{FieldText, FieldValue, NamedNumber};
