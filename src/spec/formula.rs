// SPDX-License-Identifier: MIT OR Apache-2.0
//! What user space calculates over one record: a capture with arithmetic, and the part of `where` that the kernel does not decide.
//!
//! Made by `expr`, evaluated by `record`. Types have been checked: a formula of numbers never meets a text. Every part may be
//! null; a comparison with null is undecided, which `&&`, `||` and `!` carry on as in SQL.

use core::net::Ipv6Addr;
use std::sync::Arc;

use super::expr::NameTable;

/// A typed expression over the operands of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// What this field of [`super::Layout::operands`] holds: a number by its sign and width, a text, an address, or null.
    Operand(usize),
    /// A number of 64 bits; `signed` says how its bits are read.
    Number {
        /// Two's complement.
        bits: u64,
        /// True: as `i64`.
        signed: bool,
    },
    /// A text.
    Text(Arc<[u8]>),
    /// True or false.
    Bool(bool),
    /// Null.
    Null,
    /// `a + b`: 64 bits, overflow wraps, `/` and `%` round to zero and are null by 0; a shift is by a constant of 0 to 63.
    /// `signed` is that of the result and of the operation.
    Arithmetic {
        /// One of the operators of numbers.
        op: Arithmetic,
        /// Whether division, remainder and shift to the right are signed, and how the result is read.
        signed: bool,
        /// Left and right.
        sides: Box<(Formula, Formula)>,
    },
    /// `a == b` between two numbers, texts, addresses or booleans. Numbers compare exactly, whatever their signs.
    Compare {
        /// Which.
        op: Comparison,
        /// Left and right.
        sides: Box<(Formula, Formula)>,
    },
    /// `a == null`: always decided.
    IsNull(Box<Formula>),
    /// `!a`
    Not(Box<Formula>),
    /// True where all are; undecided where none is false and one undecided.
    All(Vec<Formula>),
    /// True where one is.
    Any(Vec<Formula>),
    /// `path.under("/etc")`: true where one of the texts fits.
    Matches {
        /// How.
        how: TextTest,
        /// The text that is asked.
        of: Box<Formula>,
        /// Any of these.
        texts: Vec<Arc<[u8]>>,
    },
    /// `x in SET` and `path.under(SET)`: the contents may change while the probe runs.
    InSet {
        /// What is looked for.
        of: Box<Formula>,
        /// How a text of the set must fit; `Equal` for all other sets.
        how: TextTest,
        /// Its name, unique in the run.
        set: SetName,
    },
    /// `ip in "10.0.0.0/8"`: one of these networks. IPv4 stands as `::ffff:a.b.c.d`, its prefix 96 bits longer.
    InNetworks {
        /// An address.
        of: Box<Formula>,
        /// Address and prefix.
        networks: Vec<(Ipv6Addr, u8)>,
    },
    /// A number as this table has it: null where the table says that it stands for nothing.
    Named {
        /// Which.
        table: NameTable,
        /// The number, of 64 bits.
        of: Box<Formula>,
    },
    /// `size(x)`: bytes of a text or buffer.
    Size(Box<Formula>),
}

impl Formula {
    /// What it is made of.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Operand(_) | Self::Number { .. } | Self::Text(_) | Self::Bool(_) | Self::Null => Vec::new(),
            Self::Arithmetic { sides, .. } | Self::Compare { sides, .. } => vec![&sides.0, &sides.1],
            Self::IsNull(of)
            | Self::Not(of)
            | Self::Size(of)
            | Self::Named { of, .. }
            | Self::Matches { of, .. }
            | Self::InSet { of, .. }
            | Self::InNetworks { of, .. } => vec![of],
            Self::All(parts) | Self::Any(parts) => parts.iter().collect(),
        }
    }
}

/// An operator of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the operators of the language by their names")]
pub enum Arithmetic {
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    BitAnd,
    BitXor,
    BitOr,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the operators of the language by their names")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How a text is compared. Of a text that was cut, `EndsWith`, `Contains`, `Glob` (and `Equal`, where the known part fits) are
/// undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextTest {
    /// The whole text.
    Equal,
    /// `.startsWith`
    StartsWith,
    /// `.endsWith`
    EndsWith,
    /// `.contains`
    Contains,
    /// `.glob`: `*` any text, `?` one byte.
    Glob,
    /// `.under`: this path or one below it.
    Under,
}

/// A set of `sets:`, by its name and the file that it belongs to, or what an expression says in place (`descendants(1234)`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetName(pub Arc<str>);

impl SetName {
    /// How expressions call it, without the file that it belongs to.
    pub fn word(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(word, _)| word)
    }
}
