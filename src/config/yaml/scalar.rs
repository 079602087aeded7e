// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a plain scalar means (YAML 1.2, section 10.3.2: the core schema).

/// A plain scalar, resolved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    /// Empty, `null`, `~`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer from the least i64 to the greatest u64.
    Int(i128),
    /// An integer outside of that.
    TooLarge,
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Anything else: `yes`, `10s`, `1.2.3`.
    Text,
}

/// Resolves a plain scalar: `resolve("0x1f")` is `Int(31)`, `resolve("yes")` is `Text`.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        _other => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return integer(digits, 16, false);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return integer(digits, 8, false);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Text;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(unsigned, 10, text.starts_with('-'));
    }
    if is_float(unsigned) { text.parse().map_or(Plain::Text, Plain::Float) } else { Plain::Text }
}

fn integer(digits: &str, radix: u32, negative: bool) -> Plain {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Plain::Text;
    }
    let Ok(magnitude) = i128::from_str_radix(digits, radix) else { return Plain::TooLarge };
    let value = if negative { -magnitude } else { magnitude };
    if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) { Plain::Int(value) } else { Plain::TooLarge }
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, without the sign.
fn is_float(text: &str) -> bool {
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_ok = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    mantissa_ok && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::{Plain, resolve};

    /// Plain scalars mean what the core schema of YAML 1.2 says, with the full range of i64 and u64.
    #[test]
    fn core_schema() {
        for (text, expected) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("True", Plain::Bool(true)),
            ("yes", Plain::Text),
            ("on", Plain::Text),
            ("0", Plain::Int(0)),
            ("-0", Plain::Int(0)),
            ("007", Plain::Int(7)),
            ("+12", Plain::Int(12)),
            ("0x1F", Plain::Int(31)),
            ("0o17", Plain::Int(15)),
            ("-0x1", Plain::Text),
            ("0x", Plain::Text),
            ("0x+1", Plain::Text),
            ("18446744073709551615", Plain::Int(i128::from(u64::MAX))),
            ("18446744073709551616", Plain::TooLarge),
            ("-9223372036854775808", Plain::Int(i128::from(i64::MIN))),
            ("-9223372036854775809", Plain::TooLarge),
            ("1.5", Plain::Float(1.5)),
            ("1.", Plain::Float(1.0)),
            (".5e+1", Plain::Float(5.0)),
            (".", Plain::Text),
            ("-", Plain::Text),
            ("1e", Plain::Text),
            ("10s", Plain::Text),
            ("1.2.3", Plain::Text),
            ("1_000", Plain::Text),
            ("infinity", Plain::Text),
        ] {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
    }
}
