// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as people read them: `7.1ms`, `4.0KiB`, `300,000`.

use std::time::Duration;

/// What a field's `unit` means for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HumanUnit {
    /// A plain number.
    None,
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
}

/// A name and how many of the unit before it make one.
pub(super) type Scale = &'static [(&'static str, u64)];

pub(super) const TIME: Scale = &[("ns", 1), ("us", 1000), ("ms", 1000), ("s", 1000), ("m", 60), ("h", 60)];
pub(super) const SIZE: Scale = &[("B", 1), ("KiB", 1024), ("MiB", 1024), ("GiB", 1024), ("TiB", 1024), ("PiB", 1024)];

impl HumanUnit {
    /// The unit that a [`crate::spec::Field`] names; one that is not known changes nothing.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "ns" => Self::Ns,
            "bytes" => Self::Bytes,
            _ => Self::None,
        }
    }

    /// Appends `value`, with one decimal digit once it is larger than the smallest unit.
    pub(super) fn unsigned(self, value: u64, out: &mut Vec<u8>) {
        match self {
            Self::None => decimal(value, out),
            Self::Ns => scaled(value, TIME, out),
            Self::Bytes => scaled(value, SIZE, out),
        }
    }

    /// The same for a signed value.
    pub(super) fn signed(self, value: i64, out: &mut Vec<u8>) {
        if value < 0 {
            out.push(b'-');
        }
        self.unsigned(value.unsigned_abs(), out);
    }
}

/// Appends the decimal digits.
#[inline]
pub(super) fn decimal(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// `1s`, `500ms`, `1.5s`: without a decimal digit where it would be 0.
pub(super) fn duration(duration: Duration) -> String {
    let mut out = Vec::new();
    scaled(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), TIME, &mut out);
    String::from_utf8_lossy(&out).replacen(".0", "", 1)
}

/// `1,234,567`.
pub(super) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Takes the largest unit of which there is one or more after rounding to tenths.
fn scaled(value: u64, scale: Scale, out: &mut Vec<u8>) {
    let mut size = 1u64;
    let (mut tenths, mut name) = (u128::from(value) * 10, scale.first().map_or("", |unit| unit.0));
    for &(next, factor) in scale.iter().skip(1) {
        if tenths < u128::from(factor) * 10 {
            break;
        }
        size *= factor;
        tenths = (u128::from(value) * 10 + u128::from(size / 2)) / u128::from(size);
        name = next;
    }
    decimal(tenths / 10, out);
    if size > 1 {
        out.push(b'.');
        decimal(tenths % 10, out);
    }
    out.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unit: HumanUnit, value: i64) -> String {
        let mut out = Vec::new();
        unit.signed(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Each unit begins where one of it is reached, rounding included.
    #[test]
    fn units() {
        for (ns, expected) in [
            (0, "0ns"),
            (999, "999ns"),
            (1000, "1.0us"),
            (7_123_456, "7.1ms"),
            (999_949, "999.9us"),
            (999_950, "1.0ms"),
            (59_900_000_000, "59.9s"),
            (90_000_000_000, "1.5m"),
            (5_400_000_000_000, "1.5h"),
            (-7_123_456, "-7.1ms"),
        ] {
            assert_eq!(text(HumanUnit::Ns, ns), expected);
        }
        for (bytes, expected) in [(0, "0B"), (1023, "1023B"), (4096, "4.0KiB"), (1 << 30, "1.0GiB")] {
            assert_eq!(text(HumanUnit::Bytes, bytes), expected);
        }
        assert_eq!(text(HumanUnit::None, -14), "-14");
        let mut out = Vec::new();
        HumanUnit::Bytes.unsigned(u64::MAX, &mut out);
        assert_eq!(out, b"16384.0PiB");
    }

    /// An interval reads as a person would write it.
    #[test]
    fn intervals() {
        assert_eq!(duration(Duration::from_secs(1)), "1s");
        assert_eq!(duration(Duration::from_millis(500)), "500ms");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5s");
        assert_eq!(duration(Duration::MAX), "5124095.6h");
    }

    /// Groups of three, from the right.
    #[test]
    fn groups_of_three() {
        for (value, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(value), expected);
        }
    }
}
