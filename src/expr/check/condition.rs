// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is true or false: `a && b`, `not a`, `x == null`.

use super::checker::{Beside, Checker, Typed};
use super::types::{STACK, Type};
use super::values::Values;
use crate::spec::{BinaryOp, Expr, ExprNode, Formula};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    /// An expression that must be true or false.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Formula, Refusal> {
        let typed = self.check(expr, Beside::Nothing)?;
        match typed.ty {
            Type::Bool => Ok(typed.formula),
            ty => Err(no_condition(expr, &ty).at(expr.range.clone())),
        }
    }

    /// `a && b && c`, or the same with `||`: as one list.
    pub(super) fn joined(&mut self, expr: &Expr, op: BinaryOp) -> Result<Typed, Refusal> {
        let mut parts = Vec::new();
        flatten(expr, op, &mut parts);
        let formulas = parts.into_iter().map(|part| self.condition(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(Typed::condition(if op == BinaryOp::And { Formula::All(formulas) } else { Formula::Any(formulas) }))
    }

    /// `x == null`; `None` where neither side is null.
    pub(super) fn with_null(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<Result<Typed, Refusal>> {
        let is_null = |expr: &Expr| matches!(expr.node, ExprNode::Null) && self.is_constant(expr);
        let of = match (is_null(left), is_null(right)) {
            (false, false) => return None,
            (false, true) => left,
            (true, _) => right,
        };
        Some(self.null_test(op, of))
    }

    fn null_test(&mut self, op: BinaryOp, of: &Expr) -> Result<Typed, Refusal> {
        let typed = self.check(of, Beside::Nothing)?;
        if self.is_constant(of) {
            let answer = if matches!(of.node, ExprNode::Null) { "always" } else { "never" };
            return Err(Refusal::new(format!("`{of}` is {answer} null")).at(of.range.clone()));
        }
        let test = Formula::IsNull(Box::new(typed.formula));
        match op {
            BinaryOp::Equal => Ok(Typed::condition(test)),
            BinaryOp::NotEqual => Ok(Typed::condition(Formula::Not(Box::new(test)))),
            _order => Err(Refusal::new("nothing is less or more than `null`").help("write `x == null` or `x != null`")),
        }
    }
}

/// The parts of a chain, from left to right.
fn flatten<'e>(expr: &'e Expr, op: BinaryOp, parts: &mut Vec<&'e Expr>) {
    match &expr.node {
        ExprNode::Binary { op: found, left, right } if *found == op => {
            flatten(left, op, parts);
            flatten(right, op, parts);
        }
        _part => parts.push(expr),
    }
}

fn no_condition(expr: &Expr, ty: &Type) -> Refusal {
    let refusal = Refusal::new(format!("`{expr}` is {}, not a condition", ty.words()));
    match ty {
        Type::Number(range) if range.hex => refusal.help(format!("write `{expr} != 0`")),
        Type::Number(_) | Type::Enum(..) | Type::Duration => refusal.help(format!("compare it: `{expr} != 0`")),
        Type::Named(table, _) if table.is_flags() => {
            refusal.help(format!("compare it: `has_any({expr}, FLAGS)`, `{expr} != 0`"))
        }
        Type::Named(..) => refusal.help(format!("compare it: `{expr} == NAME`, `{expr} != null`")),
        Type::Text(_) | Type::Label(_) => {
            refusal.help(format!("compare it: `{expr} == \"text\"`, `{expr}.startsWith(\"text\")`"))
        }
        Type::Address => refusal.help(format!("compare it: `{expr} in \"10.0.0.0/8\"`")),
        Type::Whole(STACK) => refusal.help(format!("all that can be asked of it is `{expr} != null`")),
        Type::Whole(_) => {
            refusal.help(format!("compare a part of it: `{expr}.ip`, `{expr}.port`, or `{expr} != null`"))
        }
        Type::Ktime | Type::Grouped { .. } | Type::Null | Type::Bool => refusal.help("a condition compares: `x == y`"),
    }
}
