// SPDX-License-Identifier: MIT OR Apache-2.0
//! What metrics are called: `ebpf_run_PROBE_TABLE_VALUE`, with the base unit and `_total` as Prometheus has them.

/// Begins the name of every metric.
const PREFIX: &str = "ebpf_run";

/// What the numbers of a metric count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseUnit {
    None,
    /// Nanoseconds here, seconds there.
    Seconds,
    Bytes,
}

impl BaseUnit {
    fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "_seconds",
            Self::Bytes => "_bytes",
        }
    }

    /// A number in the base unit, as text.
    pub(super) fn text(self, number: i128) -> String {
        match self {
            Self::None | Self::Bytes => number.to_string(),
            Self::Seconds => (number as f64 / 1e9).to_string(),
        }
    }
}

/// `total`: it counts.
pub(super) fn metric_name(probe: &str, table: Option<&str>, value: &str, unit: BaseUnit, total: bool) -> String {
    let words = [Some(PREFIX), Some(probe), table, Some(value)];
    let mut name = words.into_iter().flatten().map(fit).collect::<Vec<_>>().join("_");
    let plain = name.strip_suffix("_total").unwrap_or(&name).len();
    name.truncate(plain);
    if !name.ends_with(unit.suffix()) {
        name.push_str(unit.suffix());
    }
    if total {
        name.push_str("_total");
    }
    name
}

/// The same for the n-th value whose name would be this one.
pub(super) fn numbered(name: &str, unit: BaseUnit, n: usize) -> String {
    let (name, total) = name.strip_suffix("_total").map_or((name, ""), |name| (name, "_total"));
    let (name, unit) = name.strip_suffix(unit.suffix()).map_or((name, ""), |name| (name, unit.suffix()));
    format!("{name}_{n}{unit}{total}")
}

/// In small letters, digits and single `_`.
fn fit(word: &str) -> String {
    let word: String =
        word.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    word.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units and `_total` stand once, at the end.
    #[test]
    fn names() {
        let name = |value, unit, total| metric_name("Disk-reads", None, value, unit, total);
        assert_eq!(name("calls", BaseUnit::None, true), "ebpf_run_disk_reads_calls_total");
        assert_eq!(name("read_bytes_total", BaseUnit::Bytes, true), "ebpf_run_disk_reads_read_bytes_total");
        assert_eq!(name("took", BaseUnit::Seconds, false), "ebpf_run_disk_reads_took_seconds");
        assert_eq!(metric_name("a", Some("by size"), "n", BaseUnit::None, true), "ebpf_run_a_by_size_n_total");
        assert_eq!(
            numbered(&name("took", BaseUnit::Seconds, true), BaseUnit::Seconds, 2),
            "ebpf_run_disk_reads_took_2_seconds_total"
        );
        assert_eq!(numbered(&name("calls", BaseUnit::None, false), BaseUnit::None, 3), "ebpf_run_disk_reads_calls_3");
        assert_eq!(BaseUnit::Seconds.text(8192), "0.000008192");
    }
}
