// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records: from the bytes that a program wrote to typed values.
//!
//! ```text
//! spec::Layout ──once──> Completer  ──each record──> Decision, FullRecord      (filter, computed values, names of ids)
//!              ──once──> RecordPlan ──each record──> Record ──each field──> FieldValue
//! ```
//!
//! The only module that reads bytes of a record by [`crate::spec::FieldType`]: formats write its values, predicates and
//! aggregates compare them. What never happens here: nothing is asked of the machine (that is [`Lookups`]), nothing is allocated
//! for a record once buffers are large enough, nothing panics, whatever the record holds.

mod complete;
mod endpoint;
mod extras;
mod field;
mod formula;
mod histogram;
mod integer;
mod lookup;
mod named;
mod packet;
mod path;
mod plan;
mod reader;
mod stack;
mod text;
mod value;

pub use complete::{Completer, Decision, Verdict};
pub use endpoint::{Endpoint, EndpointAddress, SockEnds};
pub use extras::{Extras, FullRecord, Row, Rows};
pub use field::RecordField;
pub use formula::{NoSets, SetContent, Sets};
pub use histogram::Histogram;
pub use lookup::{Lookups, NoLookups};
pub use packet::PacketParts;
pub use path::{PathNames, PathRoom};
pub use plan::{Record, RecordPlan};
pub use stack::{CodeOf, StackFrame};
pub use value::{FieldText, FieldValue, NamedNumber, TableNumber};
