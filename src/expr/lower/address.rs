// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses and networks.

use core::net::Ipv6Addr;

use super::graph::{Graph, Ways};
use super::interval::Intervals;
use super::unfit::Unfit;
use crate::expr::operand::Operand;
use crate::spec::{Fetch, FetchCopy, FieldType, Formula, StepNext, StepTest};

impl Graph<'_> {
    /// `ip in "10.0.0.0/8"`: true where one network has it.
    pub(super) fn networks(
        &mut self,
        of: &Formula,
        networks: &[(Ipv6Addr, u8)],
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let operand = self.read(of)?;
        let Some(fetch) = Self::fetch(operand)? else { return Ok(ways.no) };
        let tests: Vec<StepTest> = match &operand.kind {
            FieldType::Ipv4 => ranges(networks),
            FieldType::Ip | FieldType::Ipv6 => networks.iter().map(|network| masked(*network)).collect(),
            _other => return Err(Unfit::new("it is no address")),
        };
        if !matches!(
            fetch.copy,
            FetchCopy::Kernel
                | FetchCopy::User
                | FetchCopy::Value
                | FetchCopy::Sock
                | FetchCopy::Sockaddr
                | FetchCopy::Packet { .. }
        ) {
            return Err(Unfit::new("it is no address in memory"));
        }
        let fault = ways.no;
        let (found, missing) = if holds { (ways.yes, ways.no) } else { (ways.no, ways.yes) };
        let mut entry = missing;
        for test in tests.into_iter().rev() {
            entry = self.address(operand, fetch.clone(), test, Ways { yes: found, no: entry }, fault)?;
        }
        // Nothing that it could be: it only has to be there.
        if operand.kind == FieldType::Ipv4 && ranges(networks).is_empty() {
            entry = self.address(operand, fetch, StepTest::Exists, Ways { yes: missing, no: fault }, fault)?;
        }
        Ok(entry)
    }

    fn address(
        &mut self,
        operand: &Operand,
        fetch: Fetch,
        test: StepTest,
        ways: Ways,
        fault: StepNext,
    ) -> Result<StepNext, Unfit> {
        let entry = self.push(operand, fetch, test, ways)?;
        self.fault_to(entry, operand, fault);
        Ok(entry)
    }
}

/// IPv4 addresses are numbers.
fn ranges(networks: &[(Ipv6Addr, u8)]) -> Vec<StepTest> {
    let all = u128::from(u32::MAX);
    let first = Ipv6Addr::from_bits(0xffff_u128 << 32).to_bits();
    let mut found = Intervals::default();
    for (address, prefix) in networks {
        let free = u128::MAX.checked_shr((*prefix).into()).unwrap_or(0);
        let (low, high) = (address.to_bits() & !free, address.to_bits() | free);
        // Those that are IPv4 at all.
        let (low, high) = (low.max(first), high.min(first + all));
        if low <= high {
            found = found.or(&Intervals::one((low - first) as i128, (high - first) as i128));
        }
    }
    let test = |(low, high): &(i128, i128)| StepTest::Range {
        low: *low as u64,
        mask: u32::MAX.into(),
        span: (high - low) as u64,
    };
    found.0.iter().map(test).collect()
}

/// Sixteen bytes of which the first bits count.
fn masked((address, prefix): (Ipv6Addr, u8)) -> StepTest {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
    let bytes = (address.to_bits() & mask).to_be_bytes();
    StepTest::Bytes { bytes: bytes.as_slice().into(), mask: mask.to_be_bytes().as_slice().into() }
}
