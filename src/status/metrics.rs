// SPDX-License-Identifier: MIT OR Apache-2.0
//! The snapshot as Prometheus reads it: text format 0.0.4.
//!
//! ```text
//! # HELP ebpf_run_probe_events_total Events that the probe produced.
//! # TYPE ebpf_run_probe_events_total counter
//! ebpf_run_probe_events_total{file="/etc/ebpf-run/probes.d/web.yaml",probe="opens",target=""} 4711
//! ```
//!
//! What counts up from zero is there from zero on, so that `rate()` sees the first loss.

use prometheus_client::metrics::MetricType;

use super::exposition::{Family, PREFIX, Series, exposition};
use super::{DirectoryState, FileState, ProbeState, ProbeStatus, SinkShare, SinkStatus, Status};
use crate::spec::LossCause;

/// What a scrape is answered with.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One metric: its name without `ebpf_run_`, its meaning, and where a snapshot has its values.
#[derive(Debug)]
struct Metric {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    of: Of,
}

/// What has values of a metric, and which.
#[derive(Debug)]
enum Of {
    /// The daemon.
    Daemon(fn(&Status) -> f64),
    /// Each probe.
    Probe(fn(&ProbeStatus) -> f64),
    /// Each probe that has counters in the kernel now, unless the value is unknown. A probe that does not run has none, and a zero
    /// would look like a reset.
    Running(fn(&ProbeStatus) -> Option<f64>),
    /// Each sink of such a probe.
    Share(fn(&SinkShare) -> u64),
    /// Each open sink.
    Sink(fn(&SinkStatus) -> f64),
    /// Anything else, with labels of its own.
    Other(fn(&Status, &mut Series)),
}

/// Every metric, in the order of the text.
static METRICS: &[Metric] = &[
    gauge(
        "build_info",
        "The daemon; the value is always 1.",
        Of::Other(|status, series| {
            series.add(&[("version", &status.version)], 1.0);
        }),
    ),
    gauge(
        "config_info",
        "A hash of the files in effect; the value is always 1.",
        Of::Other(|status, series| {
            series.add(&[("hash", &status.config_hash)], 1.0);
        }),
    ),
    gauge(
        "config_generation",
        "Configurations that differed from the one before, since the daemon started.",
        Of::Daemon(|status| status.generation as f64),
    ),
    gauge(
        "start_time_seconds",
        "When the daemon started, Unix time.",
        Of::Daemon(|status| seconds(status.started_unix_ns)),
    ),
    counter(
        "reloads_total",
        "Reloads of changed files, by result.",
        Of::Other(|status, series| {
            series.add(&[("result", "ok")], status.reloads.ok as f64);
            series.add(&[("result", "failed")], status.reloads.failed as f64);
        }),
    ),
    gauge(
        "last_reload_success_timestamp_seconds",
        "When a reload last succeeded, Unix time; 0: never.",
        Of::Daemon(|status| seconds(status.reloads.last_ok_unix_ns)),
    ),
    gauge(
        "config_directory_ok",
        "1 if the directory can be read, 0 if it is missing or cannot be read.",
        Of::Other(|status, series| {
            let all = status.directories.iter();
            all.for_each(|it| series.add(&[("directory", &it.path)], flag(it.state == DirectoryState::Ok)));
        }),
    ),
    gauge(
        "config_file_ok",
        "1 if the file is valid, 0 if it has an error.",
        Of::Other(|status, series| {
            let all = status.files.iter();
            all.for_each(|file| series.add(&[("file", &file.path)], flag(file.state == FileState::Ok)));
        }),
    ),
    gauge(
        "probes",
        "How many probes there are in each state.",
        Of::Other(|status, series| {
            ProbeState::ALL.iter().for_each(|state| series.add(&[("state", state.name())], 0.0));
            status.probes.iter().for_each(|probe| series.add(&[("state", probe.state.name())], 1.0));
        }),
    ),
    gauge("probe_state", "1 for the state that the probe is in, 0 for the others.", Of::Other(states)),
    counter("probe_starts_total", "Versions of the probe that have run.", Of::Probe(|probe| probe.generation.into())),
    counter("probe_events_total", "Events that the probe produced.", Of::Running(|probe| count(probe.produced))),
    counter(
        "probe_events_filtered_total",
        "Events that `where` did not let pass.",
        Of::Running(|probe| probe.produced.and(count(Some(probe.filtered)))),
    ),
    counter(
        "probe_events_undecided_total",
        "Events that `where` did not let pass because something that it asked for could not be read.",
        Of::Running(|probe| probe.produced.and(count(Some(probe.undecided)))),
    ),
    counter(
        "probe_spans_started_total",
        "Spans that began. They are paired, repeated, cancelled, expired, full, or open.",
        Of::Running(|probe| probe.spans.get("started").map(|count| *count as f64)),
    ),
    counter("probe_spans_total", "Spans by what became of them.", Of::Other(spans)),
    gauge(
        "probe_spans_open",
        "Spans that have begun and not ended.",
        Of::Running(|probe| probe.spans.get("open").map(|count| *count as f64)),
    ),
    counter(
        "probe_events_delivered_total",
        "Events or samples that were written, over all sinks.",
        Of::Running(|probe| count(Some(probe.delivered))),
    ),
    counter("probe_events_lost_total", "Events that were not written, by cause, over all sinks.", Of::Other(losses)),
    counter(
        "probe_sink_events_delivered_total",
        "Events or samples that one sink wrote.",
        Of::Share(|share| share.delivered),
    ),
    counter(
        "probe_sink_events_lost_total",
        "Events that were lost on the way to one sink alone.",
        Of::Share(|share| share.lost.values().sum()),
    ),
    counter(
        "probe_self_events_total",
        "Activity of the daemon itself that the probe excluded; not events.",
        Of::Running(|probe| count(Some(probe.of_itself))),
    ),
    gauge(
        "probe_kernel_memory_bytes",
        "Memory of the probe's programs and maps.",
        Of::Running(|probe| count(Some(probe.kernel_memory_bytes))),
    ),
    counter(
        "probe_runs_total",
        "How often the kernel ran the probe's programs.",
        Of::Running(|probe| count(probe.runs.filter(|_| probe.run_time_ns.is_some()))),
    ),
    counter(
        "probe_run_seconds_total",
        "How long the probe's programs ran.",
        Of::Running(|probe| probe.run_time_ns.filter(|_| probe.runs.is_some()).map(seconds)),
    ),
    gauge(
        "sink_open",
        "How many open sinks of this name and destination accept events; 0: the reader has closed it.",
        Of::Sink(|sink| flag(sink.open)),
    ),
    counter("sink_written_bytes_total", "Bytes that the destination took.", Of::Sink(|sink| sink.written_bytes as f64)),
    counter("sink_write_errors_total", "Writes that failed.", Of::Sink(|sink| sink.failed_writes as f64)),
    gauge(
        "sink_failing",
        "How many open sinks of this name and destination cannot write now; their events are lost.",
        Of::Sink(|sink| flag(!sink.error.is_empty())),
    ),
];

/// All metrics of a snapshot.
pub fn metrics(status: &Status) -> String {
    let family = |&Metric { name, help, kind, ref of }: &Metric| Family { name, help, kind, series: of.series(status) };
    exposition(METRICS.iter().map(family).collect())
}

/// True for the name of one of these.
pub fn is_own_metric(name: &str) -> bool {
    let name = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix('_'));
    name.is_some_and(|name| METRICS.iter().any(|metric| metric.name == name))
}

const fn counter(name: &'static str, help: &'static str, of: Of) -> Metric {
    Metric { name, help, kind: MetricType::Counter, of }
}

const fn gauge(name: &'static str, help: &'static str, of: Of) -> Metric {
    Metric { name, help, kind: MetricType::Gauge, of }
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn count(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn states(status: &Status, series: &mut Series) {
    for probe in &status.probes {
        for state in ProbeState::ALL {
            series.add(&labels(probe, Some(("state", state.name()))), flag(state == probe.state));
        }
    }
}

/// What became of spans; `started` and `open` have series of their own.
fn spans(status: &Status, series: &mut Series) {
    for probe in running(status) {
        for (name, count) in probe.spans.iter().filter(|(name, _)| !["started", "open"].contains(&name.as_str())) {
            series.add(&labels(probe, Some(("outcome", name))), *count as f64);
        }
    }
}

fn losses(status: &Status, series: &mut Series) {
    for probe in running(status) {
        let counted = |cause: &LossCause| {
            *cause != LossCause::AfterCount && !probe.uncounted.iter().any(|name| name == cause.name())
        };
        for cause in LossCause::ALL.into_iter().filter(counted) {
            let count = probe.lost.get(cause.name()).copied().unwrap_or(0);
            series.add(&labels(probe, Some(("cause", cause.name()))), count as f64);
        }
    }
}

fn running(status: &Status) -> impl Iterator<Item = &ProbeStatus> {
    status.probes.iter().filter(|probe| matches!(probe.state, ProbeState::Running | ProbeState::Outdated))
}

fn labels<'a>(probe: &'a ProbeStatus, more: Option<(&'static str, &'a str)>) -> Vec<(&'static str, &'a str)> {
    let target = probe.target.as_deref().unwrap_or_default();
    let mut labels = vec![("file", probe.file.as_str()), ("probe", &probe.name), ("target", target)];
    labels.extend(more);
    labels
}

impl Of {
    fn series(&self, status: &Status) -> Series {
        let mut series = Series::default();
        match self {
            Self::Daemon(value) => series.add(&[], value(status)),
            Self::Probe(value) => {
                status.probes.iter().for_each(|probe| series.add(&labels(probe, None), value(probe)));
            }
            Self::Running(value) => {
                for (probe, value) in running(status).filter_map(|probe| Some((probe, value(probe)?))) {
                    series.add(&labels(probe, None), value);
                }
            }
            Self::Share(value) => {
                for (probe, share) in running(status).flat_map(|probe| probe.sinks.iter().map(move |it| (probe, it))) {
                    series.add(&labels(probe, Some(("sink", &share.name))), value(share) as f64);
                }
            }
            Self::Sink(value) => {
                for sink in &status.sinks {
                    // Names belong to files: two files may have a sink of one name, and when one of them goes no sum may fall.
                    series.add(&[("sink", &sink.name), ("destination", &sink.destination)], value(sink));
                }
            }
            Self::Other(add) => add(status, &mut series),
        }
        series
    }
}
