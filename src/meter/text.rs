// SPDX-License-Identifier: MIT OR Apache-2.0
//! Series as text, format 0.0.4.
//!
//! ```text
//! # HELP ebpf_run_reads_took_seconds Reads of the database (`took`)
//! # TYPE ebpf_run_reads_took_seconds histogram
//! ebpf_run_reads_took_seconds_bucket{probe="reads",le="0.001"} 3
//! ebpf_run_reads_took_seconds_bucket{probe="reads",le="+Inf"} 4
//! ebpf_run_reads_took_seconds_count{probe="reads"} 4
//! ```
//!
//! The kernel counts what equals an edge above it, and `le` means "at most": of whole numbers it is the largest below the edge, of times
//! the edge itself, as a nanosecond more or less does not matter. There is no `_sum`: the kernel does not keep one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::name::BaseUnit;
use super::table::{Amount, Kind, Meter, Metric};
use crate::spec::Buckets;
use crate::words::shown;

/// One metric, of all probes whose series have its name.
struct Family {
    help: String,
    kind: &'static str,
    lines: String,
}

/// All series of these. Of metrics that have one name and are of different kinds, the first one is written.
pub fn exposition<'m>(meters: impl IntoIterator<Item = &'m Meter>) -> String {
    let mut families: BTreeMap<&str, Family> = BTreeMap::new();
    for meter in meters {
        let all: Vec<(String, &[Amount])> = meter.series().collect();
        for (at, metric) in meter.metrics.iter().enumerate() {
            let (kind, help) = (metric.kind.word(), shown(&metric.help).replace('\\', "\\\\"));
            let family = families.entry(&metric.name).or_insert(Family { help, kind, lines: String::new() });
            if family.kind == kind {
                let amounts = all.iter().filter_map(|(labels, amounts)| Some((labels.as_str(), amounts.get(at)?)));
                // Writing to a `String` cannot fail.
                let _ = series(metric, amounts.collect(), &mut family.lines);
            }
        }
    }
    let mut text = String::new();
    for (name, Family { help, kind, lines }) in families.iter().filter(|(_, family)| !family.lines.is_empty()) {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
    }
    text
}

impl Kind {
    fn word(&self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Sum | Self::Least | Self::Greatest | Self::Average => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

fn series(metric: &Metric, all: Vec<(&str, &Amount)>, out: &mut String) -> std::fmt::Result {
    let buckets = if let Kind::Histogram(buckets) = &metric.kind { Some(buckets) } else { None };
    let shown = buckets.map_or(0..0, |buckets| edges(buckets, &all));
    for (labels, amount) in all {
        match amount {
            Amount::Number(None) => {}
            Amount::Number(Some(number)) => writeln!(out, "{}{{{labels}}} {}", metric.name, metric.unit.text(*number))?,
            Amount::Counts(counts) => {
                let Some(buckets) = buckets else { continue };
                histogram(metric, labels, (buckets, counts), shown.clone(), out)?;
            }
        }
    }
    Ok(())
}

/// The buckets that all series of a histogram show: of powers of two those between which there is something, else all.
fn edges(buckets: &Buckets, all: &[(&str, &Amount)]) -> Range<usize> {
    let (mut first, mut end) = (buckets.count(), 0);
    for (_, amount) in all {
        let Amount::Counts(counts) = amount else { continue };
        for (bucket, _) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            (first, end) = (first.min(bucket), end.max(bucket + 1));
        }
    }
    match buckets {
        Buckets::PowersOfTwo => first.min(end)..end,
        Buckets::Linear { .. } | Buckets::Edges(_) => 0..buckets.count(),
    }
}

fn histogram(
    metric: &Metric,
    labels: &str,
    (buckets, counts): (&Buckets, &[u64]),
    shown: Range<usize>,
    out: &mut String,
) -> std::fmt::Result {
    let Metric { name, unit, .. } = metric;
    let mut sum = 0u64;
    for bucket in shown {
        sum = sum.saturating_add(counts.get(bucket).copied().unwrap_or(0));
        if let (_, Some(high)) = buckets.edges(bucket) {
            let most = if *unit == BaseUnit::Seconds { high } else { high - 1 };
            writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {sum}", unit.text(most))?;
        }
    }
    writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {sum}")?;
    writeln!(out, "{name}_count{{{labels}}} {sum}")
}
