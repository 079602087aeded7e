// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers and bits.

use super::graph::{Graph, Ways};
use super::interval::Intervals;
use super::kinds::{is_null_by_value, is_signed};
use super::unfit::Unfit;
use crate::expr::check::Range;
use crate::expr::operand::Operand;
use crate::spec::{Arithmetic, BitRange, Comparison, FieldType, Formula, NameTable, StepNext, StepTest};

/// A number that is read, of which perhaps only some bits count.
#[derive(Clone, Copy, PartialEq)]
struct Number<'o> {
    index: usize,
    operand: &'o Operand,
    /// `v >> shift & mask`
    bits: Option<Bits>,
    /// It is read as this table has it.
    table: Option<NameTable>,
}

#[derive(Clone, Copy, PartialEq)]
struct Bits {
    shift: u32,
    mask: u64,
}

impl Number<'_> {
    /// All numbers that its bytes can hold, and those of them that are values.
    fn possible(&self) -> Option<((i128, i128), Intervals)> {
        if let Some(bits) = self.bits {
            let all = (0, i128::from(bits.mask));
            let values = match self.table {
                None => Intervals::one(all.0, all.1),
                Some(NameTable::Signal) => Intervals::of(Comparison::NotEqual, 0, all),
                Some(_) => return None,
            };
            return (!is_null_by_value(&self.operand.kind)).then_some((all, values));
        }
        if self.table.is_some() {
            return None;
        }
        let all = Range::of_bits(u32::from(self.operand.size) * 8, is_signed(&self.operand.kind)?);
        let all = (all.min, all.max);
        let values = match &self.operand.kind {
            FieldType::Errno => return None,
            FieldType::Named(NameTable::Errno) => Intervals::one(-4095, -1).and(&Intervals::one(all.0, all.1)),
            FieldType::Named(NameTable::Signal) => Intervals::of(Comparison::NotEqual, 0, all),
            FieldType::Id => Intervals::one(0, all.1 - 1),
            _other => Intervals::one(all.0, all.1),
        };
        Some((all, values))
    }
}

impl<'o> Graph<'o> {
    /// `a < 5`
    pub(super) fn numbers(
        &mut self,
        op: Comparison,
        sides: &(Formula, Formula),
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let (number, accepted, all) = self.accepted(op, sides)?;
        self.within(number, &accepted, all, holds, ways)
    }

    /// The numbers of which a comparison is true.
    fn accepted(
        &self,
        op: Comparison,
        sides: &(Formula, Formula),
    ) -> Result<(Number<'o>, Intervals, (i128, i128)), Unfit> {
        let (of, op, constant) = match sides {
            (of, Formula::Number { bits, signed }) => (of, op, exact(*bits, *signed)),
            (Formula::Number { bits, signed }, of) => (of, turned(op), exact(*bits, *signed)),
            (a, b) => {
                self.read(a)?;
                self.read(b)?;
                return Err(Unfit::new("it compares two values that are read"));
            }
        };
        let number = self.number(of)?;
        let (all, _) = number.possible().ok_or_else(|| Unfit::new("it is no integer of the kernel's"))?;
        Ok((number, Intervals::of(op, constant, all), all))
    }

    /// A number, or some of its bits.
    fn number(&self, formula: &Formula) -> Result<Number<'o>, Unfit> {
        let calculates = || Unfit::new("it calculates");
        let bits_of = |operand: &'o Operand| {
            operand.bits.map(|BitRange { shift, width }| Bits { shift: shift.into(), mask: low_bits(width.into()) })
        };
        match formula {
            Formula::Operand(index) => {
                let operand = self.operand(*index)?;
                let signed = is_signed(&operand.kind).ok_or_else(|| Unfit::new("it is no integer"))?;
                if operand.size > 8 || !operand.size.is_power_of_two() || (signed && operand.bits.is_some()) {
                    return Err(Unfit::new("it is a bit-field with a sign"));
                }
                Ok(Number { index: *index, operand, bits: bits_of(operand), table: None })
            }
            Formula::Arithmetic { op: Arithmetic::BitAnd, sides, .. } => {
                let (of, mask) = match &**sides {
                    (of, Formula::Number { bits, .. }) | (Formula::Number { bits, .. }, of) => (of, *bits),
                    _calculated => return Err(calculates()),
                };
                let number = self.number(of)?;
                let (shift, most) = match number.bits {
                    Some(bits) => (bits.shift, bits.mask),
                    None => (0, low_bits(u32::from(number.operand.size) * 8)),
                };
                // Bits beyond those that are read: the sign has them, where there is one.
                let beyond = mask & !most != 0 && is_signed(&number.operand.kind) != Some(false);
                if beyond || matches!(number.operand.kind, FieldType::Port | FieldType::Ipv4) {
                    return Err(calculates());
                }
                Ok(Number { bits: Some(Bits { shift, mask: mask & most }), ..number })
            }
            Formula::Arithmetic { op: Arithmetic::ShiftRight, sides, .. } => {
                let (of, Formula::Number { bits: by, .. }) = &**sides else { return Err(calculates()) };
                let number = self.number(of)?;
                let width = u32::from(number.operand.size) * 8;
                let by = u32::try_from(*by).map_err(|_| calculates())?;
                if number.bits.is_some() || by >= width || is_signed(&number.operand.kind) != Some(false) {
                    return Err(calculates());
                }
                Ok(Number { bits: Some(Bits { shift: by, mask: low_bits(width - by) }), ..number })
            }
            Formula::Named { table, of } => Ok(Number { table: Some(*table), ..self.number(of)? }),
            _other => self.read(formula).and(Err(calculates())),
        }
    }

    /// A flag of one byte.
    pub(super) fn flag(&mut self, index: usize, holds: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let number = self.number(&Formula::Operand(index))?;
        let (all, _) = number.possible().ok_or_else(|| Unfit::new("it is no integer"))?;
        self.within(number, &Intervals::of(Comparison::NotEqual, 0, all), all, holds, ways)
    }

    /// `x != null` (`holds`: `x == null`) of what some numbers of are null.
    pub(super) fn has_value(&mut self, operand: &'o Operand, is_null: bool, ways: Ways) -> Result<StepNext, Unfit> {
        let number = Number { index: 0, operand, bits: None, table: None };
        let (all, values) = number.possible().ok_or_else(|| Unfit::new("it is no integer"))?;
        let (there, absent) = if is_null { (ways.no, ways.yes) } else { (ways.yes, ways.no) };
        self.among(number, &values, all, Ways { yes: there, no: absent }, absent)
    }

    /// A choice between numbers of one value, as one set of them: `x == 1 || x == 2`.
    pub(super) fn one_of_numbers(
        &mut self,
        parts: &[Formula],
        holds: bool,
        ways: Ways,
    ) -> Option<Result<StepNext, Unfit>> {
        let is_choice = |formula: &Formula| matches!(formula, Formula::Compare { op: Comparison::Equal, .. });
        if parts.len() < 2 || !parts.iter().all(is_choice) {
            return None;
        }
        let mut chosen: Option<(Number<'o>, Intervals, (i128, i128))> = None;
        for part in parts {
            let Formula::Compare { op, sides } = part else { return None };
            let (number, accepted, all) = self.accepted(*op, sides).ok()?;
            chosen = Some(match chosen {
                None => (number, accepted, all),
                Some((first, before, _)) if first == number => (first, before.or(&accepted), all),
                Some(_) => return None,
            });
        }
        let (number, accepted, all) = chosen?;
        Some(self.within(number, &accepted, all, holds, ways))
    }

    /// True where the number is one of these, or (not `holds`) a value that is none of them.
    fn within(
        &mut self,
        number: Number<'o>,
        accepted: &Intervals,
        all: (i128, i128),
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let (_, values) = number.possible().ok_or_else(|| Unfit::new("it is no integer"))?;
        let accepted = if holds { accepted.clone() } else { accepted.without(all) };
        self.among(number, &accepted.and(&values), all, ways, ways.no)
    }

    /// The tests for a set of numbers.
    fn among(
        &mut self,
        number: Number<'o>,
        accepted: &Intervals,
        all: (i128, i128),
        ways: Ways,
        fault: StepNext,
    ) -> Result<StepNext, Unfit> {
        let operand = number.operand;
        let Some(fetch) = Self::fetch(operand)? else { return Ok(fault) };
        let mut entry = ways.no;
        let wraps = match (accepted.0.first(), accepted.0.last()) {
            (Some(first), Some(last)) if accepted.0.len() > 1 && number.bits.is_none() && (first.0, last.1) == all => {
                Some((last.0, first.1 + (all.1 - all.0 + 1)))
            }
            _apart => None,
        };
        // What lies at both ends is one interval, as numbers wrap.
        let middle = if wraps.is_some() { &accepted.0[1..accepted.0.len() - 1] } else { &accepted.0[..] };
        for (low, high) in middle.iter().copied().chain(wraps).rev() {
            let test = if (low, high) == all { StepTest::Exists } else { number.test(low, high) };
            entry = self.push(operand, fetch.clone(), test, Ways { yes: ways.yes, no: entry })?;
            self.fault_to(entry, operand, fault);
        }
        Ok(entry)
    }
}

impl Number<'_> {
    fn test(&self, low: i128, high: i128) -> StepTest {
        match self.bits {
            Some(Bits { shift, mask }) => {
                StepTest::Bits { mask: mask << shift, low: (low as u64) << shift, span: ((high - low) as u64) << shift }
            }
            None => {
                let mask = low_bits(u32::from(self.operand.size) * 8);
                StepTest::Range { low: low as u64 & mask, mask, span: (high - low) as u64 }
            }
        }
    }
}

fn low_bits(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

fn exact(bits: u64, signed: bool) -> i128 {
    if signed { bits.cast_signed().into() } else { bits.into() }
}

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
