// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rates and samples that are written in another way.

use crate::config::pattern::{self, Pattern};

/// `write `1000/s`` for `1000/sec`, `1000 per second`, `1000`.
pub(super) fn rate(form: &Pattern, text: &str) -> Option<String> {
    if form.regex != pattern::RATE.regex {
        return None;
    }
    let (digits, behind) = pattern::split_unit(text);
    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') {
        return Some("it must be more than 0; to silence a probe, park it with `enabled: false`".to_owned());
    }
    let behind = behind.trim();
    let unit = behind.strip_prefix('/').or_else(|| behind.strip_prefix("per ")).unwrap_or(behind).trim();
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "second" | "1s" | "hz" => "s",
        "m" | "min" | "minute" | "1m" => "m",
        "h" | "hr" | "hour" | "1h" => "h",
        _other => return None,
    };
    written(&format!("{digits}/{unit}"), &pattern::RATE)
}

/// `write `1/100`` for `1%`, `2/200`, `100`, `0.01`.
pub(super) fn sample(form: &Pattern, text: &str) -> Option<String> {
    if form.regex != pattern::SAMPLE.regex {
        return None;
    }
    let (digits, behind) = pattern::split_unit(text);
    if let Some(decimals) = behind.strip_prefix('.').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
        let whole = 10_u64.checked_pow(decimals.len().try_into().ok()?)?;
        return sample(form, &format!("{}/{whole}", format!("{digits}{decimals}").parse::<u64>().ok()?));
    }
    let part: u64 = digits.parse().ok()?;
    let behind = behind.trim();
    if behind.is_empty() && part > 0 {
        return written(&format!("1/{part}"), &pattern::SAMPLE);
    }
    let of = |prefix| behind.strip_prefix(prefix).map(str::trim);
    let whole: u64 = match of("%") {
        _ if behind.is_empty() => 1,
        Some("") => 100,
        Some(_more) => return None,
        None => of("/")?.parse().ok()?,
    };
    match (part, whole) {
        (0, _) => Some("it must be more than 0; to silence a probe, park it with `enabled: false`".to_owned()),
        (_, 0) => Some("N must be at least 1, for example `1/100`".to_owned()),
        (part, whole) if whole % part == 0 => written(&format!("1/{}", whole / part), &pattern::SAMPLE),
        (part, whole) => {
            let nearest = (whole.saturating_add(part / 2) / part).max(2);
            written(&format!("1/{nearest}"), &pattern::SAMPLE)
                .map(|_| format!("N must be a whole number, for example `1/{nearest}`"))
        }
    }
}

/// What to write, if that is right.
fn written(text: &str, form: &Pattern) -> Option<String> {
    (form.matches)(text).then(|| format!("write `{text}`"))
}
