// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types of expressions: what two sides have in common, and which numbers there are at all.

use std::sync::Arc;

use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{ComputedType, FetchCopy, FieldType, NameTable};

/// The type of a part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::expr) enum Type {
    /// An integer.
    Number(Range),
    /// True or false.
    Bool,
    /// Nanoseconds.
    Duration,
    /// Nanoseconds of the monotonic clock.
    Ktime,
    /// A number of a table.
    Named(NameTable, Range),
    /// A number of an enum of the kernel.
    Enum(Arc<[(i64, String)]>, Range),
    /// An id that has a name: `sda`, `/system.slice`.
    Label(&'static str),
    /// A text or bytes, of at most so many.
    Text(Option<usize>),
    /// Six or sixteen bytes that are written with signs between them.
    Grouped { bytes: usize, what: &'static str },
    /// An IP address.
    Address,
    /// What has parts and no single value.
    Whole(&'static str),
    /// `null`
    Null,
}

/// What a stack is called: of its parts nothing can be asked.
pub(super) const STACK: &str = "a stack";

/// The numbers that a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expr) struct Range {
    pub(in crate::expr) min: i128,
    pub(in crate::expr) max: i128,
    /// Read as signed.
    pub(in crate::expr) signed: bool,
    /// Shown in hexadecimal: an address or a mask.
    pub(in crate::expr) hex: bool,
}

impl Range {
    /// All integers of so many bits.
    pub(in crate::expr) fn of_bits(bits: u32, signed: bool) -> Self {
        let (min, max) = match signed {
            true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
            false => (0, (1_i128 << bits) - 1),
        };
        Self { min, max, signed, hex: false }
    }

    /// What is calculated.
    pub(super) fn calculated(signed: bool) -> Self {
        Self::of_bits(64, signed)
    }

    /// One number.
    pub(super) fn constant(number: i128, signed: bool) -> Self {
        Self { min: number, max: number, signed, hex: false }
    }

    /// `u8`, `i32`; what is no whole type is an integer of so many bits.
    pub(in crate::expr) fn words(self) -> String {
        let bits = if self.signed {
            129 - (self.max as u128).leading_zeros()
        } else {
            128 - (self.max as u128).leading_zeros()
        };
        match (bits, self.signed) {
            (8 | 16 | 32 | 64, true) => format!("i{bits}"),
            (8 | 16 | 32 | 64, false) => format!("u{bits}"),
            (_, _) => format!("an integer of {bits} bits"),
        }
    }
}

impl Type {
    /// The type of what is read.
    pub(super) fn of(operand: &Operand) -> Self {
        let bits =
            operand.bits.map_or(u32::from(operand.size.clamp(1, 8)) * 8, |bits| u32::from(bits.width.clamp(1, 64)));
        let unsigned = Range::of_bits(bits, false);
        match &operand.kind {
            FieldType::Unsigned | FieldType::Id | FieldType::Port => Self::Number(unsigned),
            FieldType::Hex => Self::Number(Range { hex: true, ..unsigned }),
            FieldType::Signed => Self::Number(Range::of_bits(bits, true)),
            FieldType::Bool | FieldType::Flag => Self::Bool,
            FieldType::Text { .. } | FieldType::Bytes => Self::Text(most_bytes(operand)),
            FieldType::Argv | FieldType::Path | FieldType::Counted { .. } => Self::Text(None),
            FieldType::Ipv4 | FieldType::Ipv6 | FieldType::Ip => Self::Address,
            FieldType::Errno => Self::Named(NameTable::Errno, ERRORS),
            FieldType::Named(NameTable::Errno) => Self::Named(NameTable::Errno, ERRORS),
            FieldType::Named(table) => Self::Named(*table, unsigned),
            FieldType::Enum(names) => Self::Enum(Arc::clone(names), Range::of_bits(64, true)),
            FieldType::Duration | FieldType::Timespec => Self::Duration,
            FieldType::Ktime => Self::Ktime,
            FieldType::Mac => Self::Grouped { bytes: 6, what: "an Ethernet address" },
            FieldType::Uuid => Self::Grouped { bytes: 16, what: "a UUID" },
            FieldType::Endpoint => Self::Whole("one end of a connection"),
            FieldType::Sock => Self::Whole("a socket"),
            FieldType::Packet => Self::Whole("a packet"),
            FieldType::Stack { .. } => Self::Whole(STACK),
            FieldType::Histogram(_) => Self::Whole("a histogram"),
            FieldType::Dev => Self::Label("a disk"),
            FieldType::Ksym | FieldType::Usym => Self::Label("a function"),
            FieldType::Cgroup => Self::Label("a cgroup"),
            FieldType::Container => Self::Label("a container"),
            FieldType::Computed(_, computed) => Self::of_computed(computed),
        }
    }

    fn of_computed(computed: &ComputedType) -> Self {
        match computed {
            ComputedType::Signed => Self::Number(Range::calculated(true)),
            ComputedType::Unsigned => Self::Number(Range::calculated(false)),
            ComputedType::Bool => Self::Bool,
            ComputedType::Duration => Self::Duration,
            ComputedType::Hex => Self::Number(Range { hex: true, ..Range::calculated(false) }),
            ComputedType::Named(NameTable::Errno) => Self::Named(NameTable::Errno, ERRORS),
            ComputedType::Named(table) => Self::Named(*table, Range::calculated(false)),
            ComputedType::Enum(names) => Self::Enum(Arc::clone(names), Range::of_bits(64, true)),
            ComputedType::Ktime => Self::Ktime,
        }
    }

    /// How a formula of this type is shown; `None` for what is shown only where it is read.
    pub(in crate::expr) fn computed(&self) -> Option<ComputedType> {
        match self {
            Self::Number(Range { hex: true, .. }) => Some(ComputedType::Hex),
            Self::Number(Range { signed: true, .. }) => Some(ComputedType::Signed),
            Self::Number(_) => Some(ComputedType::Unsigned),
            Self::Ktime => Some(ComputedType::Ktime),
            Self::Bool => Some(ComputedType::Bool),
            Self::Duration => Some(ComputedType::Duration),
            Self::Named(table, _) => Some(ComputedType::Named(*table)),
            Self::Enum(names, _) => Some(ComputedType::Enum(Arc::clone(names))),
            Self::Label(_) | Self::Text(_) | Self::Grouped { .. } | Self::Address | Self::Whole(_) | Self::Null => None,
        }
    }

    /// The numbers that it can be, for what is one.
    pub(in crate::expr) fn range(&self) -> Option<Range> {
        match self {
            Self::Number(range) | Self::Named(_, range) | Self::Enum(_, range) => Some(*range),
            Self::Duration => Some(Range::calculated(true)),
            Self::Ktime | Self::Label(_) => Some(Range::calculated(false)),
            Self::Bool | Self::Text(_) | Self::Grouped { .. } | Self::Address | Self::Whole(_) | Self::Null => None,
        }
    }

    /// Whether its number is read as signed.
    pub(super) fn is_signed(&self) -> bool {
        self.range().is_some_and(|range| range.signed)
    }

    /// What it is, for a message: "a number".
    pub(in crate::expr) fn words(&self) -> String {
        match self {
            Self::Number(range) if range.min == range.max => "a number".to_owned(),
            Self::Number(range) => format!("a number ({})", range.words()),
            Self::Bool => "a condition".to_owned(),
            Self::Duration => "a duration".to_owned(),
            Self::Ktime => "a time".to_owned(),
            Self::Named(table, _) => format!("a number with names (`{}`)", table.word()),
            Self::Enum(..) => "a number with names (an enum)".to_owned(),
            Self::Label(what) | Self::Whole(what) | Self::Grouped { what, .. } => (*what).to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::Address => "an address".to_owned(),
            Self::Null => "`null`".to_owned(),
        }
    }
}

/// The numbers of errors.
const ERRORS: Range = Range { min: -4095, max: -1, signed: true, hex: false };

/// Most bytes of a text of which all is read.
fn most_bytes(operand: &Operand) -> Option<usize> {
    let is_comm = match &operand.source {
        OperandSource::Head { name, .. } => *name == "comm",
        OperandSource::Fetch(fetch) => fetch.copy == FetchCopy::Comm,
        OperandSource::Nothing | OperandSource::Field(_) => false,
    };
    match &operand.kind {
        FieldType::Text { limit: None } if is_comm => Some(usize::from(operand.size) - 1),
        FieldType::Text { limit: None } | FieldType::Bytes => Some(usize::from(operand.size)),
        _other => None,
    }
}
