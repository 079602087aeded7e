// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formulas over numbers, as operations that the kernel carries out.
//!
//! ```text
//! duration / size
//!   register 0  fetch duration
//!   register 1  fetch size
//!   register 0  0 / 1           the last one
//! ```

use crate::expr::lower::{Unfit, is_null_by_value, is_signed};
use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{
    BitRange, Comparison, Fetch, FetchCopy, FetchSource, FieldType, Formula, Narrow, Operation, OperationKind, Wide,
    Widening,
};
use crate::words::Refusal;

/// Why one calculation more is not possible: all of a probe share the room.
const TOO_MANY: &str = "there is no room for its operations";

/// Why the kernel cannot do something about an expression: `message`, or that all of them together are too many.
pub(super) fn refusal(why: &Unfit, message: impl Into<String>) -> Refusal {
    if !is_too_many(why) {
        return Refusal::new(message);
    }
    Refusal::new(too_many()).help("leave some of them out, or count them in a second probe on the same hook")
}

/// True for what is said of all expressions together.
pub(super) fn is_of_all(refusal: &Refusal) -> bool {
    refusal.message == too_many()
}

fn too_many() -> String {
    format!("the expressions of the probe need more than {} operations together in the kernel", Operation::MOST)
}

/// True where an expression by itself may be right.
pub(super) fn is_too_many(why: &Unfit) -> bool {
    why.0 == TOO_MANY
}

/// What is calculated for a probe.
#[derive(Debug, Clone, Default)]
pub(super) struct Calculations {
    pub(super) operations: Vec<Operation>,
}

/// A number: how it is fetched, how it becomes one of 64 bits, and whether it is read with a sign.
#[derive(Debug, Clone)]
pub(super) struct Number {
    pub(super) fetch: Fetch,
    pub(super) wide: Wide,
    pub(super) signed: bool,
}

impl Calculations {
    /// The number that a formula comes to.
    pub(super) fn number(&mut self, formula: &Formula, operands: &[Operand]) -> Result<Number, Unfit> {
        if let Formula::Operand(index) = formula
            && let Some(operand) = operands.get(*index)
            && operand.before.is_empty()
            && !is_null_by_value(&operand.kind)
        {
            return at_hand(operand);
        }
        self.calculated(formula, operands)
    }

    /// The same by a calculation.
    pub(super) fn calculated(&mut self, formula: &Formula, operands: &[Operand]) -> Result<Number, Unfit> {
        let first = self.operations.len();
        let compiled = self.compile(formula, operands, 0);
        let most = self.operations.len() > Operation::MOST;
        if compiled.is_err() || most {
            self.operations.truncate(first);
        }
        let signed = compiled?;
        let last = self.operations.last_mut().filter(|_| !most);
        let last = last.ok_or_else(|| Unfit::new(TOO_MANY))?;
        last.is_last = true;
        Ok(Number { fetch: calculation(first as u8), wide: Wide::NONE, signed })
    }

    /// Puts what a formula comes to into a register; true where it is read with a sign.
    fn compile(&mut self, formula: &Formula, operands: &[Operand], to: u8) -> Result<bool, Unfit> {
        if to >= Operation::REGISTERS {
            return Err(Unfit::new("the calculation is nested too deeply for the kernel"));
        }
        match formula {
            Formula::Operand(index) => {
                let operand = operands.get(*index).ok_or_else(|| Unfit::new("it reads what is not there"))?;
                self.read(operand, to)
            }
            Formula::Number { bits, signed } => {
                self.push(OperationKind::Constant(*bits), to);
                Ok(*signed)
            }
            Formula::Arithmetic { op, signed, sides } => {
                self.sides(sides, operands, to)?;
                self.push(OperationKind::Arithmetic { op: *op, signed: *signed }, to);
                Ok(*signed)
            }
            Formula::Named { table, of } => {
                let signed = self.compile(of, operands, to)?;
                if let Some(values) = OperationKind::values_of(*table) {
                    self.push(values, to);
                }
                Ok(signed)
            }
            Formula::Compare { op, sides } => {
                self.compare(*op, sides, operands, to)?;
                Ok(false)
            }
            Formula::Size(_) => Err(Unfit::new("it asks for a size")),
            Formula::Text(_)
            | Formula::Bool(_)
            | Formula::Null
            | Formula::IsNull(_)
            | Formula::Not(_)
            | Formula::All(_)
            | Formula::Any(_)
            | Formula::Matches { .. }
            | Formula::InSet { .. }
            | Formula::InNetworks { .. } => Err(Unfit::new("it is neither a number nor one comparison of two numbers")),
        }
    }

    /// The left side into a register, the right one into the next.
    fn sides(&mut self, sides: &(Formula, Formula), operands: &[Operand], to: u8) -> Result<(bool, bool), Unfit> {
        Ok((self.compile(&sides.0, operands, to)?, self.compile(&sides.1, operands, to + 1)?))
    }

    /// 1 where it holds, else 0.
    fn compare(
        &mut self,
        op: Comparison,
        sides: &(Formula, Formula),
        operands: &[Operand],
        to: u8,
    ) -> Result<(), Unfit> {
        let signed = self.sides(sides, operands, to)?;
        // `a <= b` is `!(b < a)`.
        let (equal, turned, inverted) = match op {
            Comparison::Equal => (true, false, false),
            Comparison::NotEqual => (true, false, true),
            Comparison::Less => (false, false, false),
            Comparison::GreaterOrEqual => (false, false, true),
            Comparison::Greater => (false, true, false),
            Comparison::LessOrEqual => (false, true, true),
        };
        let signed = if turned { (signed.1, signed.0) } else { signed };
        self.push(OperationKind::Compare { equal, signed, inverted }, to);
        if let Some(last) = self.operations.last_mut().filter(|_| turned) {
            (last.left, last.right) = (last.right, last.left);
        }
        Ok(())
    }

    /// Reads an operand, and before it what it needs.
    fn read(&mut self, operand: &Operand, to: u8) -> Result<bool, Unfit> {
        if matches!(operand.source, OperandSource::Nothing) {
            self.push(OperationKind::Fetch(Box::new(nothing(8)), Wide::NONE), to);
            return Ok(is_signed(&operand.kind).unwrap_or(false));
        }
        let number = at_hand(operand)?;
        for before in &operand.before {
            let fetch = Fetch { slot: 0, out: 0, ..before.clone() };
            self.push(OperationKind::Fetch(Box::new(fetch), Wide::NONE), to);
        }
        self.push(OperationKind::Fetch(Box::new(number.fetch), number.wide), to);
        if let FieldType::Named(table) = &operand.kind
            && let Some(values) = OperationKind::values_of(*table)
        {
            self.push(values, to);
        }
        if operand.kind == FieldType::Id {
            self.push(OperationKind::Within { low: 0, span: u64::from(u32::MAX) - 1 }, to);
        }
        Ok(number.signed)
    }

    fn push(&mut self, kind: OperationKind, to: u8) {
        self.operations.push(Operation { kind, to, left: to, right: to + 1, is_last: false });
    }
}

/// True for what is null because this target lacks a part of it.
pub(super) fn is_lacking(formula: &Formula, operands: &[Operand]) -> bool {
    match formula {
        Formula::Operand(index) => {
            operands.get(*index).is_some_and(|operand| matches!(operand.source, OperandSource::Nothing))
        }
        Formula::Arithmetic { sides, .. } | Formula::Compare { sides, .. } => {
            is_lacking(&sides.0, operands) || is_lacking(&sides.1, operands)
        }
        Formula::Named { of, .. } => is_lacking(of, operands),
        Formula::Number { .. }
        | Formula::Size(_)
        | Formula::Text(_)
        | Formula::Bool(_)
        | Formula::Null
        | Formula::IsNull(_)
        | Formula::Not(_)
        | Formula::All(_)
        | Formula::Any(_)
        | Formula::Matches { .. }
        | Formula::InSet { .. }
        | Formula::InNetworks { .. } => false,
    }
}

/// What never has a value.
pub(super) fn nothing(size: u16) -> Fetch {
    Fetch {
        source: FetchSource::Constant(0),
        hops: Vec::new(),
        user_from: None,
        narrow: Narrow::Same,
        offset: 0,
        index: None,
        keep: None,
        length: None,
        copy: FetchCopy::Kernel,
        size: 8,
        slot: size.max(8).next_multiple_of(8),
        out: 0,
    }
}

/// The fetch of a calculation's result.
pub(super) fn calculation(first: u8) -> Fetch {
    Fetch {
        source: FetchSource::Calculated(first),
        hops: Vec::new(),
        user_from: None,
        offset: 0,
        narrow: Narrow::Same,
        index: None,
        keep: None,
        length: None,
        copy: FetchCopy::Value,
        size: 8,
        slot: 8,
        out: 0,
    }
}

/// A number as it is read.
fn at_hand(operand: &Operand) -> Result<Number, Unfit> {
    let no_number = || no_number(&operand.kind);
    let signed = is_signed(&operand.kind).ok_or_else(no_number)?;
    if operand.size > 8 || !operand.size.is_power_of_two() || operand.kind == FieldType::Errno {
        return Err(no_number());
    }
    if operand.part != 0 || operand.of_end.is_some() {
        return Err(Unfit::new("it is a part of a value with several"));
    }
    let fetch = operand.source.fetch().ok_or_else(|| Unfit::new("this target does not have it"))?;
    if matches!(fetch.copy, FetchCopy::Packet { .. }) && fetch.source != FetchSource::Packet {
        return Err(Unfit::new("it is a part of a packet that is somewhere in the kernel"));
    }
    let widening = match operand.bits {
        Some(BitRange { shift, width }) => Widening::of(shift.into(), width.into(), signed),
        None => Widening::of(0, u32::from(operand.size) * 8, signed),
    };
    let swapped = match &operand.kind {
        FieldType::Port => 2,
        FieldType::Ipv4 => 4,
        _other => 0,
    };
    Ok(Number { fetch: Fetch { slot: 0, out: 0, ..fetch.clone() }, wide: Wide { widening, swapped }, signed })
}

/// Why there is no number to calculate with.
fn no_number(kind: &FieldType) -> Unfit {
    Unfit::new(match kind {
        FieldType::Text { .. } | FieldType::Argv | FieldType::Path | FieldType::Bytes | FieldType::Counted { .. } => {
            "the kernel calculates with numbers, and a text is none"
        }
        FieldType::Timespec => "a `timespec` is two numbers to the kernel, seconds and nanoseconds",
        FieldType::Ipv6 | FieldType::Ip | FieldType::Mac | FieldType::Uuid => {
            "the kernel calculates with numbers of at most 64 bits, and this has more"
        }
        FieldType::Endpoint | FieldType::Sock | FieldType::Packet => "it has several parts, and is no single number",
        FieldType::Stack { .. } => "a stack is no number",
        FieldType::Errno => "the kernel has the number of the error, which is negative or none",
        _other => "it is no integer of 1, 2, 4 or 8 bytes",
    })
}
