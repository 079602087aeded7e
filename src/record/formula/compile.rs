// SPDX-License-Identifier: MIT OR Apache-2.0
//! A [`Formula`] with what can be known beforehand: its sets, its networks as masks.

use core::net::Ipv6Addr;
use std::sync::Arc;

use super::sets::{EmptySet, SetContent, Sets};
use super::term::Number;
use crate::spec::{Arithmetic, Comparison, Formula, NameTable, TextTest};

/// A compiled formula.
#[derive(Debug, Clone)]
pub(in crate::record) enum Compiled {
    Operand(usize),
    Number(Number),
    Text(Arc<[u8]>),
    Bool(bool),
    Null,
    Arithmetic { op: Arithmetic, signed: bool, sides: Box<[Self; 2]> },
    Compare { op: Comparison, sides: Box<[Self; 2]> },
    IsNull(Box<Self>),
    Not(Box<Self>),
    All(Box<[Self]>),
    Any(Box<[Self]>),
    Matches { how: TextTest, of: Box<Self>, texts: Box<[Arc<[u8]>]> },
    InSet { of: Box<Self>, how: TextTest, set: Arc<dyn SetContent> },
    InNetworks { of: Box<Self>, networks: Box<[Network]> },
    Named { table: NameTable, of: Box<Self> },
    Size(Box<Self>),
}

/// Addresses whose bits under `mask` are `address`.
#[derive(Debug, Clone, Copy)]
pub(in crate::record) struct Network {
    address: u128,
    mask: u128,
}

impl Network {
    fn new(address: Ipv6Addr, prefix: u8) -> Self {
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
        Self { address: address.to_bits() & mask, mask }
    }

    pub(super) fn has(self, address: Ipv6Addr) -> bool {
        address.to_bits() & self.mask == self.address
    }
}

impl Compiled {
    pub(in crate::record) fn new(formula: &Formula, sets: &dyn Sets) -> Self {
        let one = |formula: &Formula| Box::new(Self::new(formula, sets));
        let all = |formulas: &[Formula]| formulas.iter().map(|formula| Self::new(formula, sets)).collect();
        let both = |sides: &(Formula, Formula)| Box::new([Self::new(&sides.0, sets), Self::new(&sides.1, sets)]);
        match formula {
            Formula::Operand(index) => Self::Operand(*index),
            Formula::Number { bits, signed } => Self::Number(Number { bits: *bits, signed: *signed }),
            Formula::Text(text) => Self::Text(Arc::clone(text)),
            Formula::Bool(value) => Self::Bool(*value),
            Formula::Null => Self::Null,
            Formula::Arithmetic { op, signed, sides } => {
                Self::Arithmetic { op: *op, signed: *signed, sides: both(sides) }
            }
            Formula::Compare { op, sides } => Self::Compare { op: *op, sides: both(sides) },
            Formula::IsNull(of) => Self::IsNull(one(of)),
            Formula::Not(of) => Self::Not(one(of)),
            Formula::All(of) => Self::All(all(of)),
            Formula::Any(of) => Self::Any(all(of)),
            Formula::Matches { how, of, texts } => {
                Self::Matches { how: *how, of: one(of), texts: texts.clone().into() }
            }
            Formula::InSet { of, how, set } => {
                let set = sets.set(set).unwrap_or_else(|| Arc::new(EmptySet));
                Self::InSet { of: one(of), how: *how, set }
            }
            Formula::InNetworks { of, networks } => {
                let networks = networks.iter().map(|&(address, prefix)| Network::new(address, prefix)).collect();
                Self::InNetworks { of: one(of), networks }
            }
            Formula::Named { table, of } => Self::Named { table: *table, of: one(of) },
            Formula::Size(of) => Self::Size(one(of)),
        }
    }
}
