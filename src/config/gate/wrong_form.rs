// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts of the wrong form: names, sizes and durations as they were probably meant.

use super::limits;
use crate::config::pattern;

/// A name much like this text, where that works out.
pub(in crate::config) fn name_like(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.starts_with(|c: char| c.is_alphabetic() && !c.is_ascii()) {
        return None;
    }
    let words = text.split(|c| !fits(c)).filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("-").trim_start_matches(['.', '_', '-']).to_owned();
    name.truncate(64);
    (pattern::NAME.matches)(&name).then_some(name)
}

/// What stands before and behind the first `$NAME` of a text, and that name.
pub(in crate::config) fn shell_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('$')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, behind) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some((before, name, behind))
}

pub(super) fn form_help(regex: &str, shown: &str) -> Option<String> {
    let text = shown.trim_matches(['"', '\'']).trim();
    if regex == pattern::NAME.regex {
        if let Some((before, variable, behind)) = shell_variable(text) {
            return Some(format!("for a value of the environment write `{before}${{env:{variable}}}{behind}`"));
        }
        // `// a comment` of another language is named by a note.
        let text = text.split(" //").next().unwrap_or_default();
        return name_like(text).map(|name| format!("for example `{name}`"));
    }
    if regex == pattern::MODE.regex {
        return Some(mode_help(text));
    }
    if regex == pattern::OWNER.regex {
        return None;
    }
    if regex == pattern::SIZE.regex {
        let (digits, unit) = pattern::split_unit(text);
        let unit = match unit.trim() {
            "KiB" => "KiB",
            "MiB" => "MiB",
            "GiB" => "GiB",
            "K" | "KB" | "kB" | "k" | "kb" | "kib" => "KiB",
            "M" | "MB" | "m" | "mb" | "mib" => "MiB",
            "G" | "GB" | "g" | "gb" | "gib" => "GiB",
            _other => return None,
        };
        let text = format!("{digits}{unit}");
        return (pattern::SIZE.matches)(&text).then(|| format!("write `{text}`"));
    }
    if regex == pattern::RATE.regex {
        return limits::rate_help(text);
    }
    if regex == pattern::SAMPLE.regex {
        return limits::sample_help(text);
    }
    if regex == pattern::BUILD_ID.regex {
        let digits: String = text.trim().trim_start_matches("0x").chars().filter(|c| !": -".contains(*c)).collect();
        return (pattern::BUILD_ID.matches)(&digits).then(|| format!("write `{}`", digits.to_ascii_lowercase()));
    }
    let (digits, unit) = pattern::split_unit(text);
    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') && !unit.starts_with('.') {
        return Some("it must be more than 0: for example `500ms`".to_owned());
    }
    if unit.is_empty() {
        let text = format!("{digits}s");
        return (pattern::DURATION.matches)(&text).then(|| format!("add a unit, for example `{text}`"));
    }
    if let Some(help) = several_units(text) {
        return Some(help);
    }
    if let Some((tenths, unit)) = unit.strip_prefix('.').map(pattern::split_unit) {
        let smaller = match unit.trim() {
            "s" => (1000, "ms"),
            "m" => (60, "s"),
            "h" => (60, "m"),
            _other => return None,
        };
        let (whole, tenth) = (digits.parse::<u32>().ok()?, tenths.parse::<u32>().ok().filter(|tenth| *tenth < 10)?);
        let count = whole.checked_mul(10)?.checked_add(tenth)?.checked_mul(smaller.0)? / 10;
        let text = format!("{count}{}", smaller.1);
        return (pattern::DURATION.matches)(&text).then(|| format!("write `{text}`"));
    }
    let unit = match unit.trim() {
        unit @ ("ms" | "s" | "m" | "h") => unit,
        "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "min" | "mins" | "minute" | "minutes" | "M" => "m",
        "hour" | "hours" | "hr" | "H" => "h",
        "msec" | "millis" | "milliseconds" | "MS" => "ms",
        _other => return None,
    };
    let text = format!("{digits}{unit}");
    (pattern::DURATION.matches)(&text).then(|| format!("write `{text}`"))
}

/// ``write `mode: "0640"` `` for `0o640`, and for 416, which is the same in decimal as YAML 1.1 reads `0640`.
pub(super) fn mode_help(text: &str) -> String {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let decimal = text.parse::<u32>().ok().map(|number| format!("{number:o}"));
    let meant = [Some(digits.to_owned()), decimal].into_iter().flatten().find(|text| (pattern::MODE.matches)(text));
    let (verb, mode) = match &meant {
        Some(mode) => ("write", mode.trim_start_matches('0')),
        None => ("for example", "640"),
    };
    format!("{verb} `mode: \"0{mode}\"`")
}

/// ``write `90s` `` for `1m30s`, `24h` for `1d`: one number with one unit.
fn several_units(text: &str) -> Option<String> {
    let (mut seconds, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let (digits, behind) = pattern::split_unit(rest);
        let (unit, next) = behind.split_at(behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len()));
        let unit = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _other => return None,
        };
        seconds = seconds.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = next;
    }
    let units = [(60 * 60, "h"), (60, "m"), (1, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds % size == 0).filter(|_| seconds > 0)?;
    let text = format!("{}{unit}", seconds / size);
    (pattern::DURATION.matches)(&text).then(|| format!("write `{text}`"))
}

/// `4MiB` of `4194304`, where the bytes are a whole number of a unit; else the number with a unit it may have meant.
pub(super) fn with_unit(number: &str, form: &pattern::Pattern) -> Option<String> {
    let bytes = number.parse::<u64>().ok().filter(|bytes| *bytes > 0 && form.regex == pattern::SIZE.regex);
    let size = bytes.and_then(|bytes| {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        units.into_iter().find(|(unit, _)| bytes % unit == 0).map(|(unit, name)| format!("{}{name}", bytes / unit))
    });
    if size.is_none() && bytes.is_some_and(|bytes| bytes > 1024) {
        return None;
    }
    let guessed =
        || ["s", "MiB", "/s"].map(|unit| format!("{number}{unit}")).into_iter().find(|text| (form.matches)(text));
    size.or_else(guessed)
}
