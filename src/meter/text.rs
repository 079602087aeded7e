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

use std::collections::{BTreeMap, HashMap};
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

/// The names of lines that a probe has, each with the table whose it is, and what that calls its metric.
type Taken<'m> = HashMap<(&'m str, String), (Option<&'m str>, &'m str)>;

/// What a metric is called beside those of the other tables of its probe: the table `a` can have a value `b_c` and the table `a_b` a
/// value `c`.
fn name_beside<'m>(meter: &'m Meter, metric: &'m Metric, taken: &mut Taken<'m>) -> String {
    let (probe, table) = meter.of();
    let whose = (table, metric.name.as_str());
    let is_of_another = |name: &str| taken.get(&(probe, name.to_owned())).is_some_and(|of| *of != whose);
    let name = metric.free_name(is_of_another);
    taken.extend(metric.names_of(&name).map(|line| ((probe, line), whose)));
    name
}

/// All series of these. Of metrics that have one name and are of different kinds, the first one is written.
pub fn exposition<'m>(meters: impl IntoIterator<Item = &'m Meter>) -> String {
    let mut meters: Vec<&Meter> = meters.into_iter().collect();
    // Names are the same each time, whichever table was there first.
    meters.sort_by_key(|meter| meter.of());
    let (mut families, mut taken) = (BTreeMap::<String, Family>::new(), Taken::new());
    for meter in meters {
        let all: Vec<(String, &[Amount])> = meter.series().collect();
        for (at, metric) in meter.metrics.iter().enumerate() {
            let name = name_beside(meter, metric, &mut taken);
            let (kind, help) = (metric.kind.word(), shown(&metric.help).replace('\\', "\\\\"));
            let family = families.entry(name.clone()).or_insert(Family { help, kind, lines: String::new() });
            if family.kind == kind {
                let amounts = all.iter().filter_map(|(labels, amounts)| Some((labels.as_str(), amounts.get(at)?)));
                // Writing to a `String` cannot fail.
                let _ = series((&name, metric), amounts.collect(), &mut family.lines);
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

fn series((name, metric): (&str, &Metric), all: Vec<(&str, &Amount)>, out: &mut String) -> std::fmt::Result {
    let buckets = if let Kind::Histogram(buckets) = &metric.kind { Some(buckets) } else { None };
    let shown = buckets.map_or(0..0, |buckets| edges(buckets, &all));
    for (labels, amount) in all {
        match amount {
            Amount::Number(None) => {}
            Amount::Number(Some(number)) => writeln!(out, "{name}{{{labels}}} {}", metric.unit.text(*number))?,
            Amount::Counts(counts) => {
                let Some(buckets) = buckets else { continue };
                histogram((name, metric.unit), labels, (buckets, counts), shown.clone(), out)?;
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
    (name, unit): (&str, BaseUnit),
    labels: &str,
    (buckets, counts): (&Buckets, &[u64]),
    shown: Range<usize>,
    out: &mut String,
) -> std::fmt::Result {
    let mut sum = 0u64;
    for bucket in shown {
        sum = sum.saturating_add(counts.get(bucket).copied().unwrap_or(0));
        if let (_, Some(high)) = buckets.edges(bucket) {
            let most = if unit == BaseUnit::Seconds { high } else { high - 1 };
            writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {sum}", unit.text(most))?;
        }
    }
    writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {sum}")?;
    writeln!(out, "{name}_count{{{labels}}} {sum}")
}
