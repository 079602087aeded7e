// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arithmetic: 64 bits, whose sign the sides decide.

use super::checker::{Beside, Checker, Typed};
use super::types::{Range, Type};
use super::values::Values;
use crate::spec::{Arithmetic, BinaryOp, Expr, ExprNode, Formula, NameTable, UnaryOp};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    /// `-x`, `~x`
    pub(super) fn signed(&mut self, op: UnaryOp, of: &Expr, beside: Beside<'_>) -> Result<Typed, Refusal> {
        if let (UnaryOp::Minus, Beside::Type(Type::Named(NameTable::Errno, _)), ExprNode::Name(name)) =
            (op, beside, &of.node)
            && NameTable::Errno.number(name).is_some()
        {
            let message = format!("`-{name}`: beside an `errno` it stands without `-`");
            return Err(Refusal::new(message).help(format!("write `{name}`")));
        }
        let typed = self.check(of, beside)?;
        let zero = || Formula::Number { bits: 0, signed: true };
        let ones = || Formula::Number { bits: u64::MAX, signed: false };
        match (op, &typed.ty) {
            (UnaryOp::Minus, Type::Number(_) | Type::Enum(..) | Type::Named(..)) => {
                if let Some(number) = typed.number() {
                    if number > 1 << 63 {
                        return Err(
                            Refusal::new(format!("`-{of}` is too small")).help("numbers with a sign have 64 bits")
                        );
                    }
                    return Ok(negative(-number));
                }
                let formula = calculated(Arithmetic::Subtract, true, zero(), typed.formula);
                Ok(Typed::new(formula, Type::Number(Range::calculated(true))))
            }
            (UnaryOp::Minus, Type::Duration) => {
                Ok(Typed::new(calculated(Arithmetic::Subtract, true, zero(), typed.formula), Type::Duration))
            }
            (UnaryOp::Complement, Type::Number(_) | Type::Named(..) | Type::Enum(..)) => {
                let signed = typed.ty.is_signed();
                let formula = calculated(Arithmetic::BitXor, signed, typed.formula, ones());
                Ok(Typed::new(formula, widened(&typed.ty, signed)))
            }
            (UnaryOp::Minus | UnaryOp::Complement | UnaryOp::Not, ty) => {
                let sign = if op == UnaryOp::Minus { '-' } else { '~' };
                Err(Refusal::new(format!("`{sign}` takes a number, and `{of}` is {}", ty.words())))
            }
        }
    }

    /// `a + b`
    pub(super) fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        beside: Beside<'_>,
    ) -> Result<Typed, Refusal> {
        let op = arithmetic_of(op);
        let (a, b) = self.sides(left, right, beside)?;
        let ty = result(op, &a, &b).map_err(|refusal| refusal.unwrap_or_else(|| mixed(op, (left, &a), (right, &b))))?;
        if matches!(op, Arithmetic::ShiftLeft | Arithmetic::ShiftRight)
            && !b.number().is_some_and(|count| (0..64).contains(&count))
        {
            let message = format!("a shift is by a number from 0 to 63, and `{right}` is none");
            return Err(Refusal::new(message).at(right.range.clone()));
        }
        if matches!(op, Arithmetic::Divide | Arithmetic::Remainder) && b.number() == Some(0) {
            return Err(Refusal::new("a division by 0 has no result").at(right.range.clone()));
        }
        let signed = match op {
            Arithmetic::Subtract => true,
            Arithmetic::ShiftLeft | Arithmetic::ShiftRight => a.ty.is_signed(),
            Arithmetic::Multiply
            | Arithmetic::Divide
            | Arithmetic::Remainder
            | Arithmetic::Add
            | Arithmetic::BitAnd
            | Arithmetic::BitXor
            | Arithmetic::BitOr => a.ty.is_signed() || b.ty.is_signed(),
        };
        let formula = calculated(op, signed, a.formula, b.formula);
        let ty = match (ty, &formula) {
            (Type::Number(range), Formula::Number { bits, signed }) => {
                let number = if *signed { bits.cast_signed().into() } else { i128::from(*bits) };
                Type::Number(Range { min: number, max: number, ..range })
            }
            (Type::Number(_), _) => Type::Number(Range::calculated(signed)),
            (other, _) => other,
        };
        Ok(Typed::new(formula, ty))
    }
}

/// A negative number of the file.
fn negative(number: i128) -> Typed {
    Typed::new(Formula::Number { bits: number as u64, signed: true }, Type::Number(Range::constant(number, true)))
}

/// The same type for all numbers of 64 bits.
fn widened(ty: &Type, signed: bool) -> Type {
    match ty {
        Type::Named(table, _) if table.is_flags() => Type::Named(*table, Range::calculated(signed)),
        _number => Type::Number(Range::calculated(signed)),
    }
}

/// The type of the result; no refusal where the sides do not go together.
fn result(op: Arithmetic, a: &Typed, b: &Typed) -> Result<Type, Option<Refusal>> {
    use Arithmetic::{Add, BitAnd, BitOr, BitXor, Divide, Multiply, Remainder, ShiftLeft, ShiftRight, Subtract};
    let number = || Type::Number(Range::calculated(true));
    let flags = |table: NameTable| {
        let is_bits = matches!(op, BitAnd | BitOr | BitXor) && table.is_flags();
        if is_bits { Type::Named(table, Range::calculated(false)) } else { number() }
    };
    match (&a.ty, op, &b.ty) {
        (Type::Duration, Add | Subtract | Remainder, Type::Duration)
        | (Type::Duration, Multiply | Divide, Type::Number(_))
        | (Type::Number(_), Multiply, Type::Duration)
        | (Type::Ktime, Subtract, Type::Ktime) => Ok(Type::Duration),
        (Type::Duration, Divide, Type::Duration) => Ok(number()),
        (Type::Ktime, Add | Subtract, Type::Duration) | (Type::Duration, Add, Type::Ktime) => Ok(Type::Ktime),
        // Times of the kernel that nobody has called so: `ktime - p->start_time`.
        (Type::Ktime, Subtract, Type::Number(_)) | (Type::Number(_), Subtract, Type::Ktime) => Ok(Type::Duration),
        (Type::Named(table, _), _, Type::Named(other, _)) if table == other => Ok(flags(*table)),
        (Type::Named(table, _), _, Type::Number(_))
        | (Type::Number(_), BitAnd | BitOr | BitXor, Type::Named(table, _)) => Ok(flags(*table)),
        (
            Type::Number(_) | Type::Enum(..) | Type::Named(..) | Type::Label(_),
            _,
            Type::Number(_) | Type::Enum(..) | Type::Named(..),
        ) => Ok(number()),
        (Type::Ktime, Divide | Remainder | BitAnd | ShiftRight | ShiftLeft, Type::Number(_)) => Ok(number()),
        (Type::Number(_), Divide, Type::Duration) => Err(Some(
            Refusal::new("a number cannot be divided by a duration")
                .help("for a duration write `(x as duration) / 1ms`"),
        )),
        _mixed => Err(None),
    }
}

fn mixed(op: Arithmetic, (left, a): (&Expr, &Typed), (right, b): (&Expr, &Typed)) -> Refusal {
    let sign = sign(op);
    let message = format!("`{sign}` does not go with {} and {}", a.ty.words(), b.ty.words());
    let refusal = Refusal::new(message);
    let text = |typed: &Typed| matches!(typed.ty, Type::Text(_));
    match (&a.ty, &b.ty) {
        (Type::Duration, Type::Number(_)) => {
            refusal.help(format!("give the number a unit: `{right}ms`, or read it `as duration`"))
        }
        (Type::Number(_), Type::Duration) => {
            refusal.help(format!("give the number a unit: `{left}ms`, or read it `as duration`"))
        }
        (Type::Bool, _) | (_, Type::Bool) if matches!(op, Arithmetic::BitAnd | Arithmetic::BitOr) => {
            refusal.help(format!("between conditions write `{sign}{sign}`"))
        }
        _other if text(a) || text(b) => refusal.help("texts are compared: `==`, `.startsWith(…)`, `.contains(…)`"),
        _other => refusal,
    }
}

fn arithmetic_of(op: BinaryOp) -> Arithmetic {
    match op {
        BinaryOp::Multiply => Arithmetic::Multiply,
        BinaryOp::Divide => Arithmetic::Divide,
        BinaryOp::Remainder => Arithmetic::Remainder,
        BinaryOp::Add => Arithmetic::Add,
        BinaryOp::Subtract => Arithmetic::Subtract,
        BinaryOp::ShiftLeft => Arithmetic::ShiftLeft,
        BinaryOp::ShiftRight => Arithmetic::ShiftRight,
        BinaryOp::BitXor => Arithmetic::BitXor,
        BinaryOp::BitOr => Arithmetic::BitOr,
        BinaryOp::BitAnd
        | BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterOrEqual
        | BinaryOp::And
        | BinaryOp::Or => Arithmetic::BitAnd,
    }
}

fn sign(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::ShiftLeft => "<<",
        Arithmetic::ShiftRight => ">>",
        Arithmetic::BitAnd => "&",
        Arithmetic::BitXor => "^",
        Arithmetic::BitOr => "|",
    }
}

/// The operation, carried out where both sides are numbers of the file.
pub(super) fn calculated(op: Arithmetic, signed: bool, left: Formula, right: Formula) -> Formula {
    let (Formula::Number { bits: a, .. }, Formula::Number { bits: b, .. }) = (&left, &right) else {
        return Formula::Arithmetic { op, signed, sides: Box::new((left, right)) };
    };
    let (a, b) = (*a, *b);
    let bits = match op {
        Arithmetic::Multiply => a.wrapping_mul(b),
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Subtract => a.wrapping_sub(b),
        Arithmetic::BitAnd => a & b,
        Arithmetic::BitXor => a ^ b,
        Arithmetic::BitOr => a | b,
        Arithmetic::ShiftLeft => a.wrapping_shl(b as u32),
        Arithmetic::ShiftRight if signed => a.cast_signed().wrapping_shr(b as u32).cast_unsigned(),
        Arithmetic::ShiftRight => a.wrapping_shr(b as u32),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => {
            return Formula::Arithmetic { op, signed, sides: Box::new((left, right)) };
        }
        Arithmetic::Divide if signed => a.cast_signed().wrapping_div(b.cast_signed()).cast_unsigned(),
        Arithmetic::Remainder if signed => a.cast_signed().wrapping_rem(b.cast_signed()).cast_unsigned(),
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    };
    Formula::Number { bits, signed }
}
