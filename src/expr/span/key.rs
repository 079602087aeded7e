// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys: the numbers by which a start and its end know each other.

use super::SpanPoint;
use crate::expr::lower::is_signed;
use crate::expr::operand::Operand;
use crate::expr::path::{Names, is_path};
use crate::spec::{BitRange, Cast, Expr, ExprNode, Fetch, FetchCopy, FieldType, KeyWord};
use crate::words::Refusal;

/// What a number of a key is: numbers of one kind are compared, whatever their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// A whole number: bytes of it.
    Number(u16),
    /// An address.
    Address,
    /// A port, in network order.
    Port,
    /// An address of IPv4, in network order.
    Ipv4,
    /// A time.
    Time,
}

impl KeyKind {
    /// True for two of which the same values can be equal. A number of eight bytes may be an address.
    pub(super) fn fits(self, other: Self) -> bool {
        match (self, other) {
            (Self::Number(8), Self::Address)
            | (Self::Address, Self::Number(8))
            | (Self::Number(_), Self::Number(_)) => true,
            (one, other) => one == other,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Address => "an address",
            Self::Port => "a port",
            Self::Ipv4 => "an IPv4 address",
            Self::Time => "a time",
        }
    }
}

/// A part of a key at one hook.
pub(super) fn word(point: &SpanPoint<'_, '_>, expr: &Expr) -> Result<(KeyWord, KeyKind), Refusal> {
    let at = |refusal: Refusal| refusal.at(expr.range.clone());
    if !is_path(expr) {
        let refusal = Refusal::new(format!("`{expr}` is calculated: a key is read"));
        return Err(at(refusal.help("name an argument, a field, a builtin, or a member of one")));
    }
    if matches!(expr.node, ExprNode::Cast { cast: Cast::Bool, .. }) {
        let refusal = Refusal::new(format!("`{expr}` is a condition: keys are numbers and addresses"));
        return Err(at(refusal.help("leave `as bool` out: the numbers themselves are compared")));
    }
    let operand = Names::of_conditions(point.scope, point.machine, &[]).value(expr)?;
    let kind = kind(&operand.kind, operand.size).ok_or_else(|| {
        at(Refusal::new(format!("`{expr}` is no number: keys are numbers and addresses"))
            .help("pair by an id: a thread, a descriptor, the address of what is worked on"))
    })?;
    let Some(fetch) = operand.source.fetch().filter(|fetch| operand.before.is_empty() && is_plain(fetch, &operand))
    else {
        return Err(at(Refusal::new(format!("`{expr}` cannot be a part of a key"))
            .help("read it from an argument or a field, without an index that is a value itself")));
    };
    let (shift, width) = match operand.bits {
        Some(BitRange { shift, width }) => (shift, width),
        None => (0, (operand.size * 8).clamp(8, 64) as u8),
    };
    let signed = is_signed(&operand.kind) == Some(true);
    Ok((KeyWord { fetch: Fetch { slot: 0, ..fetch.clone() }, shift, width, signed, add: 0 }, kind))
}

fn kind(kind: &FieldType, size: u16) -> Option<KeyKind> {
    is_signed(kind).filter(|_| size <= 8)?;
    Some(match kind {
        FieldType::Port => KeyKind::Port,
        FieldType::Ipv4 => KeyKind::Ipv4,
        FieldType::Duration | FieldType::Ktime => KeyKind::Time,
        FieldType::Hex | FieldType::Ksym | FieldType::Usym if size == 8 => KeyKind::Address,
        _number => KeyKind::Number(size),
    })
}

fn is_plain(fetch: &Fetch, operand: &Operand) -> bool {
    matches!(fetch.copy, FetchCopy::Value | FetchCopy::Kernel | FetchCopy::User) && operand.part == 0 && fetch.size <= 8
}
