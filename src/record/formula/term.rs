// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a part of a formula comes to.

use core::cmp::Ordering;
use core::net::Ipv6Addr;

use super::text::{Cut, KnownText, equal, order};
use crate::record::{PathNames, PathRoom};
use crate::spec::Comparison;

/// The value of a part of a formula for one record.
#[derive(Debug, Clone, Copy)]
pub(in crate::record) enum Term<'a> {
    /// Absent, unreadable, undecided.
    Null,
    Bool(bool),
    Number(Number),
    /// A text or buffer. `total`: how many bytes it had, where that is known.
    Text {
        known: KnownText<'a>,
        total: Option<u64>,
    },
    Path(PathNames<'a>),
    /// IPv4 as `::ffff:a.b.c.d`.
    Address(Ipv6Addr),
    /// An id, and what it is called.
    Named {
        id: u64,
        name: KnownText<'a>,
    },
    /// It has a value, which is no single one.
    Something,
}

/// 64 bits, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::record) struct Number {
    pub(in crate::record) bits: u64,
    pub(in crate::record) signed: bool,
}

impl Number {
    /// What it is, whatever its sign.
    pub(super) fn exact(self) -> i128 {
        if self.signed { self.bits.cast_signed().into() } else { self.bits.into() }
    }
}

impl<'a> Term<'a> {
    pub(super) fn of(decided: Option<bool>) -> Self {
        decided.map_or(Self::Null, Self::Bool)
    }

    /// The number that it is, or that stands behind a name.
    pub(super) fn number(self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bool(value) => Some(Number { bits: value.into(), signed: false }),
            Self::Named { id, .. } => Some(Number { bits: id, signed: false }),
            Self::Null | Self::Text { .. } | Self::Path(_) | Self::Address(_) | Self::Something => None,
        }
    }

    pub(super) fn address(self) -> Option<Ipv6Addr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text { .. }
            | Self::Path(_)
            | Self::Named { .. }
            | Self::Something => None,
        }
    }

    /// True or false; `None` where it is undecided. A number is true where it is not 0.
    pub(super) fn truth(self) -> Option<bool> {
        self.number().map(|number| number.bits != 0)
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// Bytes of it; `None` for what has no size, or one that is unknown.
    pub(super) fn size(self) -> Option<u64> {
        match self {
            Self::Text { total: Some(total), .. } => Some(total),
            Self::Text { known, total: None } | Self::Named { name: known, .. } => known.size(),
            Self::Path(_) => self.with_text(|known| known.size()).flatten(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Address(_) | Self::Something => None,
        }
    }

    /// Asks something of its text; `None` where it is none.
    pub(super) fn with_text<T>(self, ask: impl FnOnce(KnownText<'_>) -> T) -> Option<T> {
        match self {
            Self::Text { known, .. } | Self::Named { name: known, .. } => Some(ask(known)),
            Self::Path(path) => {
                let mut room = [0; size_of::<PathRoom>()];
                let cut = if path.is_cut() { Cut::Start } else { Cut::Nowhere };
                Some(ask(KnownText { bytes: path.known(&mut room), cut }))
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Address(_) | Self::Something => None,
        }
    }

    /// Appends its text; false where it is none.
    pub(in crate::record) fn append_to(self, out: &mut Vec<u8>) -> bool {
        self.with_text(|known| out.extend_from_slice(known.bytes)).is_some()
    }

    /// `None` where it is undecided: beside null, beside something of another type.
    pub(super) fn compare(self, op: Comparison, other: Self) -> Option<bool> {
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return Some(holds(op, left.exact().cmp(&right.exact())));
        }
        if let (Some(left), Some(right)) = (self.address(), other.address()) {
            return Some(holds(op, left.cmp(&right)));
        }
        let texts = |ask: fn(KnownText<'_>, KnownText<'_>) -> Option<bool>| {
            self.with_text(|left| other.with_text(|right| ask(left, right))).flatten().flatten()
        };
        match op {
            Comparison::Equal => texts(equal),
            Comparison::NotEqual => texts(equal).map(|equal| !equal),
            Comparison::Less => texts(|left, right| order(left, right).map(Ordering::is_lt)),
            Comparison::LessOrEqual => texts(|left, right| order(left, right).map(Ordering::is_le)),
            Comparison::Greater => texts(|left, right| order(left, right).map(Ordering::is_gt)),
            Comparison::GreaterOrEqual => texts(|left, right| order(left, right).map(Ordering::is_ge)),
        }
    }
}

fn holds(op: Comparison, order: Ordering) -> bool {
    match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
