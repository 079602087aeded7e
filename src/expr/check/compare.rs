// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparisons: both sides must be of one kind, and the answer must not be known beforehand.

use super::checker::{Beside, Checker, Typed};
use super::types::{Range, STACK, Type};
use super::values::Values;
use crate::spec::{Arithmetic, BinaryOp, Comparison, Expr, ExprNode, Formula, NameTable};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    /// `a == b`, `a < b`
    pub(super) fn comparison(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<Typed, Refusal> {
        if let Some(null) = self.with_null(op, left, right) {
            return null;
        }
        if self.is_nothing(left) || self.is_nothing(right) {
            return Ok(Typed::condition(Formula::Null));
        }
        let (a, b) = self.sides(left, right, Beside::Nothing)?;
        let op = comparison_of(op);
        let is_constant = self.is_constant(right);
        if is_constant && self.is_constant(left) {
            return Err(Refusal::new("this compares nothing that is read: the answer is always the same")
                .help("one side must be an argument, a field, a capture or a builtin"));
        }
        let refuse = |refusal: Refusal| refusal.at(if is_constant { right.range.clone() } else { left.range.clone() });
        // The value on the left.
        let (value, shown, other, constant, turned) =
            if is_constant { (&a, left, &b, right, op) } else { (&b, right, &a, left, turned(op)) };
        if is_constant || self.is_constant(left) {
            with_constant((value, shown), turned, (other, constant)).map_err(refuse)?;
        }
        let formula = match (&a.ty, &b.ty) {
            (Type::Address, Type::Address) if matches!(op, Comparison::Equal | Comparison::NotEqual) => {
                addresses(op, a, b)
            }
            (Type::Address, Type::Address) => {
                return Err(Refusal::new("addresses have no order").help("for a network write `ip in \"10.0.0.0/8\"`"));
            }
            (Type::Bool, Type::Bool) if !matches!(op, Comparison::Equal | Comparison::NotEqual) => {
                return Err(Refusal::new("conditions have no order").help("write `==` or `!=`"));
            }
            (left_ty, right_ty) if go_together(left_ty, right_ty) => {
                Formula::Compare { op, sides: Box::new((a.formula, b.formula)) }
            }
            (left_ty, right_ty) => return Err(mixed((left, left_ty), (right, right_ty))),
        };
        Ok(Typed::condition(formula))
    }
}

/// What a value can never be, and what it is only compared with by mistake.
pub(super) fn with_constant(
    (value, shown): (&Typed, &Expr),
    op: Comparison,
    (other, constant): (&Typed, &Expr),
) -> Result<(), Refusal> {
    if let (Type::Number(range), Type::Named(NameTable::Errno, _), Some(_)) = (&value.ty, &other.ty, other.number())
        && range.signed
    {
        let message = format!("`{shown}` is a number as the kernel returns it: an error is negative there");
        return Err(
            Refusal::new(message).help(format!("write `-{constant}`, or read it: `({shown} as errno) == {constant}`"))
        );
    }
    if let (Type::Text(Some(most)), Formula::Text(text)) = (&value.ty, &other.formula)
        && text.len() > *most
    {
        return Err(too_long(shown, *most, text.len()));
    }
    let (Some(range), Some(number)) = (possible(value), other.number()) else { return Ok(()) };
    // What has no name is null: `error != 0` asks whether there is an error at all.
    if matches!(value.ty, Type::Named(NameTable::Errno | NameTable::Signal, _))
        && (op, number) == (Comparison::NotEqual, 0)
    {
        return Ok(());
    }
    if !go_together(&value.ty, &other.ty) || is_possible(range, op, number) {
        return Ok(());
    }
    Err(impossible(shown, &value.ty, range, op, number, constant))
}

/// A text that is longer than what it is compared with.
pub(super) fn too_long(shown: &Expr, most: usize, bytes: usize) -> Refusal {
    let message = format!("`{shown}` has at most {most} bytes, and this text {bytes}: they are never the same");
    let help = if most == 15 {
        "the kernel cuts the name of a thread after 15 bytes: shorten the text, or compare `exe`, the path of the program"
    } else {
        "shorten the text"
    };
    Refusal::new(message).help(help)
}

/// The numbers that a value can be: of `x & 7` from 0 to 7.
fn possible(value: &Typed) -> Option<Range> {
    if let Formula::Arithmetic { op: Arithmetic::BitAnd, sides, .. } = &value.formula {
        for side in [&sides.0, &sides.1] {
            if let Formula::Number { bits, .. } = side
                && *bits >> 63 == 0
            {
                return Some(Range { min: 0, max: (*bits).into(), signed: false, hex: false });
            }
        }
    }
    value.ty.range()
}

/// False where no number of the range compares so.
fn is_possible(range: Range, op: Comparison, number: i128) -> bool {
    match op {
        Comparison::Equal | Comparison::NotEqual => (range.min..=range.max).contains(&number),
        Comparison::Less => range.min < number,
        Comparison::LessOrEqual => range.min <= number,
        Comparison::Greater => range.max > number,
        Comparison::GreaterOrEqual => range.max >= number,
    }
}

fn impossible(shown: &Expr, ty: &Type, range: Range, op: Comparison, number: i128, constant: &Expr) -> Refusal {
    let never = match op {
        Comparison::Equal | Comparison::NotEqual => format!("never {number}"),
        Comparison::Less => format!("never less than {number}"),
        Comparison::LessOrEqual => format!("never {number} or less"),
        Comparison::Greater => format!("never more than {number}"),
        Comparison::GreaterOrEqual => format!("never {number} or more"),
    };
    let what = match ty {
        Type::Number(whole) if *whole != range => format!("from {} to {}", range.min, range.max),
        Type::Number(range) => range.words(),
        _other => ty.words(),
    };
    let refusal = Refusal::new(format!("`{shown}` ({what}) is {never}: the answer is always the same"));
    match ty {
        Type::Number(range) if number < 0 && !range.signed => {
            let bits = 128 - (range.max as u128).leading_zeros();
            refusal.help(format!("to read it with a sign write `({shown} as i{})`", bits.next_power_of_two().max(8)))
        }
        Type::Named(NameTable::Errno, _) if number > 0 => {
            refusal.help(format!("errors are compared by their names: `{shown} == EACCES`"))
        }
        Type::Number(whole) if *whole != range => refusal,
        Type::Number(_) => refusal.help(format!("it can be {} to {}", range.min, range.max)),
        _other => {
            refusal.maybe_help(matches!(constant.node, ExprNode::Number(_)).then(|| "compare it by a name".to_owned()))
        }
    }
}

/// True for types that can be compared.
pub(super) fn go_together(left: &Type, right: &Type) -> bool {
    let is_zero = |range: &Range| range.min == 0 && range.max == 0;
    match (left, right) {
        (Type::Number(_), Type::Number(_) | Type::Named(..) | Type::Enum(..))
        | (Type::Named(..) | Type::Enum(..), Type::Number(_))
        | (Type::Duration, Type::Duration)
        | (Type::Ktime, Type::Ktime)
        | (Type::Bool, Type::Bool)
        | (Type::Text(_) | Type::Label(_), Type::Text(_))
        | (Type::Text(_), Type::Label(_))
        | (Type::Label(_), Type::Number(_))
        | (Type::Number(_), Type::Label(_))
        | (Type::Address, Type::Address) => true,
        (Type::Named(a, _), Type::Named(b, _)) => a == b,
        (Type::Enum(a, _), Type::Enum(b, _)) => a == b,
        (Type::Label(a), Type::Label(b)) => a == b,
        (Type::Grouped { bytes: a, .. }, Type::Grouped { bytes: b, .. }) => a == b,
        (Type::Duration, Type::Number(range)) | (Type::Number(range), Type::Duration) => is_zero(range),
        _different => false,
    }
}

fn mixed((left, a): (&Expr, &Type), (right, b): (&Expr, &Type)) -> Refusal {
    let refusal = Refusal::new(format!("`{left}` is {}, and `{right}` {}", a.words(), b.words()));
    match (a, b) {
        (Type::Number(_), Type::Duration) => refusal.help(format!("read it as a duration: `({left} as duration)`")),
        (Type::Duration, Type::Number(_)) => refusal.help(format!("give the number a unit: `{right}ms`")),
        (Type::Bool, Type::Number(_)) => refusal.help(format!("a condition stands alone: `{left}`, `not {left}`")),
        (Type::Number(_), Type::Text(_)) => {
            refusal.help(format!("compare it with a number; for text in memory write `({left} as string)`"))
        }
        (Type::Text(_), Type::Number(_)) => refusal.help("texts stand in quotes: `\"text\"`"),
        (Type::Address, Type::Number(_)) | (Type::Number(_), Type::Address) => {
            refusal.help("addresses are texts: `ip == \"10.0.0.1\"`")
        }
        (Type::Address, _) => refusal.help(format!("for an address write `{left} == \"10.0.0.1\"`")),
        (Type::Whole(STACK), _) => refusal.help(format!("all that can be asked of it is `{left} == null`")),
        (Type::Whole(_), _) => refusal.help(format!("compare a part of it: `{left}.ip`, `{left}.port`")),
        (Type::Named(..) | Type::Enum(..), _) => refusal.help("compare it by a name or a number"),
        _other => refusal,
    }
}

/// `ip == "10.0.0.1"` is a network of one address.
fn addresses(op: Comparison, a: Typed, b: Typed) -> Formula {
    let network = |value: Formula, of: &Formula| match of {
        Formula::InNetworks { networks, .. } => {
            Some(Formula::InNetworks { of: Box::new(value), networks: networks.clone() })
        }
        _read => None,
    };
    let equal = network(a.formula.clone(), &b.formula).or_else(|| network(b.formula.clone(), &a.formula));
    match (equal, op) {
        (None, op) => Formula::Compare { op, sides: Box::new((a.formula, b.formula)) },
        (Some(equal), Comparison::NotEqual) => Formula::Not(Box::new(equal)),
        (Some(equal), _) => equal,
    }
}

/// The same with the sides exchanged.
fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Equal => Comparison::Equal,
        Comparison::NotEqual => Comparison::NotEqual,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
    }
}

fn comparison_of(op: BinaryOp) -> Comparison {
    match op {
        BinaryOp::NotEqual => Comparison::NotEqual,
        BinaryOp::Less => Comparison::Less,
        BinaryOp::LessOrEqual => Comparison::LessOrEqual,
        BinaryOp::Greater => Comparison::Greater,
        BinaryOp::GreaterOrEqual => Comparison::GreaterOrEqual,
        BinaryOp::Equal
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Remainder
        | BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight
        | BinaryOp::BitAnd
        | BinaryOp::BitXor
        | BinaryOp::BitOr
        | BinaryOp::And
        | BinaryOp::Or => Comparison::Equal,
    }
}
