// SPDX-License-Identifier: MIT OR Apache-2.0
//! The series of one table: rows are added up by their keys.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use super::label::{label_name, label_value, unique};
use super::name::{BaseUnit, metric_name, numbered};
use crate::format::plain;
use crate::record::{FieldValue, RecordPlan, Rows};
use crate::spec::{Buckets, Field, FieldType, Layout, Statistic};
use crate::status::is_own_metric;

/// Most series of a table, the rest of them not counted.
const MOST_SERIES: usize = 1000;
/// Most lines of a table: fewer series of histograms with many buckets.
const MOST_LINES: usize = 100_000;
/// What stands for the keys of all rows for which there is no room.
const OTHER: &str = "other";

/// What a table is of. Two that are equal are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterOf {
    /// The probe.
    pub probe: String,
    /// What it is attached to, with the name of the label: `interface`, `eth0`.
    pub target: Option<(String, String)>,
    /// Its constant labels.
    pub labels: Vec<(String, String)>,
    /// What it is for, in the words of its file; empty where nothing is said.
    pub description: String,
}

/// The series of one table.
#[derive(Debug)]
pub struct Meter {
    of: MeterOf,
    layout: Layout,
    plan: RecordPlan,
    pub(super) metrics: Vec<Metric>,
    /// The names of the labels that keys make.
    keys: Vec<String>,
    /// `probe="reads",env="prod"`, as they stand in every series.
    constant: String,
    series: BTreeMap<Vec<String>, Vec<Amount>>,
    most: usize,
}

/// One value of a table.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) unit: BaseUnit,
    pub(super) kind: Kind,
}

/// How values of several rows come together, and what Prometheus calls that.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Grows.
    Counter,
    /// A sum of what may be negative.
    Sum,
    /// The least of an interval.
    Least,
    /// The greatest of an interval.
    Greatest,
    /// What cannot be told of several rows together.
    Average,
    Histogram(Arc<Buckets>),
}

/// What was counted in one series for one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Amount {
    /// `None`: nothing in the last interval.
    Number(Option<i128>),
    Counts(Vec<u64>),
}

impl Meter {
    /// An empty one for rows of this layout.
    pub fn new(of: MeterOf, layout: &Layout) -> Self {
        let sample = layout.sample.as_ref();
        let keys = sample.map_or(0, |sample| sample.keys).min(layout.fields.len());
        let mut names = vec!["probe".to_owned()];
        let mut constant = format!("probe=\"{}\"", label_value(of.probe.as_bytes()));
        let key_fields = &layout.fields[..keys];
        // What a key says is said.
        let target = of.target.iter().filter(|(word, _)| !key_fields.iter().any(|field| field.name == *word));
        for (name, value) in of.labels.iter().chain(target) {
            let name = unique(label_name(name), &names);
            constant += &format!(",{name}=\"{}\"", label_value(value.as_bytes()));
            names.push(name);
        }
        let start = names.len();
        for field in key_fields {
            let name = unique(label_name(&field.name), &names);
            names.push(name);
        }
        let metrics = metrics(&of, layout);
        let lines: usize = metrics.iter().map(Metric::lines).sum();
        let most = (MOST_LINES / lines.max(1)).clamp(1, MOST_SERIES);
        Self {
            of,
            layout: layout.clone(),
            plan: RecordPlan::new(layout),
            metrics,
            keys: names.split_off(start),
            constant,
            series: BTreeMap::new(),
            most,
        }
    }

    /// True for the one of these, whatever is said of it.
    pub fn is_of(&self, of: &MeterOf, layout: &Layout) -> bool {
        let same = self.of.probe == of.probe && self.of.target == of.target && self.of.labels == of.labels;
        same && self.layout == *layout
    }

    /// From now on this is said of it.
    pub fn describe(&mut self, of: MeterOf) {
        self.of = of;
        self.metrics = metrics(&self.of, &self.layout);
    }

    /// Adds what was counted in an interval, what `top` left out as well.
    pub fn add(&mut self, rows: &Rows) {
        if self.layout.sample.as_ref().is_some_and(|sample| sample.cumulative) {
            self.series.clear();
        }
        for amounts in self.series.values_mut() {
            self.metrics.iter().zip(amounts).for_each(|(metric, amount)| metric.begin(amount));
        }
        let (plan, keys) = (&self.plan, self.keys.len());
        for row in rows.rows.iter().chain(&rows.rest) {
            let record = plan.record(row);
            let labels: Vec<String> = plan.fields()[..keys].iter().map(|key| label(record.value(key))).collect();
            let room = self.series.len() < self.most || keys == 0 || self.series.contains_key(&labels);
            let labels = if room { labels } else { vec![OTHER.to_owned(); keys] };
            let metrics = &self.metrics;
            let amounts = self.series.entry(labels).or_insert_with(|| metrics.iter().map(Metric::nothing).collect());
            for ((metric, amount), field) in metrics.iter().zip(amounts).zip(&plan.fields()[keys..]) {
                metric.add(amount, record.value(field), room);
            }
        }
    }

    /// The probe and the table.
    pub(super) fn of(&self) -> (&str, Option<&str>) {
        (&self.of.probe, self.layout.table())
    }

    /// Labels and amounts of each series.
    pub(super) fn series(&self) -> impl Iterator<Item = (String, &[Amount])> {
        self.series.iter().map(|(values, amounts)| {
            let mut labels = self.constant.clone();
            for (name, value) in self.keys.iter().zip(values) {
                labels += &format!(",{name}=\"{value}\"");
            }
            (labels, amounts.as_slice())
        })
    }
}

fn metrics(of: &MeterOf, layout: &Layout) -> Vec<Metric> {
    let Some(sample) = &layout.sample else { return Vec::new() };
    let mut all: Vec<Metric> = Vec::new();
    for (field, statistic) in layout.fields.iter().skip(sample.keys).zip(&sample.statistics) {
        let metric = Metric::new(of, layout.table(), field, statistic);
        // `c` and `c_total`, `h` and `h_bucket`: two values, whatever becomes of their names.
        let is_taken = |name: &str| is_own_metric(name) || all.iter().any(|known| known.names().any(|own| own == name));
        let name = metric.free_name(is_taken);
        all.push(Metric { name, ..metric });
    }
    all
}

fn label(value: FieldValue<'_>) -> String {
    let mut text = Vec::new();
    plain(value, &mut text);
    label_value(&text)
}

impl Metric {
    fn new(of: &MeterOf, table: Option<&str>, field: &Field, statistic: &Statistic) -> Self {
        let kind = match statistic {
            Statistic::Count => Kind::Counter,
            Statistic::Sum if field.kind == FieldType::Signed => Kind::Sum,
            Statistic::Sum => Kind::Counter,
            Statistic::Min => Kind::Least,
            Statistic::Max => Kind::Greatest,
            Statistic::Average => Kind::Average,
            Statistic::Histogram(buckets) => Kind::Histogram(Arc::new(buckets.clone())),
        };
        let unit = match (&field.kind, field.unit.as_str()) {
            (_, "ns") | (FieldType::Duration, _) => BaseUnit::Seconds,
            (_, "bytes") => BaseUnit::Bytes,
            (_, _) => BaseUnit::None,
        };
        let help = match (of.description.is_empty(), field.doc.is_empty()) {
            (false, _) => format!("{} (`{}`)", of.description.trim_end_matches('.'), field.name),
            (true, false) => field.doc.clone(),
            (true, true) => format!("`{}` of the probe `{}`", field.name, of.probe),
        };
        let name = metric_name(&of.probe, table, &field.name, unit, kind == Kind::Counter);
        Self { name, help, unit, kind }
    }

    /// Its name, or the first one after that of whose lines none has a name that is taken.
    pub(super) fn free_name(&self, is_taken: impl Fn(&str) -> bool) -> String {
        let numbered = (2..).map(|n| numbered(&self.name, self.unit, n));
        let mut names = iter::once(self.name.clone()).chain(numbered);
        names.find(|name| !self.names_of(name).any(|name| is_taken(&name))).unwrap_or_default()
    }

    /// The names of its lines.
    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.names_of(&self.name)
    }

    /// The same if it had this name.
    pub(super) fn names_of<'n>(&self, name: &'n str) -> impl Iterator<Item = String> + use<'n> {
        let parts: &[&str] = match &self.kind {
            Kind::Histogram(_) => &["", "_bucket", "_count", "_sum"],
            Kind::Counter | Kind::Sum | Kind::Least | Kind::Greatest | Kind::Average => &[""],
        };
        parts.iter().map(move |part| format!("{name}{part}"))
    }

    /// Lines of one series.
    fn lines(&self) -> usize {
        match &self.kind {
            Kind::Counter | Kind::Sum | Kind::Least | Kind::Greatest | Kind::Average => 1,
            Kind::Histogram(buckets) => buckets.count() + 1,
        }
    }

    fn nothing(&self) -> Amount {
        match &self.kind {
            Kind::Counter | Kind::Sum => Amount::Number(Some(0)),
            Kind::Least | Kind::Greatest | Kind::Average => Amount::Number(None),
            Kind::Histogram(buckets) => Amount::Counts(vec![0; buckets.count()]),
        }
    }

    /// A new interval begins.
    fn begin(&self, amount: &mut Amount) {
        match self.kind {
            Kind::Counter | Kind::Sum | Kind::Histogram(_) => {}
            Kind::Least | Kind::Greatest | Kind::Average => *amount = Amount::Number(None),
        }
    }

    /// `alone`: no other row belongs to the series.
    fn add(&self, amount: &mut Amount, value: FieldValue<'_>, alone: bool) {
        match amount {
            Amount::Counts(counts) => {
                let FieldValue::Histogram(histogram) = value else { return };
                counts.iter_mut().zip(&histogram.counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
            }
            Amount::Number(known) => {
                let Some(number) = value.number() else { return };
                *known = match (&self.kind, *known) {
                    (Kind::Counter | Kind::Sum, Some(sum)) => Some(sum.saturating_add(number)),
                    (Kind::Least, Some(least)) => Some(least.min(number)),
                    (Kind::Greatest, Some(greatest)) => Some(greatest.max(number)),
                    (Kind::Average, _) => Some(number).filter(|_| alone),
                    (Kind::Counter | Kind::Sum | Kind::Least | Kind::Greatest | Kind::Histogram(_), _) => Some(number),
                };
            }
        }
    }
}
