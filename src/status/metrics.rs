// SPDX-License-Identifier: MIT OR Apache-2.0
//! The snapshot as Prometheus reads it: text format 0.0.4.
//!
//! ```text
//! # HELP ebpf_run_probe_events_total Events that the probe produced.
//! # TYPE ebpf_run_probe_events_total counter
//! ebpf_run_probe_events_total{file="/etc/ebpf-run/probes.d/web.yaml",probe="opens",target=""} 4711
//! ```
//!
//! Written here and not by a client library: those keep live counters in a registry, and here is a snapshot whose series
//! come and go with the files. What counts up from zero is there from zero on, so that `rate()` sees the first loss.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{DirectoryState, FileState, ProbeState, ProbeStatus, Status};
use crate::spec::LossCause;
use crate::words::{distinct, shown};

/// What a scrape is answered with.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The kinds of metrics that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// All metrics of a snapshot.
pub fn metrics(status: &Status) -> String {
    let mut text = String::new();
    daemon(status, &mut text);
    files(status, &mut text);
    probes(status, &mut text);
    kernel(status, &mut text);
    sinks(status, &mut text);
    text
}

fn daemon(status: &Status, text: &mut String) {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let mut info = Family::gauge("build_info", "The daemon; the value is always 1.");
    info.add(&[("version", &status.version)], 1.0);
    info.write(text);
    let mut info = Family::gauge("config_info", "The files' texts that count, as a hash; the value is always 1.");
    info.add(&[("hash", &status.config_hash)], 1.0);
    info.write(text);
    let help = "Configurations that differed from the one before, since the daemon started.";
    Family::gauge("config_generation", help).only(status.generation as f64, text);
    Family::gauge("start_time_seconds", "When the daemon started, Unix time.")
        .only(seconds(status.started_unix_ns), text);
    let mut reloads = Family::counter("reloads_total", "Changes of the files, by what became of them.");
    reloads.add(&[("result", "ok")], status.reloads.ok as f64);
    reloads.add(&[("result", "failed")], status.reloads.failed as f64);
    reloads.write(text);
    let help = "When everything was last as the files say after a change, Unix time; 0: never.";
    Family::gauge("last_reload_success_timestamp_seconds", help).only(seconds(status.reloads.last_ok_unix_ns), text);
}

fn files(status: &Status, text: &mut String) {
    let help = "1 where the directory's files are known, 0 where it is missing or cannot be read.";
    let mut directories = Family::gauge("config_directory_ok", help);
    for directory in &status.directories {
        let ok = f64::from(u8::from(directory.state == DirectoryState::Ok));
        directories.add(&[("directory", &directory.path)], ok);
    }
    directories.write(text);
    let mut files = Family::gauge("config_file_ok", "1 where the file's text counts, 0 where it has an error.");
    for file in &status.files {
        files.add(&[("file", &file.path)], f64::from(u8::from(file.state == FileState::Ok)));
    }
    files.write(text);
}

fn probes(status: &Status, text: &mut String) {
    let mut counts = Family::gauge("probes", "How many probes there are in each state.");
    let mut states = Family::gauge("probe_state", "1 for the state that the probe is in, 0 for the others.");
    let mut starts = Family::counter("probe_starts_total", "Versions of the probe that have run.");
    for state in ProbeState::ALL {
        counts.add(&[("state", state.name())], 0.0);
    }
    for probe in &status.probes {
        counts.add(&[("state", probe.state.name())], 1.0);
        for state in ProbeState::ALL {
            states.add(&labels(probe, Some(("state", state.name()))), f64::from(u8::from(state == probe.state)));
        }
        starts.add(&labels(probe, None), f64::from(probe.generation));
    }
    [counts, states, starts].iter().for_each(|family| family.write(text));

    let mut produced = Family::counter("probe_events_total", "Events that the probe produced.");
    let mut delivered =
        Family::counter("probe_events_delivered_total", "Events or samples that were written, over all sinks.");
    let mut lost =
        Family::counter("probe_events_lost_total", "Events that were not written, by cause, over all sinks.");
    let mut by_sink = Family::counter("probe_sink_events_delivered_total", "Events or samples that one sink wrote.");
    let mut lost_by_sink =
        Family::counter("probe_sink_events_lost_total", "Events that were lost on the way to one sink alone.");
    let mut of_itself =
        Family::counter("probe_self_events_total", "What the daemon did itself and the probe left out; no events.");
    for probe in running(status) {
        of_itself.add(&labels(probe, None), probe.of_itself as f64);
        for sink in &probe.sinks {
            let labels = labels(probe, Some(("sink", &sink.name)));
            by_sink.add(&labels, sink.delivered as f64);
            lost_by_sink.add(&labels, sink.lost.values().sum::<u64>() as f64);
        }
        if let Some(count) = probe.produced {
            produced.add(&labels(probe, None), count as f64);
        }
        delivered.add(&labels(probe, None), probe.delivered as f64);
        let counted = |cause: &LossCause| {
            *cause != LossCause::AfterCount && !probe.uncounted.iter().any(|name| name == cause.name())
        };
        for cause in LossCause::ALL.into_iter().filter(counted) {
            let count = probe.lost.get(cause.name()).copied().unwrap_or(0);
            lost.add(&labels(probe, Some(("cause", cause.name()))), count as f64);
        }
    }
    [produced, delivered, lost, by_sink, lost_by_sink, of_itself].iter().for_each(|family| family.write(text));
}

fn kernel(status: &Status, text: &mut String) {
    let mut memory = Family::gauge("probe_kernel_memory_bytes", "Memory of the probe's programs and maps.");
    let mut runs = Family::counter("probe_runs_total", "How often the kernel ran the probe's programs.");
    let mut time = Family::counter("probe_run_seconds_total", "How long the probe's programs ran.");
    for probe in running(status) {
        memory.add(&labels(probe, None), probe.kernel_memory_bytes as f64);
        if let (Some(count), Some(run_time_ns)) = (probe.runs, probe.run_time_ns) {
            runs.add(&labels(probe, None), count as f64);
            time.add(&labels(probe, None), run_time_ns as f64 / 1e9);
        }
    }
    [memory, runs, time].iter().for_each(|family| family.write(text));
}

fn sinks(status: &Status, text: &mut String) {
    let mut open = Family::gauge(
        "sink_open",
        "How many open sinks of this name and destination take events; 0: the reader has gone.",
    );
    let mut bytes = Family::counter("sink_written_bytes_total", "Bytes that the destination took.");
    let mut failed = Family::counter("sink_write_errors_total", "Writes that failed.");
    let help = "How many open sinks of this name and destination cannot write now; their events are lost.";
    let mut failing = Family::gauge("sink_failing", help);
    for sink in &status.sinks {
        // Names belong to files: two files may have a sink of one name, and when one of them goes no sum may fall.
        let labels = [("sink", sink.name.as_str()), ("destination", &sink.destination)];
        open.add(&labels, f64::from(u8::from(sink.open)));
        bytes.add(&labels, sink.written_bytes as f64);
        failed.add(&labels, sink.failed_writes as f64);
        failing.add(&labels, f64::from(u8::from(!sink.error.is_empty())));
    }
    [open, bytes, failed, failing].iter().for_each(|family| family.write(text));
}

/// The probes that have counters in the kernel now. What does not run has none, and a zero would look like a fall.
fn running(status: &Status) -> impl Iterator<Item = &ProbeStatus> {
    status.probes.iter().filter(|probe| matches!(probe.state, ProbeState::Running | ProbeState::Outdated))
}

fn labels<'a>(probe: &'a ProbeStatus, more: Option<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let target = probe.target.as_deref().unwrap_or_default();
    let mut labels = vec![("file", probe.file.as_str()), ("probe", &probe.name), ("target", target)];
    labels.extend(more);
    labels
}

/// The series of one metric.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    /// By labels. Prometheus refuses a whole scrape where two series have the same, as two formats on standard output would: their
    /// values are added.
    series: BTreeMap<String, f64>,
}

impl Family {
    fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter, series: BTreeMap::new() }
    }

    fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge, series: BTreeMap::new() }
    }

    fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        let label = |(name, value): &(&str, &str)| match *name {
            // A path is distinct in the snapshot.
            "file" => format!("{name}=\"{}\"", escape(value)),
            _ => format!("{name}=\"{}\"", escape(&distinct(value.as_bytes()))),
        };
        let labels: Vec<String> = labels.iter().map(label).collect();
        *self.series.entry(labels.join(",")).or_default() += value;
    }

    /// Its only series, without labels.
    fn only(mut self, value: f64, text: &mut String) {
        self.add(&[], value);
        self.write(text);
    }

    /// Nothing where it has no series.
    fn write(&self, text: &mut String) {
        if self.series.is_empty() {
            return;
        }
        let Self { name, help, .. } = self;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "# HELP ebpf_run_{name} {help}\n# TYPE ebpf_run_{name} {kind}");
        for (labels, value) in &self.series {
            let _ = match labels.is_empty() {
                true => writeln!(text, "ebpf_run_{name} {value}"),
                false => writeln!(text, "ebpf_run_{name}{{{labels}}} {value}"),
            };
        }
    }
}

/// The value of a label: a backslash, a quote and the end of a line are escaped, as the format has it. For other characters that
/// act on a terminal it has nothing: they are written out, and no two values become the same.
fn escape(value: &str) -> String {
    let lines: Vec<_> = value.split('\n').map(|line| shown(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    lines.join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two of the same labels are one series; odd characters stay inside of their quotes.
    #[test]
    fn series_are_distinct_and_quoted() {
        let mut family = Family::counter("x_total", "X.");
        family.add(&[("sink", "a\"b\\c\nd")], 1.0);
        family.add(&[("sink", "a\"b\\c\nd")], 2.0);
        let mut text = String::new();
        family.write(&mut text);
        let series = r#"ebpf_run_x_total{sink="a\"b\\c\nd"} 3"#;
        let written = |value| {
            let mut family = Family::counter("x_total", "X.");
            family.add(&[("sink", value)], 1.0);
            family.series.into_keys().next().unwrap()
        };
        assert_eq!(written("a\x1bb"), r#"sink="a\\u{1b}b""#);
        assert_eq!(written(r"a\u{1b}b"), r#"sink="a\\\\u{1b}b""#);
        assert_eq!(text, format!("# HELP ebpf_run_x_total X.\n# TYPE ebpf_run_x_total counter\n{series}\n"));
    }

    /// Numbers are never written in a way that would be another number, and a metric without series is left out.
    #[test]
    fn numbers() {
        let mut text = String::new();
        Family::gauge("y", "Y.").write(&mut text);
        assert_eq!(text, "");
        Family::gauge("y", "Y.").only(4_000_000_000_000.0, &mut text);
        Family::gauge("z_seconds", "Z.").only(1_763_726_400.25, &mut text);
        assert!(text.contains("\nebpf_run_y 4000000000000\n") && text.contains("\nebpf_run_z_seconds 1763726400.25\n"));
    }
}
