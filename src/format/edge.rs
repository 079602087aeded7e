// SPDX-License-Identifier: MIT OR Apache-2.0
//! The edges of buckets as people read them: `8.19us`, `64KiB`, `512`. Never so short that two of them look alike.

use super::human::{HumanUnit, SIZE, Scale, TIME};

/// A bucket as text: `[8.19us, 16.4us)`, `< 0`, `>= 10ms`.
pub(super) fn ranges(edges: &[(Option<i128>, Option<i128>)], unit: HumanUnit) -> Vec<String> {
    let brief = |edge| text(edge, unit, Some(3));
    let is_clear = edges.iter().all(|(low, high)| low.is_none() || high.is_none() || low.map(brief) != high.map(brief));
    let digits = if is_clear { Some(3) } else { None };
    edges.iter().map(|(low, high)| range(*low, *high, |edge| text(edge, unit, digits))).collect()
}

fn range(low: Option<i128>, high: Option<i128>, text: impl Fn(i128) -> String) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("[{}, {})", text(low), text(high)),
        (Some(low), None) => format!(">= {}", text(low)),
        (None, Some(high)) => format!("< {}", text(high)),
        (None, None) => "all".to_owned(),
    }
}

/// `digits`: how many of them are enough for a time; `None`: all.
fn text(edge: i128, unit: HumanUnit, digits: Option<usize>) -> String {
    let sign = if edge < 0 { "-" } else { "" };
    let number = edge.unsigned_abs();
    let text = match unit {
        HumanUnit::Ns => time(number, digits),
        HumanUnit::Bytes => size(number, SIZE),
        HumanUnit::None => size(number, COUNT),
    };
    format!("{sign}{text}")
}

/// Powers of two from a million on, which are long to read.
const COUNT: Scale = &[("", 1), ("Ki", 1024), ("Mi", 1024), ("Gi", 1024), ("Ti", 1024), ("Pi", 1024), ("Ei", 1024)];
/// What is less is read at a glance.
const SHORT: u128 = 1_000_000;

/// In the largest unit that it is a whole number of. Plain numbers stay digits as long as they are short.
fn size(number: u128, scale: Scale) -> String {
    let is_plain = scale.first().is_some_and(|(name, _)| name.is_empty()) && number < SHORT;
    let (mut number, mut name) = (number, scale.first().map_or("", |(name, _)| name));
    for (next, factor) in scale.iter().skip(1) {
        if is_plain || number == 0 || !number.is_multiple_of(u128::from(*factor)) {
            break;
        }
        (number, name) = (number / u128::from(*factor), next);
    }
    format!("{number}{name}")
}

/// In the largest unit of which there is one or more; of minutes and hours only whole ones.
fn time(ns: u128, digits: Option<usize>) -> String {
    let (mut size, mut name) = (1u128, "ns");
    for (next, factor) in TIME.iter().skip(1) {
        let larger = size * u128::from(*factor);
        let is_decimal = *factor == 1000;
        if ns < larger || !is_decimal && !ns.is_multiple_of(larger) {
            break;
        }
        (size, name) = (larger, next);
    }
    let whole = ns / size;
    let places = size.ilog10() as usize;
    let fraction = if is_power_of_ten(size) { format!("{:0places$}", ns % size) } else { String::new() };
    let rounded = digits.map(|digits| digits.saturating_sub(whole.to_string().len()));
    match rounded {
        Some(places) if places < fraction.len() => {
            let unit = 10u128.pow(places as u32);
            let scaled = (ns * unit + size / 2) / size;
            let fraction = if places == 0 { String::new() } else { format!("{:0places$}", scaled % unit) };
            joined(scaled / unit, &fraction, name)
        }
        Some(_) | None => joined(whole, &fraction, name),
    }
}

fn joined(whole: u128, fraction: &str, name: &str) -> String {
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{name}"),
        fraction => format!("{whole}.{fraction}{name}"),
    }
}

/// False for minutes and hours.
fn is_power_of_ten(size: u128) -> bool {
    10u128.pow(size.ilog10()) == size
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times with three digits, sizes and numbers whole, open ends by a comparison.
    #[test]
    fn edges() {
        let one = |low: i64, high: i64, unit| ranges(&[(Some(low.into()), Some(high.into()))], unit).concat();
        for (low, high, expected) in [
            (8192, 16384, "[8.19us, 16.4us)"),
            (0, 1, "[0ns, 1ns)"),
            (512, 1024, "[512ns, 1.02us)"),
            (1_000_000, 10_000_000, "[1ms, 10ms)"),
            (1_500_000, 999_999_999, "[1.5ms, 1000ms)"),
            (1 << 35, 1 << 36, "[34.4s, 68.7s)"),
            (60_000_000_000, 3_600_000_000_000, "[1m, 1h)"),
            (-2000, -1, "[-2us, -1ns)"),
            (1_000_100, 1_000_200, "[1.0001ms, 1.0002ms)"),
        ] {
            assert_eq!(one(low, high, HumanUnit::Ns), expected);
        }
        for (low, high, expected) in
            [(0, 512, "[0B, 512B)"), (4096, 8192, "[4KiB, 8KiB)"), (1000, 1 << 40, "[1000B, 1TiB)")]
        {
            assert_eq!(one(low, high, HumanUnit::Bytes), expected);
        }
        assert_eq!(one(64, 1024, HumanUnit::None), "[64, 1024)");
        assert_eq!(one(1 << 20, 1 << 62, HumanUnit::None), "[1Mi, 4Ei)");
        let open = ranges(&[(None, Some(0)), (Some(10_000_000), None)], HumanUnit::Ns);
        assert_eq!(open, ["< 0ns", ">= 10ms"]);
    }
}
