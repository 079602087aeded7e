// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which records of a ring are delivered: the part of `where` that the kernel does not decide, then the limits, which hold after all of
//! it.

use std::ops::Range;
use std::sync::Arc;

use super::clock::now_unix_ns;
use super::refusals::{Refusal, Refusals};
use crate::record::{Completer, FullRecord, Lookups, Sets, Verdict};
use crate::spec::{Layout, Limits, RateLimit};

/// What every record of a source passes on its way to formats.
pub(super) struct Gate {
    completer: Completer,
    /// Off where the kernel has them.
    limits: Limits,
    random: Random,
    refusals: Arc<Refusals>,
    /// Where a record says which of several targets it is of.
    target: Option<Range<usize>>,
}

impl Gate {
    /// `target` is the name of the field that says which target an event is of, where there are several.
    pub(super) fn new(
        layout: &Layout,
        limits: Limits,
        target: Option<&str>,
        sets: &dyn Sets,
        refusals: Arc<Refusals>,
    ) -> Self {
        let target = target.and_then(|name| layout.fields.iter().find(|field| field.name == name));
        let target = target.map(|field| field.offset as usize..(field.offset + field.size.min(8)) as usize);
        let completer = Completer::new(layout, sets);
        let limits = if completer.has_filter() { limits } else { Limits::default() };
        Self { completer, limits, random: Random(now_unix_ns() | 1), refusals, target }
    }

    /// Whether the record of an event at `boot_ns` is delivered. If not, it is counted.
    #[inline]
    pub(super) fn passes(&mut self, record: &[u8], boot_ns: u64, lookups: &mut dyn Lookups) -> bool {
        let refusal = match self.completer.judge(record, lookups).verdict() {
            Verdict::Pass if self.limits.is_off() => return true,
            Verdict::Pass => self.limit(record, boot_ns),
            Verdict::Filtered => Some(Refusal::Filtered),
            Verdict::Undecided => Some(Refusal::Undecided),
        };
        if let Some(refusal) = refusal {
            self.refusals.add(refusal);
        }
        refusal.is_none()
    }

    /// One that passed, with all that its fields need.
    #[inline]
    pub(super) fn complete<'c>(&'c mut self, record: &'c [u8], lookups: &mut dyn Lookups) -> FullRecord<'c> {
        self.completer.complete(record, lookups)
    }

    /// True if all that its fields need is known. What is not is being found out from now on.
    #[inline]
    pub(super) fn is_known(&self, record: &[u8], lookups: &mut dyn Lookups) -> bool {
        self.completer.is_known(record, lookups)
    }

    /// First the sample, then the rate.
    fn limit(&mut self, record: &[u8], boot_ns: u64) -> Option<Refusal> {
        if self.limits.sample.is_some_and(|one_in| !self.random.is_chosen(one_in)) {
            return Some(Refusal::SampledOut);
        }
        let target = self.target.clone().and_then(|at| record.get(at)).map_or(0, number);
        let allows = |rate: RateLimit| self.refusals.rate_allows(target, rate.events, rate.per.ns(), boot_ns);
        self.limits.rate.is_some_and(|rate| !allows(rate)).then_some(Refusal::RateLimited)
    }
}

/// The number in at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Random numbers that nobody has to be unable to guess: Vigna's xorshift64*.
struct Random(u64);

impl Random {
    /// True for one in so many, at random.
    fn is_chosen(&mut self, one_in: u32) -> bool {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (bits * u64::from(one_in)) >> 32 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{NoLookups, NoSets};
    use crate::spec::{Comparison, Field, FieldType, Formula, Period};

    /// A gate for records of one byte, where it is greater than 100.
    fn gate(filter: bool, limits: Limits) -> Gate {
        let field = Field {
            name: "x".to_owned(),
            offset: 0,
            size: 1,
            kind: FieldType::Unsigned,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit: String::new(),
            doc: String::new(),
        };
        let sides = Box::new((Formula::Operand(0), Formula::Number { bits: 100, signed: false }));
        let filter = filter.then(|| Arc::new(Formula::Compare { op: Comparison::Greater, sides }));
        let target = Field { name: "target".to_owned(), offset: 1, ..field.clone() };
        let layout = Layout { size: 2, operands: vec![field], fields: vec![target], filter, ..Layout::default() };
        Gate::new(&layout, limits, Some("target"), &NoSets, Arc::default())
    }

    /// Limits hold for what `where` leaves, and every record has one fate.
    #[test]
    fn limits_hold_after_where() {
        let rate = Some(RateLimit { events: 3, per: Period::Second });
        let mut it = gate(true, Limits { sample: None, rate });
        let passed = (0..=255u8).filter(|byte| it.passes(&[*byte], 5, &mut NoLookups)).count() as u64;
        let refused = it.refusals.refused();
        assert_eq!((passed, refused.filtered, refused.rate_limited), (3, 101, 152));
        let mut it = gate(true, Limits { sample: Some(4), rate });
        let passed = (0..40_000).filter(|_| it.passes(&[200], 5, &mut NoLookups)).count() as u64;
        let refused = it.refusals.refused();
        assert_eq!((passed, passed + refused.sampled_out + refused.rate_limited), (3, 40_000));
        assert!((29_000..31_000).contains(&refused.sampled_out), "{refused:?}");
        // Each target has the rate for itself.
        let mut it = gate(true, Limits { sample: None, rate });
        let passed = |target: u8| (0..9).filter(|_| it.passes(&[200, target], 5, &mut NoLookups)).count();
        assert_eq!([1, 2, 1].map(passed), [3, 3, 0]);
        // Without a part of `where` here the kernel has the limits.
        let mut it = gate(false, Limits { sample: None, rate });
        assert_eq!((0..9).filter(|_| it.passes(&[1], 5, &mut NoLookups)).count(), 9);
    }
}
