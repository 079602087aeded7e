// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values with units. The schema has seen to their form.

use std::time::Duration;

use crate::catalog::Program;
use crate::config::{Cx, codes, pattern, raw};
use crate::spec::{Limits, Period, RateLimit};

const LEAST_INTERVAL: Duration = Duration::from_millis(10);
const MOST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
const LEAST_BUFFER: u64 = 4 << 10;
const MOST_BUFFER: u64 = 1 << 30;

/// `500ms`, `1s`, `2m`, `1h`; `None` where it is not written or not good.
pub(super) fn interval(cx: &mut Cx<'_>, raw: Option<&str>) -> Option<Duration> {
    let text = raw?;
    let interval = duration(text);
    if (LEAST_INTERVAL..=MOST_INTERVAL).contains(&interval) {
        return Some(interval);
    }
    let too = if interval < LEAST_INTERVAL { "short" } else { "long" };
    let problem = cx.error(codes::DURATION, cx.value(&["interval"]), format!("an interval of {text} is too {too}"));
    cx.report(problem.label("must be from 10ms to 24h"));
    None
}

/// The time that a text of the right form means; too large a number stands for the longest time there is.
pub(in crate::config) fn duration(text: &str) -> Duration {
    let (digits, unit) = pattern::split_unit(text);
    let value: u64 = digits.parse().unwrap_or(u64::MAX);
    match unit {
        "ms" => Duration::from_millis(value),
        "m" => Duration::from_secs(value.saturating_mul(60)),
        "h" => Duration::from_secs(value.saturating_mul(60 * 60)),
        _seconds => Duration::from_secs(value),
    }
}

/// `256KiB`, `2MiB`; `None` where it is not written or not good.
pub(super) fn buffer(cx: &mut Cx<'_>, raw: Option<&str>) -> Option<u32> {
    let text = raw?;
    let (digits, unit) = pattern::split_unit(text);
    let value: u64 = digits.parse().unwrap_or(0);
    let bytes = match unit {
        "KiB" => value << 10,
        "GiB" => value << 30,
        _mebibytes => value << 20,
    };
    let in_range = (LEAST_BUFFER..=MOST_BUFFER).contains(&bytes);
    if let (true, true, Ok(bytes)) = (in_range, bytes.is_power_of_two(), u32::try_from(bytes)) {
        return Some(bytes);
    }
    let problem = cx.error(codes::BUFFER, cx.value(&["buffer"]), format!("a ring buffer cannot have {text}"));
    let problem = problem.label("must be a power of two from 4KiB to 1GiB");
    let better = bytes.clamp(LEAST_BUFFER, MOST_BUFFER).next_power_of_two();
    cx.report(problem.help(format!("write `{}`", size(better))));
    None
}

/// `rate_limit: 1000/s`, `sample: 1/100`: what is written of them.
pub(super) fn limits(raw: Option<&raw::Limits>) -> Limits {
    let rate = |text: &str| {
        let (digits, per) = text.split_once('/')?;
        let per = match per {
            "m" => Period::Minute,
            "h" => Period::Hour,
            _second => Period::Second,
        };
        Some(RateLimit { events: digits.parse().ok()?, per })
    };
    let sample = |text: &str| text.strip_prefix("1/")?.parse().ok();
    Limits {
        sample: raw.and_then(|raw| raw.sample.as_deref()).and_then(sample),
        rate: raw.and_then(|raw| raw.rate_limit.as_deref()).and_then(rate),
    }
}

/// The limits of a probe: its own, key by key, then those of the file. A program that emits no events has none.
pub(super) fn limits_of_probe(
    cx: &mut Cx<'_>,
    raw: Option<&raw::Limits>,
    program: Option<&Program>,
    defaults: Limits,
) -> Limits {
    if let Some(program) = program.filter(|program| program.limit_table.is_none()) {
        if raw.is_some() {
            let message = format!("`{}` emits no events that `limits` could hold back", program.name);
            let problem = cx.error(codes::NEEDLESS_LIMITS, cx.key(&["limits"]), message).help("remove `limits`");
            let counts = program.counters.is_some();
            let note = "it counts, and reports the counters each `interval`: a longer one means fewer reports";
            cx.report(if counts { problem.note(note) } else { problem });
        }
        return Limits::default();
    }
    let own = limits(raw);
    Limits { sample: own.sample.or(defaults.sample), rate: own.rate.or(defaults.rate) }
}

/// A power of two in its largest whole unit.
fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 => format!("{}GiB", bytes >> 30),
        bytes if bytes >= 1 << 20 => format!("{}MiB", bytes >> 20),
        bytes => format!("{}KiB", bytes >> 10),
    }
}
