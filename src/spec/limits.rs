// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many of a probe's events pass.

use std::fmt;

/// `limits`: which events pass. What does not is counted: [`super::LossCause::SampledOut`], [`super::LossCause::RateLimited`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// One event in N passes, chosen at random; `None`: all of them. 1 to 9,999,999.
    pub sample: Option<u32>,
    /// How many of those that the sample leaves pass; `None`: all of them.
    pub rate: Option<RateLimit>,
}

impl Limits {
    /// True where every event passes.
    pub fn is_off(&self) -> bool {
        self.sample.is_none() && self.rate.is_none()
    }
}

/// `1000/s`: at most N events in each period, on all CPUs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// 1 to 999,999,999.
    pub events: u32,
    /// Its windows begin at the multiples of it since the machine was booted (CLOCK_BOOTTIME).
    pub per: Period,
}

/// The unit after the `/` of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
}

impl Period {
    /// How long it is.
    pub fn ns(self) -> u64 {
        let seconds = match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
        };
        seconds * 1_000_000_000
    }

    /// Its letter in the YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }
}

/// As in the YAML: `1000/s`.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.events, self.per.name())
    }
}
