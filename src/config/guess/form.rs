// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts of the wrong form: names, modes, sizes and durations.

use crate::config::pattern::{self, Pattern};

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

/// What is before and after the first `$NAME` of a text, and that name.
pub(in crate::config) fn shell_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('$')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, behind) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some((before, name, behind))
}

/// `$HOSTNAME-execs`
pub(super) fn variable_of_a_shell(form: &Pattern, text: &str) -> Option<String> {
    let (before, variable, behind) = shell_variable(text).filter(|_| form.regex == pattern::NAME.regex)?;
    Some(format!("for an environment variable write `{before}${{env:{variable}}}{behind}`"))
}

/// `my open files`
pub(super) fn name(form: &Pattern, text: &str) -> Option<String> {
    let name = name_like(text).filter(|_| form.regex == pattern::NAME.regex)?;
    Some(format!("for example `{name}`"))
}

/// `0o640`
pub(super) fn mode(form: &Pattern, text: &str) -> Option<String> {
    (form.regex == pattern::MODE.regex).then(|| mode_of(text))
}

/// `4M`, `4 MB`
pub(super) fn size(form: &Pattern, text: &str) -> Option<String> {
    let (digits, unit) = pattern::split_unit(text);
    let unit = match unit.trim() {
        "KiB" | "K" | "KB" | "kB" | "k" | "kb" | "kib" => "KiB",
        "MiB" | "M" | "MB" | "m" | "mb" | "mib" => "MiB",
        "GiB" | "G" | "GB" | "g" | "gb" | "gib" => "GiB",
        _other => return None,
    };
    let is_size = form.regex == pattern::SIZE.regex;
    written(&format!("{digits}{unit}"), form).filter(|_| is_size)
}

/// `0s`
pub(super) fn duration_of_nothing(form: &Pattern, text: &str) -> Option<String> {
    let (digits, unit) = pattern::split_unit(text);
    let is_zero = !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') && !unit.starts_with('.');
    (form.is_of_time() && is_zero).then(|| "it must be more than 0: for example `500ms`".to_owned())
}

/// `"5"`
pub(super) fn duration_without_unit(form: &Pattern, text: &str) -> Option<String> {
    let text = format!("{text}s");
    (form.is_of_time() && (form.matches)(&text)).then(|| format!("add a unit, for example `{text}`"))
}

/// `1.5s`
pub(super) fn fraction(form: &Pattern, text: &str) -> Option<String> {
    let (digits, rest) = pattern::split_unit(text);
    let (tenths, unit) = rest.strip_prefix('.').filter(|_| form.is_of_time()).map(pattern::split_unit)?;
    let smaller = match unit.trim() {
        "s" => (1000, "ms"),
        "m" => (60, "s"),
        "h" => (60, "m"),
        _other => return None,
    };
    let (whole, tenth) = (digits.parse::<u32>().ok()?, tenths.parse::<u32>().ok().filter(|tenth| *tenth < 10)?);
    let count = whole.checked_mul(10)?.checked_add(tenth)?.checked_mul(smaller.0)? / 10;
    written(&format!("{count}{}", smaller.1), form)
}

/// `5 seconds`
pub(super) fn word_for_a_unit(form: &Pattern, text: &str) -> Option<String> {
    let (digits, unit) = pattern::split_unit(text);
    let unit = match unit.trim() {
        unit @ ("ms" | "s" | "m" | "h") => unit,
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" | "hr" => "h",
        "msec" | "millis" | "milliseconds" => "ms",
        _other => return None,
    };
    written(&format!("{digits}{unit}"), form).filter(|_| form.is_of_time())
}

/// What to write, if that is right.
fn written(text: &str, form: &Pattern) -> Option<String> {
    (form.matches)(text).then(|| format!("write `{text}`"))
}

/// ``write `mode: "0640"` `` for `0o640`, and for 416, which is the same in decimal as YAML 1.1 reads `0640`.
pub(super) fn mode_of(text: &str) -> String {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let decimal = text.parse::<u32>().ok().map(|number| format!("{number:o}"));
    let meant = [Some(digits.to_owned()), decimal].into_iter().flatten().find(|text| (pattern::MODE.matches)(text));
    let (verb, mode) = match &meant {
        Some(mode) => ("write", mode.trim_start_matches('0')),
        None => ("for example", "640"),
    };
    format!("{verb} `mode: \"0{mode}\"`")
}

/// `1m30s` of Go, `1d` of Prometheus: one number with one unit.
pub(super) fn several_units(form: &Pattern, text: &str) -> Option<String> {
    if !form.is_of_time() {
        return None;
    }
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
    if form.regex == pattern::INTERVAL.regex && seconds > 24 * 60 * 60 {
        return Some("`24h` is the longest; `end` reports once, at the end".to_owned());
    }
    let units = [(60 * 60, "h"), (60, "m"), (1, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds % size == 0).filter(|_| seconds > 0)?;
    written(&format!("{}{unit}", seconds / size), form)
}

/// `4MiB` of `4194304`, where the bytes are a whole number of a unit; else the number with a unit it may have meant.
pub(super) fn with_unit(number: &str, form: &Pattern) -> Option<String> {
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
