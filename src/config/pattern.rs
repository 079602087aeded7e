// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms that the schema asks of texts: for editors as regular expressions, for us as functions.

use std::time::Duration;

/// One form. A test holds `regex` and `matches` against each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    /// What the schema publishes.
    pub(crate) regex: &'static str,
    /// The same, without a regex engine in the binary.
    pub(crate) matches: fn(&str) -> bool,
    /// What is expected, to be read after "must be".
    pub(crate) expected: &'static str,
}

impl Pattern {
    /// True for times.
    pub(crate) fn is_of_time(&self) -> bool {
        [DURATION.regex, INTERVAL.regex].contains(&self.regex)
    }
}

/// Most bytes of the name of a probe or sink.
pub(crate) const MAX_NAME_BYTES: usize = 64;

/// Name of a probe.
pub(crate) const NAME: Pattern = Pattern {
    regex: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    matches: is_name,
    expected: "1 to 64 letters, digits, `.`, `_` or `-`, and begin with a letter or digit",
};

/// `500ms`, `1s`, `2m`, `1h`.
pub(crate) const DURATION: Pattern = Pattern {
    regex: "^[1-9][0-9]{0,8}(ms|s|m|h)$",
    matches: |text| is_number_with(text, 9, &["ms", "s", "m", "h"]),
    expected: "a whole number with one of the units ms, s, m, h",
};

/// What stands for an interval that is the whole run.
pub(crate) const AT_THE_END: &str = "end";

/// `500ms`, `1s`, `end`.
pub(crate) const INTERVAL: Pattern = Pattern {
    regex: "^([1-9][0-9]{0,8}(ms|s|m|h)|end)$",
    matches: |text| text == AT_THE_END || is_number_with(text, 9, &["ms", "s", "m", "h"]),
    expected: "a whole number with one of the units ms, s, m, h",
};

/// `256KiB`, `2MiB`, `1GiB`.
pub(crate) const SIZE: Pattern = Pattern {
    regex: "^[1-9][0-9]{0,8}(KiB|MiB|GiB)$",
    matches: |text| is_number_with(text, 9, &["KiB", "MiB", "GiB"]),
    expected: "a whole number with one of the units KiB, MiB, GiB",
};

/// `1000/s`, `20/m`, `1/h`.
pub(crate) const RATE: Pattern = Pattern {
    regex: "^[1-9][0-9]{0,8}/(s|m|h)$",
    matches: |text| is_number_with(text, 9, &["/s", "/m", "/h"]),
    expected: "a number of events from 1 to 999999999, then `/s`, `/m` or `/h`",
};

/// `1/100`.
pub(crate) const SAMPLE: Pattern = Pattern {
    regex: "^1/[1-9][0-9]{0,6}$",
    matches: |text| text.strip_prefix("1/").is_some_and(|digits| is_number_with(digits, 7, &[""])),
    expected: "`1/N`, for one event in N, with N from 1 to 9999999",
};

/// `0640`.
pub(crate) const MODE: Pattern = Pattern {
    regex: "^0?6[0246][04]$",
    matches: |text| {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
        matches!(digits.as_bytes(), [b'6', b'0' | b'2' | b'4' | b'6', b'0' | b'4'])
    },
    expected: "an octal mode in which the owner reads and writes, others at most read, and nobody executes",
};

/// `syslog`, `syslog:adm`, `:adm`, `1000:1000`.
pub(crate) const OWNER: Pattern = Pattern {
    regex: "^([^:\\s]{1,256}(:[^:\\s]{1,256})?|:[^:\\s]{1,256})$",
    matches: is_owner,
    expected: "`user`, `user:group` or `:group`, by name or number",
};

/// `4f1c89a0b2`: the build id of a program or library.
pub(crate) const BUILD_ID: Pattern = Pattern {
    regex: "^([0-9A-Fa-f]{2}){4,64}$",
    matches: |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits && (8..=128).contains(&text.len()) && text.len() % 2 == 0
    },
    expected: "8 to 128 hexadecimal digits, two for each byte, as `readelf -n FILE` shows them",
};

/// Every form that the schema uses.
pub(crate) const ALL: &[Pattern] = &[NAME, DURATION, INTERVAL, SIZE, RATE, SAMPLE, MODE, OWNER, BUILD_ID];

fn is_owner(text: &str) -> bool {
    let is_name = |name: &str| (1..=256).contains(&name.chars().count()) && !name.contains(char::is_whitespace);
    match text.split_once(':') {
        None => is_name(text),
        Some(("", group)) => is_name(group) && !group.contains(':'),
        Some((user, group)) => is_name(user) && is_name(group) && !group.contains(':'),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_number_with(text: &str, most_digits: usize, units: &[&str]) -> bool {
    let (digits, unit) = split_unit(text);
    !digits.starts_with('0') && (1..=most_digits).contains(&digits.len()) && units.contains(&unit)
}

/// `("500", "ms")` of `500ms`.
pub(crate) fn split_unit(text: &str) -> (&str, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text.split_at(digits)
}

/// The time that a text of the form [`DURATION`] means; too large a number stands for the longest time there is.
pub(crate) fn duration(text: &str) -> Duration {
    let (digits, unit) = split_unit(text);
    let value: u64 = digits.parse().unwrap_or(u64::MAX);
    match unit {
        "ms" => Duration::from_millis(value),
        "m" => Duration::from_secs(value.saturating_mul(60)),
        "h" => Duration::from_secs(value.saturating_mul(60 * 60)),
        _seconds => Duration::from_secs(value),
    }
}

/// True for the words that code, JSON keys and `key=value` lines can carry: `[A-Za-z_][A-Za-z0-9_]*`.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
