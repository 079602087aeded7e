// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions: `has_any(flags, O_CREAT)`, `size(x)`.

use super::checker::{Beside, Checker, Typed};
use super::number::calculated;
use super::types::{Range, Type};
use super::values::Values;
use crate::spec::{Arithmetic, Comparison, Expr, Formula};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    pub(super) fn call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Result<Typed, Refusal> {
        match (name, args) {
            ("has_any", [value, bits]) => self.has(value, bits, false),
            ("has_all", [value, bits]) => self.has(value, bits, true),
            ("size", [value]) => self.size(value),
            ("descendants", _) => Err(Refusal::new("`descendants` is a set").help("write `pid in descendants(1234)`")),
            _path => self.read(expr),
        }
    }

    /// `has_any(x, M)` is `x & M != 0`, `has_all(x, M)` is `x & M == M`.
    fn has(&mut self, value: &Expr, bits: &Expr, all: bool) -> Result<Typed, Refusal> {
        let (value_typed, bits_typed) = self.sides(value, bits, Beside::Nothing)?;
        for (typed, expr) in [(&value_typed, value), (&bits_typed, bits)] {
            if !matches!(typed.ty, Type::Number(_) | Type::Named(..) | Type::Enum(..)) {
                let message = format!("`{expr}` is {}: it has no bits", typed.ty.words());
                return Err(Refusal::new(message).at(expr.range.clone()));
            }
        }
        if let (Type::Named(a, _), Type::Named(b, _)) = (&value_typed.ty, &bits_typed.ty)
            && a != b
        {
            let message = format!("`{value}` has bits of `{}`, and `{bits}` is of `{}`", a.word(), b.word());
            return Err(Refusal::new(message).at(bits.range.clone()));
        }
        if bits_typed.number() == Some(0) {
            return Err(
                Refusal::new(format!("`{bits}` has no bits: the answer is always the same")).at(bits.range.clone())
            );
        }
        if let (Some(range), Some(number)) = (value_typed.ty.range(), bits_typed.number())
            && !range.signed
            && number > range.max
        {
            let message = format!("`{value}` ({}) does not have all bits of {number:#x}", range.words());
            return Err(Refusal::new(message).at(bits.range.clone()));
        }
        let formula = calculated(Arithmetic::BitAnd, false, value_typed.formula, bits_typed.formula.clone());
        let (op, right) = match all {
            true => (Comparison::Equal, unsigned(bits_typed.formula)),
            false => (Comparison::NotEqual, Formula::Number { bits: 0, signed: false }),
        };
        Ok(Typed::condition(Formula::Compare { op, sides: Box::new((formula, right)) }))
    }

    fn size(&mut self, value: &Expr) -> Result<Typed, Refusal> {
        let typed = self.check(value, Beside::Nothing)?;
        match typed.ty {
            Type::Text(_) | Type::Label(_) => {
                let range = Range::of_bits(32, false);
                Ok(Typed::new(Formula::Size(Box::new(typed.formula)), Type::Number(range)))
            }
            ty => {
                let message = format!("`size` is asked of texts and buffers, and `{value}` is {}", ty.words());
                Err(Refusal::new(message).at(value.range.clone()))
            }
        }
    }
}

/// Bits that are compared have no sign: all 64 of them.
fn unsigned(formula: Formula) -> Formula {
    match formula {
        Formula::Number { bits, .. } => Formula::Number { bits, signed: false },
        calculated_bits => {
            calculated(Arithmetic::BitAnd, false, calculated_bits, Formula::Number { bits: u64::MAX, signed: false })
        }
    }
}
