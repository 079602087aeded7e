// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of expressions: `42`, `0x1f`, `0o17`, `10ms`, `64KiB`.

use std::ops::Range;

use super::error::{ExprError, error};
use super::token::Tok;

/// Units of time, in nanoseconds.
const TIMES: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Units of size, in bytes.
const SIZES: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// How other tools spell units.
const OTHER_UNITS: &[(&str, &[&str])] = &[
    ("ns", &["nsec", "nsecs", "nanos"]),
    ("us", &["usec", "usecs", "micros", "µs"]),
    ("ms", &["msec", "msecs", "millis"]),
    ("s", &["sec", "secs", "second", "seconds", "S"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours", "H"]),
    ("KiB", &["K", "KB", "kB", "k", "kb", "kib", "Ki"]),
    ("MiB", &["M", "MB", "mb", "mib", "Mi"]),
    ("GiB", &["G", "GB", "g", "gb", "gib", "Gi"]),
];

/// The number at the beginning of `text`, which stands at `at` in the expression, and the bytes that it takes.
pub(super) fn number(text: &str, at: usize) -> (Tok, usize) {
    if let Some(length) = address(text) {
        let message = format!("`{}` is an address, not a number", &text[..length]);
        let help = format!("write it as a text: `\"{}\"`", &text[..length]);
        return (Tok::Bad(error(at..at + length, message, help)), length);
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let fraction = text[length..].strip_prefix('.').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if let Some(rest) = fraction {
        let length = length + 1 + rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        return (Tok::Bad(fractional(&text[..length], at..at + length)), length);
    }
    let word = &text[..length];
    (value(word, at..at + length).unwrap_or_else(Tok::Bad), length)
}

/// Bytes of an IPv4 or IPv6 address at the beginning of a text, with its prefix.
fn address(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !c.is_ascii_hexdigit() && !"./:".contains(c)).unwrap_or(text.len());
    let word = text[..length].trim_end_matches(['.', ':', '/']);
    let alone = word.split_once('/').map_or(word, |(alone, _)| alone);
    let is_address = alone.parse::<core::net::IpAddr>().is_ok();
    if is_address { Some(word.len()) } else { None }
}

/// `1.5s`
fn fractional(word: &str, range: Range<usize>) -> ExprError {
    let unit_at = word.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(word.len());
    let (digits, unit) = word.split_at(unit_at);
    let smaller = match unit {
        "s" => Some("ms"),
        "ms" => Some("us"),
        "us" => Some("ns"),
        _other => None,
    };
    let count =
        digits.parse::<f64>().ok().map(|count| count * 1000.0).filter(|count| *count < 1e15 && count.fract() == 0.0);
    let help = match (smaller, count) {
        (Some(smaller), Some(count)) => format!("write `{count}{smaller}`"),
        (None | Some(_), _) => "numbers are whole: choose a smaller unit".to_owned(),
    };
    error(range, format!("`{word}` has a fraction"), help)
}

fn value(word: &str, range: Range<usize>) -> Result<Tok, ExprError> {
    let based = match (word.get(..2), word.get(2..)) {
        (Some("0x" | "0X"), Some(digits)) => Some((digits, 16)),
        (Some("0o" | "0O"), Some(digits)) => Some((digits, 8)),
        (Some(_) | None, _) => None,
    };
    if let Some((digits, base)) = based {
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base));
        return match u64::from_str_radix(digits, base) {
            Ok(number) => Ok(Tok::Number(number)),
            Err(_) if is_number => Err(too_large(word, range)),
            Err(_) => Err(not_a_number(word, range)),
        };
    }
    let digits_end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (digits, unit) = word.split_at(digits_end);
    if digits.len() > 1 && digits.starts_with('0') {
        let decimal = digits.trim_start_matches('0');
        let help =
            format!("write `0o{decimal}` for octal, `{}` for decimal", if decimal.is_empty() { "0" } else { decimal });
        return Err(error(range, format!("`{word}` begins with 0"), help));
    }
    let Ok(count) = digits.parse::<u64>() else { return Err(too_large(word, range)) };
    if unit.is_empty() {
        return Ok(Tok::Number(count));
    }
    let in_unit =
        |units: &[(&str, u64)]| units.iter().find(|(name, _)| *name == unit).map(|(_, size)| count.checked_mul(*size));
    match (in_unit(TIMES), in_unit(SIZES)) {
        // Durations are signed: 292 years.
        (Some(ns), _) => {
            ns.filter(|ns| i64::try_from(*ns).is_ok()).map(Tok::Duration).ok_or_else(|| too_large(word, range))
        }
        (None, Some(bytes)) => bytes.map(Tok::Number).ok_or_else(|| too_large(word, range)),
        (None, None) => Err(unknown_unit(digits, unit, range)),
    }
}

fn too_large(word: &str, range: Range<usize>) -> ExprError {
    error(range, format!("`{word}` is too large"), "numbers have 64 bits: at most 18446744073709551615")
}

fn not_a_number(word: &str, range: Range<usize>) -> ExprError {
    error(range, format!("`{word}` is not a number"), "numbers are `42`, `0x1f`, `0o17`, `10ms`, `64KiB`")
}

fn unknown_unit(digits: &str, unit: &str, range: Range<usize>) -> ExprError {
    let ours = OTHER_UNITS.iter().find(|(_, others)| others.contains(&unit)).map(|(ours, _)| *ours);
    let message = format!("`{digits}{unit}` has no unit of this language");
    match (ours, unit) {
        (Some(ours), _) => error(range, message, format!("write `{digits}{ours}`")),
        (None, "d" | "day" | "days") => error(range, message, "the largest unit is `h`: a day is `24h`"),
        (None, "u" | "U" | "l" | "L" | "ul" | "UL" | "ull" | "ULL" | "LL") => {
            error(range, format!("`{digits}{unit}` is a number of C"), format!("write `{digits}`"))
        }
        (None, _) if unit.starts_with('b') && digits == "0" => {
            error(range, "numbers cannot be written in binary", "write them in hexadecimal: `0x1f`")
        }
        (None, _) => error(range, message, "units are ns, us, ms, s, m, h and KiB, MiB, GiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;
    use crate::expr::token::Tok;

    /// Units, bases and limits.
    #[test]
    fn good_and_bad() {
        for (text, expected) in [
            ("42", Tok::Number(42)),
            ("0x1f", Tok::Number(31)),
            ("0o17", Tok::Number(15)),
            ("64KiB", Tok::Number(65536)),
            ("10ms", Tok::Duration(10_000_000)),
            ("18446744073709551615", Tok::Number(u64::MAX)),
        ] {
            assert_eq!(number(text, 0), (expected, text.len()));
        }
        for (text, help) in [
            ("017", "write `0o17` for octal, `17` for decimal"),
            ("1.5s", "write `1500ms`"),
            ("10sec", "write `10s`"),
            ("64KB", "write `64KiB`"),
            ("10.0.0.0/8", "write it as a text: `\"10.0.0.0/8\"`"),
            ("18446744073709551616", "numbers have 64 bits: at most 18446744073709551615"),
            ("0b11", "write them in hexadecimal: `0x1f`"),
            ("1ULL", "write `1`"),
        ] {
            let (Tok::Bad(error), length) = number(text, 0) else { panic!("{text}") };
            assert_eq!((error.help.as_deref(), length), (Some(help), text.len()));
        }
    }
}
