// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a path (`sk->__sk_common.skc_dport as port`, `conn.source.ip`, `flags`) comes to: where its bytes are from, and how they
//! are read. Captures show operands; `where` compares them.

use crate::spec::{BitRange, Fetch, FieldType, OfEnd};

/// A value that is read when the event happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// Fetches that must come before it, because they keep an index or a length that it uses. They have no slot.
    pub before: Vec<Fetch>,
    /// Where it comes from.
    pub source: OperandSource,
    /// Where in what was fetched it begins: a part of a value with several, else 0.
    pub part: u16,
    /// Bytes of it.
    pub size: u16,
    /// What says whether it is there; the offset is in what was fetched.
    pub of_end: Option<OfEnd>,
    /// The bits of the integer that count, for a bit-field.
    pub bits: Option<BitRange>,
    /// How the bytes are read and shown.
    pub kind: FieldType,
}

/// Where the bytes of an operand come from.
#[derive(Debug, Clone, PartialEq)]
pub enum OperandSource {
    /// The head of the record has it: `pid tid uid comm cpu`. The fetch that reads it before there is a record, for `where`.
    Head {
        /// The field of the head.
        name: &'static str,
        /// The same value by a fetch.
        fetch: Fetch,
    },
    /// It is fetched. `out` is not set yet; two operands with equal fetches share a slot.
    Fetch(Fetch),
    /// It is this field of a record that is finished: first those of the process, then the others. `where` at programs with records
    /// of their own.
    Field(usize),
    /// This target of the hook does not have it (`first_of` that found nothing, a name that only other targets have): null.
    Nothing,
}

impl OperandSource {
    /// The fetch that reads it, of the head's values as well.
    pub fn fetch(&self) -> Option<&Fetch> {
        match self {
            Self::Head { fetch, .. } | Self::Fetch(fetch) => Some(fetch),
            Self::Nothing | Self::Field(_) => None,
        }
    }
}

impl Operand {
    /// What this target does not have, and others have as that many bytes of this kind.
    pub fn nothing(kind: FieldType, size: u16) -> Self {
        Self { before: Vec::new(), source: OperandSource::Nothing, part: 0, size, of_end: None, bits: None, kind }
    }
}
