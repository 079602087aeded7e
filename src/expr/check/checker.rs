// SPDX-License-Identifier: MIT OR Apache-2.0
//! One expression after the other, over one list of operands.

use super::types::{Range, Type};
use super::values::{Meaning, Values};
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::path::is_path;
use crate::spec::{BinaryOp, ComputedType, Expr, ExprNode, Formula, UnaryOp};
use crate::words::Refusal;

/// A part of an expression with its type.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Typed {
    pub(in crate::expr) formula: Formula,
    pub(in crate::expr) ty: Type,
}

impl Typed {
    pub(super) fn new(formula: Formula, ty: Type) -> Self {
        Self { formula, ty }
    }

    pub(super) fn condition(formula: Formula) -> Self {
        Self { formula, ty: Type::Bool }
    }

    /// A number of the file. What has no sign before it takes that of the other side.
    pub(super) fn constant(number: i128) -> Self {
        let signed = number < 0;
        let formula = Formula::Number { bits: number as u64, signed };
        Self { formula, ty: Type::Number(Range::constant(number, signed)) }
    }

    /// How it is shown where it is calculated.
    pub(in crate::expr) fn computed(&self) -> Option<ComputedType> {
        self.ty.computed()
    }

    /// The number that it is, if it is one of the file.
    pub(super) fn number(&self) -> Option<i128> {
        match &self.formula {
            Formula::Number { bits, signed: true } => Some(bits.cast_signed().into()),
            Formula::Number { bits, signed: false } => Some((*bits).into()),
            _calculated => None,
        }
    }
}

/// What constants beside a value are about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beside<'t> {
    /// Nothing is known.
    Nothing,
    /// A value of this type.
    Type(&'t Type),
}

/// Checks expressions over the names of one place.
pub(in crate::expr) struct Checker<'v, V> {
    pub(super) values: &'v V,
    /// What the formulas read, each once.
    pub(in crate::expr) operands: Vec<Operand>,
}

impl<'v, V: Values> Checker<'v, V> {
    pub(in crate::expr) fn new(values: &'v V, operands: Vec<Operand>) -> Self {
        Self { values, operands }
    }

    /// A clause of `where`: a condition.
    pub(in crate::expr) fn clause(&mut self, expr: &Expr) -> Result<Formula, Refusal> {
        self.condition(expr)
    }

    /// A calculated capture.
    pub(in crate::expr) fn calculated(&mut self, expr: &Expr) -> Result<Typed, Refusal> {
        self.check(expr, Beside::Nothing)
    }

    /// Any expression, blamed where it stands.
    pub(super) fn check(&mut self, expr: &Expr, beside: Beside<'_>) -> Result<Typed, Refusal> {
        self.checked(expr, beside).map_err(|refusal| refusal.at(expr.range.clone()))
    }

    fn checked(&mut self, expr: &Expr, beside: Beside<'_>) -> Result<Typed, Refusal> {
        match &expr.node {
            ExprNode::Number(number) => Ok(Typed::constant((*number).into())),
            ExprNode::Duration(ns) => Ok(Typed::new(Formula::Number { bits: *ns, signed: true }, Type::Duration)),
            ExprNode::Text(text) => self.text_beside(text, beside),
            ExprNode::Bool(value) => Ok(Typed::condition(Formula::Bool(*value))),
            ExprNode::Null if !matches!(self.values.meaning("null"), Meaning::Unknown) => {
                self.read(&Expr::new(ExprNode::Name("null".to_owned()), expr.range.clone()))
            }
            ExprNode::Null => Ok(Typed::new(Formula::Null, Type::Null)),
            ExprNode::Name(name) => match self.values.meaning(name) {
                Meaning::Capture(captured) if !is_path(captured) => self.captured(captured),
                Meaning::Capture(_) | Meaning::Value => self.read(expr),
                Meaning::Unknown => self.constant(expr, name, beside),
            },
            ExprNode::Member { of, name, .. } => match self.enumerator(of, name) {
                Some(number) => number,
                None => self.read(expr),
            },
            ExprNode::Cast { of, cast, at } if !is_path(expr) || self.is_calculated(of) => self.recast(of, cast, &at.0),
            ExprNode::Index { .. } | ExprNode::Cast { .. } | ExprNode::ContainerOf { .. } => self.read(expr),
            ExprNode::Call { name, args, .. } => self.call(expr, name, args),
            ExprNode::Method { of, name, at, args } => self.method(of, name, &at.0, args),
            ExprNode::Unary { op: UnaryOp::Not, of } => {
                Ok(Typed::condition(Formula::Not(Box::new(self.condition(of)?))))
            }
            ExprNode::Unary { op, of } => self.signed(*op, of, beside),
            ExprNode::Binary { op: BinaryOp::And, .. } => self.joined(expr, BinaryOp::And),
            ExprNode::Binary { op: BinaryOp::Or, .. } => self.joined(expr, BinaryOp::Or),
            ExprNode::Binary { op, left, right } if op.compares() => self.comparison(*op, left, right),
            ExprNode::Binary { op, left, right } => self.arithmetic(*op, left, right, beside),
            ExprNode::In { value, among, negated } => self.membership(value, among, *negated),
            ExprNode::List(_) => Err(Refusal::new("a list is no value")
                .help("lists stand after `in`, and in `.startsWith([…])` and the like")),
        }
    }

    /// What is read when the event happens.
    pub(super) fn read(&mut self, path: &Expr) -> Result<Typed, Refusal> {
        if !is_path(path) {
            let help = "calculate with what is read, not the other way round";
            return Err(Refusal::new(format!("`{path}` does not name a value that can be read")).help(help));
        }
        let operand = self.values.operand(path)?;
        let ty = Type::of(&operand);
        Ok(Typed::new(Formula::Operand(self.operand(operand)), ty))
    }

    fn operand(&mut self, operand: Operand) -> usize {
        let known = self.operands.iter().position(|known| *known == operand);
        known.unwrap_or_else(|| {
            self.operands.push(operand);
            self.operands.len() - 1
        })
    }

    /// True for what only other targets of the probe have: null here, whatever it is compared with.
    pub(super) fn is_nothing(&self, expr: &Expr) -> bool {
        let operand = if is_path(expr) && !self.is_constant(expr) { self.values.operand(expr).ok() } else { None };
        operand.is_some_and(|operand| operand.source == OperandSource::Nothing)
    }

    /// True for the name of a capture that is calculated, however it is read.
    pub(in crate::expr) fn is_calculated(&self, expr: &Expr) -> bool {
        match &expr.node {
            ExprNode::Name(name) => {
                matches!(self.values.meaning(name), Meaning::Capture(captured) if !is_path(captured))
            }
            ExprNode::Cast { of, .. } => self.is_calculated(of),
            ExprNode::Number(_)
            | ExprNode::Duration(_)
            | ExprNode::Text(_)
            | ExprNode::Bool(_)
            | ExprNode::Null
            | ExprNode::Member { .. }
            | ExprNode::Index { .. }
            | ExprNode::ContainerOf { .. }
            | ExprNode::Call { .. }
            | ExprNode::Method { .. }
            | ExprNode::Unary { .. }
            | ExprNode::Binary { .. }
            | ExprNode::In { .. }
            | ExprNode::List(_) => false,
        }
    }

    /// A capture that is calculated, where `where` names it.
    fn captured(&mut self, expr: &Expr) -> Result<Typed, Refusal> {
        let values = self.values.inside_captures();
        let mut inner = Checker { values: &values, operands: std::mem::take(&mut self.operands) };
        let typed = inner.check(expr, Beside::Nothing);
        self.operands = inner.operands;
        // The place is one in the text of the capture.
        typed.map_err(|refusal| Refusal { range: None, ..refusal })
    }

    /// True for what the file itself says: numbers, texts, and names that stand for no value.
    pub(super) fn is_constant(&self, expr: &Expr) -> bool {
        match &expr.node {
            ExprNode::Number(_) | ExprNode::Duration(_) | ExprNode::Text(_) | ExprNode::Bool(_) | ExprNode::Null => {
                true
            }
            ExprNode::Name(name) => matches!(self.values.meaning(name), Meaning::Unknown),
            ExprNode::Member { of, .. } => match &of.node {
                ExprNode::Name(name) => {
                    matches!(self.values.meaning(name), Meaning::Unknown) && self.values.enumeration(name).is_some()
                }
                _other => false,
            },
            ExprNode::Unary { of, .. } => self.is_constant(of),
            ExprNode::Binary { left, right, .. } => self.is_constant(left) && self.is_constant(right),
            ExprNode::List(items) => items.iter().all(|item| self.is_constant(item)),
            ExprNode::Index { .. }
            | ExprNode::Cast { .. }
            | ExprNode::ContainerOf { .. }
            | ExprNode::Call { .. }
            | ExprNode::Method { .. }
            | ExprNode::In { .. } => false,
        }
    }

    /// Both sides, where constants of the one take the family of the other.
    pub(super) fn sides(&mut self, left: &Expr, right: &Expr, beside: Beside<'_>) -> Result<(Typed, Typed), Refusal> {
        match (self.is_constant(left), self.is_constant(right)) {
            (true, false) => {
                let right = self.check(right, beside)?;
                Ok((self.check(left, Beside::Type(&right.ty))?, right))
            }
            (false, true) => {
                let left = self.check(left, beside)?;
                let right = self.check(right, Beside::Type(&left.ty))?;
                Ok((left, right))
            }
            (true, true) | (false, false) => Ok((self.check(left, beside)?, self.check(right, beside)?)),
        }
    }
}
