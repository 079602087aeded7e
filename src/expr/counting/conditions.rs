// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions with calculations in them: what is calculated becomes an operand like others, which the tests of `where` ask.

use super::calculations::{Calculations, Number, calculation, is_too_many};
use crate::expr::lower::{Graph, Unfit};
use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{Comparison, Fetch, FetchCopy, FetchSource, FieldType, Formula, SetUse, Step, StepNext, StepTest};

/// What conditions are made of.
pub(super) struct Conditions<'c> {
    pub(super) operands: &'c mut Vec<Operand>,
    pub(super) calculations: &'c mut Calculations,
    pub(super) sets: &'c [SetUse],
}

impl Conditions<'_> {
    /// The tests of conditions that must all hold. Empty: they always do.
    pub(super) fn tests(&mut self, formulas: &[&Formula]) -> Result<Vec<Step>, Unfit> {
        let formulas = formulas.iter().map(|formula| self.with_operands(formula)).collect::<Result<Vec<_>, _>>()?;
        let formulas: Vec<&Formula> = formulas.iter().collect();
        if formulas.iter().any(|formula| is_never(formula)) {
            return Ok(vec![never()]);
        }
        Graph::of(self.operands, self.sets, &formulas)
    }

    /// The same formula; what the kernel can only ask after it has calculated is an operand.
    fn with_operands(&mut self, formula: &Formula) -> Result<Formula, Unfit> {
        let why = match Graph::of(self.operands, self.sets, &[formula]) {
            Ok(_) => return Ok(formula.clone()),
            Err(why) => why,
        };
        let all = |this: &mut Self, parts: &[Formula]| {
            parts.iter().map(|part| this.with_operands(part)).collect::<Result<Vec<_>, _>>()
        };
        match formula {
            Formula::Not(of) => Ok(Formula::Not(Box::new(self.with_operands(of)?))),
            Formula::All(parts) => Ok(Formula::All(all(self, parts)?)),
            Formula::Any(parts) => Ok(Formula::Any(all(self, parts)?)),
            // Of what is read, and not calculated, the graph says better what is wrong with it.
            Formula::IsNull(of) | Formula::InSet { of, .. } if matches!(**of, Formula::Operand(_)) => Err(why),
            Formula::IsNull(of) => Ok(Formula::IsNull(Box::new(self.calculated(of)?))),
            Formula::InSet { of, how, set } => {
                Ok(Formula::InSet { of: Box::new(self.calculated(of)?), how: *how, set: set.clone() })
            }
            Formula::Compare { op, sides } => self.comparison(*op, sides, formula),
            Formula::Operand(_)
            | Formula::Number { .. }
            | Formula::Text(_)
            | Formula::Bool(_)
            | Formula::Null
            | Formula::Arithmetic { .. }
            | Formula::Matches { .. }
            | Formula::InNetworks { .. }
            | Formula::Named { .. }
            | Formula::Size(_) => Ok(formula.clone()),
        }
    }

    /// A comparison with a number of the file, or of two that are read.
    fn comparison(&mut self, op: Comparison, sides: &(Formula, Formula), whole: &Formula) -> Result<Formula, Unfit> {
        let is_calculated = |formula: &Formula| matches!(formula, Formula::Arithmetic { .. } | Formula::Named { .. });
        let is_number = |formula: &Formula| matches!(formula, Formula::Number { .. });
        if is_calculated(&sides.0) && is_number(&sides.1) {
            return Ok(Formula::Compare { op, sides: Box::new((self.calculated(&sides.0)?, sides.1.clone())) });
        }
        if is_number(&sides.0) && is_calculated(&sides.1) {
            return Ok(Formula::Compare { op, sides: Box::new((sides.0.clone(), self.calculated(&sides.1)?)) });
        }
        match self.calculations.calculated(whole, self.operands) {
            Ok(number) => {
                let answer = self.operand(number);
                let zero = Formula::Number { bits: 0, signed: false };
                Ok(Formula::Compare { op: Comparison::NotEqual, sides: Box::new((answer, zero)) })
            }
            Err(why) if is_too_many(&why) => Err(why),
            // The graph says better what is wrong with it.
            Err(_) => Ok(whole.clone()),
        }
    }

    fn calculated(&mut self, formula: &Formula) -> Result<Formula, Unfit> {
        let number = self.calculations.calculated(formula, self.operands)?;
        Ok(self.operand(number))
    }

    /// What a number that was calculated is from now on.
    fn operand(&mut self, number: Number) -> Formula {
        self.operands.push(Operand {
            before: Vec::new(),
            source: OperandSource::Fetch(number.fetch),
            part: 0,
            size: 8,
            of_end: None,
            bits: None,
            kind: if number.signed { FieldType::Signed } else { FieldType::Unsigned },
        });
        Formula::Operand(self.operands.len() - 1)
    }
}

/// True for what asks for a name that only other targets have.
fn is_never(formula: &Formula) -> bool {
    match formula {
        Formula::Null | Formula::Bool(false) => true,
        Formula::All(parts) => parts.iter().any(is_never),
        Formula::Any(parts) => parts.iter().all(is_never),
        Formula::Not(of) => matches!(**of, Formula::Null | Formula::Bool(true)),
        Formula::Operand(_)
        | Formula::Number { .. }
        | Formula::Text(_)
        | Formula::Bool(true)
        | Formula::Arithmetic { .. }
        | Formula::Compare { .. }
        | Formula::IsNull(_)
        | Formula::Matches { .. }
        | Formula::InSet { .. }
        | Formula::InNetworks { .. }
        | Formula::Named { .. }
        | Formula::Size(_) => false,
    }
}

/// A test that no event passes.
fn never() -> Step {
    let fetch = Fetch { source: FetchSource::Cpu, copy: FetchCopy::Value, ..calculation(0) };
    let test = StepTest::Range { low: 0, mask: 0, span: 0 };
    Step { fetch, part: 0, swapped: false, test, yes: StepNext::Reject, no: StepNext::Reject, fault: StepNext::Reject }
}
