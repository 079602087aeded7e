// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan for people.

use std::fmt::Write as _;

use super::{Planned, sets, spans, tables};
use crate::cli::programs::kind;
use crate::config::Config;
use crate::expr::{ClausePlan, Decided};
use crate::hook::leaves_itself_out;
use crate::kernel::Need;
use crate::sink::MAX_QUEUED_BYTES;
use crate::spec::{Hook, Limits, ParamValue, SinkSpec};
use crate::words::{list, path_text, shown};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const OFF: &str = "\x1b[0m";

pub(super) fn page(planned: &[Planned<'_>], config: &Config, color: bool) -> String {
    let paint = |style: &'static str| if color { style } else { "" };
    let mut text = String::new();
    for probe in planned {
        let place = probe.probe.locate(&crate::spec::Place::Probe);
        let (bold, dim, off) = (paint(BOLD), paint(DIM), paint(OFF));
        let _ = writeln!(text, "{bold}{}{off}  {dim}{place}{off}", probe.spec.id.name);
        for (title, lines) in sections(probe, config) {
            for (at, line) in lines.iter().enumerate() {
                let title = if at == 0 { title } else { "" };
                let missing = line.starts_with("MISSING") || title == "refused";
                let (start, end) = if missing { (paint(RED), off) } else { ("", "") };
                let _ = writeln!(text, "  {title:<11} {start}{}{end}", shown(line));
            }
        }
        text.push('\n');
    }
    for parked in &config.parked {
        let _ = writeln!(text, "{}  not run: `enabled: false`", parked.name);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Title and lines of each part; parts without lines are left out.
fn sections(probe: &Planned<'_>, config: &Config) -> Vec<(&'static str, Vec<String>)> {
    let spec = &probe.spec;
    let functions = probe.outline.functions.iter();
    let programs = functions.clone().map(|one| {
        let role = one.role.map(|role| format!(", {}", role.word())).unwrap_or_default();
        format!("{}: function {} at {}{role}", probe.program.name, one.function, one.at)
    });
    let mut mechanisms: Vec<String> = functions.map(|one| format!("{} ({})", one.mechanism, one.why)).collect();
    mechanisms.dedup();
    let mut sections = vec![
        ("targets", targets(&probe.targets, spec.hook.as_ref().and_then(Hook::several), probe.apart)),
        ("program", programs.collect()),
        ("mechanism", mechanisms),
        ("needs", probe.outline.needs.iter().map(need).collect()),
        ("params", spec.params.iter().map(|(name, value)| format!("{name}: {}", param(value))).collect()),
        ("captures", captures(probe)),
        ("where", conditions(probe)),
        ("spans", spans::of(probe).map(|span| spans::lines(span, size)).unwrap_or_default()),
        ("tables", tables::of(probe).iter().map(|table| table.line(size)).collect()),
        ("sets", sets::of(probe, config).iter().map(|set| set.line(size)).collect()),
        ("reports", reports(probe)),
        ("limits", limits(probe)),
        ("memory", memory(probe)),
        ("sinks", spec.sinks.iter().filter_map(|id| config.sinks.get(id.0)).map(sink).collect()),
        ("labels", spec.labels.iter().map(|(name, value)| format!("{name}: {value}")).collect()),
        ("user space", probe.in_user_space()),
        ("warnings", probe.warnings().map(|error| error.message.clone()).collect()),
        ("unknown", probe.unknown().map(|error| error.message.clone()).collect()),
        ("refused", probe.errors().map(|error| error.message.clone()).collect()),
    ];
    sections.retain(|(_, lines): &(_, Vec<String>)| !lines.is_empty());
    sections
}

/// One program runs at all targets, or each has its own; then what follows is said of the first.
fn targets(names: &[String], together: Option<Vec<&str>>, apart: Option<&str>) -> Vec<String> {
    let [first, more @ ..] = names else {
        let line = |all: Vec<&str>| format!("{}, all with one program: {}", all.len(), list(all, 16));
        return together.map(line).into_iter().collect();
    };
    let all = list(names.iter().map(String::as_str), 16);
    if more.is_empty() {
        return vec![format!("1: {all}")];
    }
    vec![
        format!(
            "{}, each with a program of its own: {all}{}",
            names.len(),
            apart.map(|why| format!(" ({why})")).unwrap_or_default()
        ),
        format!("details are for the first, `{first}`; memory for each and in total"),
    ]
}

fn param(value: &ParamValue) -> String {
    match value {
        ParamValue::Bool(value) => value.to_string(),
        ParamValue::Int(value) => value.to_string(),
        ParamValue::Text(text) => format!("{text:?}"),
    }
}

fn need(need: &Need) -> String {
    let there = if need.there { "ok      " } else { "MISSING " };
    let since = if need.since.is_empty() { String::new() } else { format!(" (Linux {})", need.since) };
    format!("{there}{}{since}", need.what)
}

fn captures(probe: &Planned<'_>) -> Vec<String> {
    let lines = probe.captures();
    let width = |of: fn(&super::CaptureLine<'_>) -> String| lines.iter().map(|line| of(line).len()).max().unwrap_or(0);
    let (names, kinds) = (width(|line| line.field.name.clone()), width(|line| kind(line.field)));
    let line = |line: &super::CaptureLine<'_>| {
        let (name, kind, bytes) = (&line.field.name, kind(line.field), line.bytes());
        format!("{name:names$}  {kind:kinds$}  {bytes:>4} bytes  {}: {}", line.expression, line.from)
    };
    if lines.is_empty() && !probe.spec.capture.is_empty() {
        return vec!["not resolved".to_owned()];
    }
    lines.iter().map(line).collect()
}

/// Who decides which condition, by what, at which cost.
fn conditions(probe: &Planned<'_>) -> Vec<String> {
    let clauses = probe.prepared.as_ref().map(|prepared| prepared.clauses.as_slice()).unwrap_or_default();
    if clauses.is_empty() && !probe.spec.filter.is_empty() {
        return vec!["not resolved".to_owned()];
    }
    let line = |clause: &ClausePlan| match &clause.decided {
        Decided::Kernel { tests: 1, nanoseconds } => {
            format!("in the kernel: {} (1 test, about {nanoseconds} ns)", clause.text)
        }
        Decided::Kernel { tests, nanoseconds } => {
            format!("in the kernel: {} ({tests} tests, about {nanoseconds} ns each)", clause.text)
        }
        Decided::UserSpace { why } => format!("in user space: {}, because {why}", clause.text),
    };
    let mut lines: Vec<String> = clauses.iter().map(line).collect();
    let is_split = clauses.iter().any(|clause| matches!(clause.decided, Decided::UserSpace { .. }));
    if is_split && probe.spec.limits != Limits::default() {
        lines.push("`limits` hold after that, in user space".to_owned());
    }
    lines
}

/// The size of a record and how many of them the ring holds; what is counted.
fn reports(probe: &Planned<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(bytes) = probe.record_bytes() {
        let (buffer, asked) = (probe.outline.ring_bytes, probe.spec.ring_bytes());
        // Each record has a header of 8 bytes and is filled up to a multiple of 8.
        let room = buffer / (bytes + 8).next_multiple_of(8);
        let why = match buffer == asked {
            true => String::new(),
            false => format!(" (one page on this machine; the file sets {})", size(u64::from(asked))),
        };
        lines.push(format!("events of {bytes} bytes; the ring of {}{why} holds {room}", size(u64::from(buffer))));
    }
    if let Some(counters) = &probe.program.counters {
        let names: Vec<&str> = counters.row.fields.iter().map(|field| field.name.as_str()).collect();
        lines.push(format!("counters: {}", names.join(", ")));
    }
    lines
}

fn limits(probe: &Planned<'_>) -> Vec<String> {
    let Limits { sample, rate } = probe.spec.limits;
    let sample = sample.map(|one_in| format!("sample: one event in {one_in}, at random"));
    let is_at_several = probe.spec.hook.as_ref().is_some_and(Hook::is_at_several) || !probe.targets.is_empty();
    let each = if is_at_several { ", for each target" } else { "" };
    let rate = rate.map(|rate| format!("rate_limit: at most {rate}, on all CPUs together{each}"));
    let own = probe.program.captures() && leaves_itself_out(&probe.spec);
    let own = own.then(|| "activity of ebpf-run itself is excluded (`include_self: true` includes it)".to_owned());
    sample.into_iter().chain(rate).chain(own).collect()
}

fn memory(probe: &Planned<'_>) -> Vec<String> {
    let parts: Vec<String> =
        probe.outline.maps.iter().map(|(name, bytes)| format!("{name} {}", size(*bytes))).collect();
    let queue = format!("user space: at most {} in the queue of each sink", size(MAX_QUEUED_BYTES as u64));
    vec![kernel_memory(probe.kernel_bytes(), probe.targets.len(), &parts.join(", ")), queue]
}

/// `kernel: 2.0 MiB (ring 2.0 MiB), and the program`; of several targets for each, and for all.
fn kernel_memory(bytes: u64, targets: usize, parts: &str) -> String {
    let each = size(bytes);
    match targets {
        0 | 1 => format!("kernel: {each} ({parts}), and the program"),
        targets => {
            let all = size(bytes.saturating_mul(targets as u64));
            format!("kernel: {all} for all {targets} targets; for each {each} ({parts}), and its program")
        }
    }
}

fn sink(sink: &SinkSpec) -> String {
    let format = sink.format.map_or("pretty on a terminal, jsonl otherwise", |format| format.name());
    let name = match sink.destination.path() {
        Some(path) => format!("{} → {}", sink.name, path_text(path)),
        None => sink.name.clone(),
    };
    let mode = sink.rights.mode.map(|mode| format!(", mode {mode:04o}")).unwrap_or_default();
    let owner = sink.rights.owner().map(|owner| format!(", owner {owner}")).unwrap_or_default();
    format!("{name} ({format}{mode}{owner})")
}

/// `2.5 GiB`, `4.0 MiB`, `12 KiB`, `100 bytes`
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        0x4000_0000.. => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of several targets it is said what each takes and what all of them take; of one, there is one number.
    #[test]
    fn several_targets() {
        assert_eq!(kernel_memory(2 << 20, 0, "ring 2.0 MiB"), "kernel: 2.0 MiB (ring 2.0 MiB), and the program");
        assert_eq!(
            kernel_memory(2 << 20, 3, "ring 2.0 MiB"),
            "kernel: 6.0 MiB for all 3 targets; for each 2.0 MiB (ring 2.0 MiB), and its program"
        );
        let names = ["vfs_read".to_owned(), "vfs_write".to_owned()];
        assert_eq!(
            targets(&names, None, None),
            [
                "2, each with a program of its own: `vfs_read`, `vfs_write`",
                "details are for the first, `vfs_read`; memory for each and in total"
            ]
        );
        assert_eq!(targets(&names[..1], None, None), ["1: `vfs_read`"]);
        assert!(targets(&[], None, None).is_empty());
        assert_eq!(targets(&[], Some(vec!["a", "b"]), None), ["2, all with one program: `a`, `b`"]);
    }
}
