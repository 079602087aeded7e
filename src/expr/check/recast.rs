// SPDX-License-Identifier: MIT OR Apache-2.0
//! `as TYPE` after what is calculated.

use std::ops;

use super::checker::{Beside, Checker, Typed};
use super::number::calculated;
use super::types::{Range, Type};
use super::values::Values;
use crate::spec::{Arithmetic, Cast, Comparison, Expr, Formula, NameTable};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    pub(super) fn recast(&mut self, of: &Expr, cast: &Cast, at: &ops::Range<usize>) -> Result<Typed, Refusal> {
        let Typed { formula, ty } = self.check(of, Beside::Nothing)?;
        let refuse =
            |why: &str| Err(Refusal::new(format!("`{of}` {why}: it cannot be read `as {cast}`")).at(at.clone()));
        if ty.range().is_none() && ty != Type::Bool {
            return refuse(&format!("is {}", ty.words()));
        }
        let number = |bits: u32, signed: bool| Type::Number(Range::of_bits(bits, signed));
        Ok(match cast {
            Cast::Unsigned { size } => {
                let bits = u32::from(*size) * 8;
                Typed::new(masked(formula, bits), number(bits, false))
            }
            Cast::Signed { size } => {
                let bits = u32::from(*size) * 8;
                Typed::new(extended(formula, bits), number(bits, true))
            }
            Cast::Hex => Typed::new(unsigned(formula), Type::Number(Range { hex: true, ..Range::of_bits(64, false) })),
            Cast::Bool => Typed::condition(Formula::Compare {
                op: Comparison::NotEqual,
                sides: Box::new((formula, Formula::Number { bits: 0, signed: false })),
            }),
            Cast::Duration => Typed::new(formula, Type::Duration),
            Cast::Ktime => Typed::new(formula, Type::Ktime),
            Cast::Named(table @ NameTable::Errno) => Typed::new(
                named(*table, formula),
                Type::Named(*table, Range { min: -4095, max: -1, signed: true, hex: false }),
            ),
            Cast::Named(table @ NameTable::Signal) => {
                Typed::new(named(*table, formula), Type::Named(*table, Range::of_bits(64, false)))
            }
            Cast::Named(table) => Typed::new(formula, Type::Named(*table, Range::of_bits(64, false))),
            Cast::Enum(name) => match self.values.enumeration(name) {
                Some(values) => {
                    let names = values.into_iter().map(|(name, number)| (number, name)).collect();
                    Typed::new(formula, Type::Enum(names, Range::of_bits(64, true)))
                }
                None => {
                    let refusal =
                        Refusal::new(format!("`{name}` is not a type, and this kernel has no enum of that name"));
                    return Err(refusal.at(at.clone()));
                }
            },
            Cast::Timespec
            | Cast::String(_)
            | Cast::UserString(_)
            | Cast::Bytes(_)
            | Cast::Struct(_)
            | Cast::Ipv4
            | Cast::Ipv6
            | Cast::Ip
            | Cast::Port
            | Cast::Mac
            | Cast::Sockaddr
            | Cast::Sock
            | Cast::Path { .. }
            | Cast::FdPath
            | Cast::Dev
            | Cast::Ksym
            | Cast::Usym
            | Cast::Cgroup
            | Cast::Uid
            | Cast::Uuid
            | Cast::Packet => return refuse("is calculated"),
        })
    }
}

/// Of these tables some numbers are null.
fn named(table: NameTable, formula: Formula) -> Formula {
    Formula::Named { table, of: Box::new(formula) }
}

/// The low bits.
fn masked(formula: Formula, bits: u32) -> Formula {
    let mask = u64::MAX >> (64 - bits);
    calculated(Arithmetic::BitAnd, false, formula, Formula::Number { bits: mask, signed: false })
}

/// The low bits, read as signed.
fn extended(formula: Formula, bits: u32) -> Formula {
    let by = || Formula::Number { bits: (64 - bits).into(), signed: false };
    let left = calculated(Arithmetic::ShiftLeft, true, formula, by());
    calculated(Arithmetic::ShiftRight, true, left, by())
}

fn unsigned(formula: Formula) -> Formula {
    masked(formula, 64)
}
