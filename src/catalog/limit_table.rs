// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes `limits` into a program's `.rodata`: the constants of `bpf/include/limits.h`, found by their names.

use std::collections::HashMap;

use crate::spec::Limits;

/// Where the constants are in `.rodata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitTable {
    limited: u32,
    sample_below: u32,
    rate_events: u32,
    rate_window_ns: u32,
    rate_of: u32,
}

/// Which window of a rate an event counts in: that of the program, or of the target that it is of where the program is at several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateOf {
    /// One for all.
    Program,
    /// By the cookie of the link.
    Cookie,
    /// By the number of the system call.
    Call,
}

impl LimitTable {
    /// Finds them among the symbols of `.rodata`; `None` if the program has none.
    pub(super) fn find(constants: &HashMap<String, u32>) -> Option<Self> {
        let place = |name: &str| constants.get(name).copied();
        Some(Self {
            limited: place("limited")?,
            sample_below: place("sample_below")?,
            rate_events: place("rate_events")?,
            rate_window_ns: place("rate_window_ns")?,
            rate_of: place("rate_of")?,
        })
    }

    /// Fills `.rodata` for these limits. Where there are none it stays as it is: off.
    pub fn write(&self, rodata: &mut [u8], limits: &Limits, rate_of: RateOf) {
        if let Some(below) = limits.sample.and_then(sample_below) {
            put(rodata, self.limited, &[1]);
            put(rodata, self.sample_below, &below.to_ne_bytes());
        }
        if let Some(rate) = limits.rate {
            put(rodata, self.limited, &[1]);
            put(rodata, self.rate_events, &rate.events.to_ne_bytes());
            put(rodata, self.rate_window_ns, &rate.per.ns().to_ne_bytes());
            let rate_of: u32 = match rate_of {
                RateOf::Program => 0,
                RateOf::Cookie => 1,
                RateOf::Call => 2,
            };
            put(rodata, self.rate_of, &rate_of.to_ne_bytes());
        }
    }
}

/// The part of 2^32 that one in `one_in` is, rounded; `None` for one in one, which is all of them.
fn sample_below(one_in: u32) -> Option<u32> {
    let (all, one_in) = (1_u64 << 32, u64::from(one_in.max(1)));
    u32::try_from((all + one_in / 2) / one_in).ok()
}

fn put(bytes: &mut [u8], at: u32, value: &[u8]) {
    if let Some(target) = bytes.get_mut(at as usize..at as usize + value.len()) {
        target.copy_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Period, RateLimit};

    /// The chance of an event is one in N, to within 0.2 %, and one in one is all of them.
    #[test]
    fn chances() {
        assert_eq!(sample_below(1), None);
        for one_in in [2, 3, 100, 65_536, 9_999_999] {
            let chance = f64::from(sample_below(one_in).unwrap()) / (1_u64 << 32) as f64;
            assert!((chance * f64::from(one_in) - 1.0).abs() < 0.002, "1/{one_in}: {chance}");
        }
    }

    /// Each limit switches itself on, and only itself.
    #[test]
    fn what_is_written() {
        let table = LimitTable { limited: 0, sample_below: 4, rate_events: 8, rate_of: 12, rate_window_ns: 16 };
        let written = |limits: Limits| {
            let mut rodata = [0; 24];
            table.write(&mut rodata, &limits, RateOf::Call);
            rodata
        };
        let rate = RateLimit { events: 258, per: Period::Minute };
        assert_eq!(written(Limits::default()), [0; 24]);
        let sample = written(Limits { sample: Some(1 << 16), rate: None });
        assert_eq!((sample[0], &sample[4..8], &sample[8..]), (1, &(1_u32 << 16).to_ne_bytes()[..], &[0; 16][..]));
        let rate = written(Limits { sample: None, rate: Some(rate) });
        assert_eq!((rate[0], &rate[4..8], &rate[8..12]), (1, &[0; 4][..], &258_u32.to_ne_bytes()[..]));
        assert_eq!((&rate[12..16], &rate[16..]), (&2_u32.to_ne_bytes()[..], &60_000_000_000_u64.to_ne_bytes()[..]));
    }
}
