// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only this machine knows, for the records of a round.

use std::cell::RefMut;

use super::Round;
use super::clock::Clock;
use crate::record::{CodeOf, Lookups, StackFrame};
use crate::symbols::Symbols;

/// What this machine knows, at the time of a round.
pub(super) struct MachineLookups<'r> {
    clock: &'r Clock,
    symbols: RefMut<'r, Symbols>,
    /// A function is needed now, and the record cannot wait.
    pub(super) is_urgent: bool,
}

impl<'r> MachineLookups<'r> {
    pub(super) fn of(round: &'r Round, is_urgent: bool) -> Self {
        Self { clock: &round.clock, symbols: round.symbols.borrow_mut(), is_urgent }
    }
}

impl Lookups for MachineLookups<'_> {
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64 {
        self.clock.unix_ns_of_monotonic(monotonic_ns)
    }

    fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool {
        self.symbols.disk(number, out)
    }

    fn knows(&mut self, of: CodeOf, addresses: &mut dyn Iterator<Item = u64>) -> bool {
        self.symbols.knows_functions(of, addresses)
    }

    fn frames(&mut self, of: CodeOf, address: u64, out: &mut Vec<StackFrame>) {
        self.symbols.functions(of, address, self.is_urgent, out);
    }

    fn cgroup(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        self.symbols.cgroup(id, out)
    }

    fn container(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        self.symbols.container(id, out)
    }
}
