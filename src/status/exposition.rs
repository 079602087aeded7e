// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes metrics as text, with `prometheus-client`: through a collector, since its own counters live in a registry, and the series
//! of a snapshot come and go with the files.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric as _, GaugeValueEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::words::{distinct, shown};

/// Begins the name of every metric, before a `_`.
pub(super) const PREFIX: &str = "ebpf_run";

/// One metric with its values.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
    pub(super) series: Series,
}

/// The values of one metric, by labels. Values of the same labels are added, as for two formats on standard output: Prometheus
/// refuses a scrape with two series of the same labels.
#[derive(Debug, Default)]
pub(super) struct Series(BTreeMap<Vec<(&'static str, String)>, f64>);

impl Series {
    /// Adds a value to the series with these labels.
    pub(super) fn add(&mut self, labels: &[(&'static str, &str)], value: f64) {
        let label = |&(name, value): &(&'static str, &str)| match name {
            // A path is distinct in the snapshot.
            "file" => (name, harmless(value)),
            _ => (name, harmless(&distinct(value.as_bytes()))),
        };
        *self.0.entry(labels.iter().map(label).collect()).or_default() += value;
    }
}

/// The value of a label. The encoder escapes backslashes, quotes and newlines. The format has no escape for other characters that act
/// on a terminal: they are written out, and no two values become the same.
fn harmless(value: &str) -> String {
    let lines: Vec<_> = value.split('\n').map(shown).collect();
    lines.join("\n")
}

/// All metrics of a snapshot.
#[derive(Debug)]
struct Snapshot(Vec<Family>);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, kind, series } in self.0.iter().filter(|family| !family.series.0.is_empty()) {
            let mut family = encoder.encode_descriptor(name, help, None, *kind)?;
            for (labels, value) in &series.0 {
                // Counters too: the encoder for counters leaves `_total` out of the HELP and TYPE lines, as in OpenMetrics, and in
                // this format those lines would describe another metric.
                ConstGauge::new(Number(*value)).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

/// A value; a whole number is written without a fraction.
#[derive(Debug, Clone, Copy)]
struct Number(f64);

impl EncodeGaugeValue for Number {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        let whole = self.0 as u64;
        if whole as f64 == self.0 { whole.encode(encoder) } else { self.0.encode(encoder) }
    }
}

/// The text of all metrics that have series.
pub(super) fn exposition(families: Vec<Family>) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Snapshot(families)));
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = text::encode(&mut text, &registry);
    text
}
