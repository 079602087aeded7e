// SPDX-License-Identifier: MIT OR Apache-2.0
//! A snapshot for people.
//!
//! ```text
//! ebpf-run 0.1.0, process 812, up 2h 3min, configuration 4 (9f86d081884c7d65), 12 reloads, 1 failed
//!
//! probe         state     since  events   rate  lost   memory  a run  version  file    on
//! opens         outdated   2min  12,345  120/s     0  1.1 MiB  312ns        3  a.yaml  tracepoint syscalls:sys_enter_openat
//!                                its file: this kernel has no tracepoint `syscalls:sys_enter_opennat`
//! packets/eth7  waiting     10s  there is no network interface `eth7` (a.yaml)
//!
//! directory               state  files
//! /etc/ebpf-run/probes.d  ok         1
//!
//! file                           state  probes
//! /etc/ebpf-run/probes.d/a.yaml  ok          2
//!
//! sink    state    written  to
//! events  ok       1.1 MiB  /var/log/ebpf-run/events.jsonl
//! audit   failing  4.0 KiB  /srv/audit.jsonl: No space left on device (os error 28)
//! ```
//!
//! What is long stands last: on a narrow terminal the numbers are seen.

use std::fmt::Write as _;
use std::path::Path;

use super::{DirectoryState, DirectoryStatus, FileState, FileStatus, ProbeState, ProbeStatus, SinkStatus, Status};
use crate::words::{shown, shown_lines};

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// The tables, with a final newline.
pub fn table(status: &Status, color: bool) -> String {
    let mut text = head(status);
    // Most probes have no `where`: then there is no column for it.
    let filters = status.probes.iter().any(|probe| probe.filtered + probe.undecided > 0);
    let rows = |probe| probe_rows(probe, status.now_unix_ns, filters);
    let probes: Vec<Row> = status.probes.iter().flat_map(rows).collect();
    if probes.is_empty() {
        let all_read = status.directories.iter().all(|directory| directory.state == DirectoryState::Ok);
        text.push_str(if all_read { "\nno probes: the files have none\n" } else { "\nno probes\n" });
    } else {
        let counts: &[&str] =
            if filters { &["events", "rate", "filtered", "lost"] } else { &["events", "rate", "lost"] };
        let names = [&["probe", "state", "since"], counts, &["memory", "a run", "version", "file", "on"]].concat();
        let right: Vec<usize> = (2..names.len() - 2).collect();
        text.push('\n');
        write_rows(&names, &probes, &right, color, &mut text);
    }
    let directories: Vec<Row> = status.directories.iter().map(|directory| directory_row(directory, status)).collect();
    if !directories.is_empty() {
        text.push('\n');
        write_rows(&["directory", "state", "files"], &directories, &[2], color, &mut text);
    }
    let files: Vec<Row> = status.files.iter().map(file_row).collect();
    if !files.is_empty() {
        text.push('\n');
        write_rows(&["file", "state", "probes"], &files, &[2], color, &mut text);
    }
    let sinks: Vec<Row> = status.sinks.iter().map(sink_row).collect();
    if !sinks.is_empty() {
        text.push('\n');
        write_rows(&["sink", "state", "written", "to"], &sinks, &[2], color, &mut text);
    }
    let of_directories = status.directories.iter().map(|directory| &directory.problem);
    let mut said: Vec<&str> = Vec::new();
    for problem in of_directories.chain(status.files.iter().flat_map(|file| &file.problems)) {
        // What is wrong with a directory is wrong with each of its files.
        if !problem.is_empty() && !said.contains(&problem.as_str()) {
            said.push(problem);
            let _ = write!(text, "\n{}\n", shown_lines(problem.trim_end()));
        }
    }
    text
}

fn head(status: &Status) -> String {
    let up = ago(status.now_unix_ns, status.started_unix_ns);
    let total = status.reloads.ok + status.reloads.failed;
    let reloads = if total == 1 { "1 reload".to_owned() } else { format!("{total} reloads") };
    let failed = if status.reloads.failed > 0 { format!(", {} failed", status.reloads.failed) } else { String::new() };
    format!(
        "ebpf-run {}, process {}, up {up}, configuration {} ({}), {reloads}{failed}\n",
        shown(&status.version),
        status.pid,
        status.generation,
        shown(&status.config_hash)
    )
}

/// A line of a table; the second cell is the state.
struct Row {
    cells: Vec<String>,
    paint: &'static str,
}

impl Row {
    fn new(cells: impl IntoIterator<Item = String>, paint: &'static str) -> Self {
        Self { cells: cells.into_iter().map(|cell| shown(&cell).into_owned()).collect(), paint }
    }
}

/// One row, and another one for what is wrong with a probe that runs.
fn probe_rows(probe: &ProbeStatus, now_unix_ns: u64, filters: bool) -> Vec<Row> {
    let name = match &probe.target {
        Some(target) => format!("{}/{target}", probe.name),
        None => probe.name.clone(),
    };
    let paint = match probe.state {
        ProbeState::Running => GREEN,
        ProbeState::Waiting | ProbeState::Stopped => YELLOW,
        ProbeState::Outdated | ProbeState::Failed => RED,
    };
    let since = ago(now_unix_ns, probe.since_unix_ns);
    let file = Path::new(&probe.file).file_name().map_or(probe.file.as_str().into(), |name| name.to_string_lossy());
    let mut cells = vec![name, probe.state.name().to_owned(), since];
    if probe.mechanism.is_empty() {
        cells.push(format!("{} ({file})", probe.error).trim_start().to_owned());
        return vec![Row::new(cells, paint)];
    }
    cells.extend([
        probe.produced.map_or_else(|| format!("{} rows", grouped(probe.delivered)), grouped),
        format!("{}/s", grouped(probe.rate.round() as u64)),
    ]);
    cells.extend(filters.then(|| filtered(probe)));
    cells.extend([
        lost(probe),
        bytes(probe.kernel_memory_bytes),
        match (probe.runs, probe.run_time_ns) {
            (Some(runs), Some(time)) if runs > 0 => format!("{}ns", time / runs),
            (_, _) => "-".to_owned(),
        },
        probe.generation.to_string(),
        file.into_owned(),
        probe.mechanism.clone(),
    ]);
    let mut rows = vec![Row::new(cells, paint)];
    for full in &probe.full_tables {
        rows.push(Row::new(["", "", "", &full.words()].map(str::to_owned), ""));
    }
    if !probe.error.is_empty() {
        let what = if probe.state == ProbeState::Running { "" } else { "its file: " };
        let below = ["", "", "", &format!("{what}{}", probe.error)].map(str::to_owned);
        rows.push(Row::new(below, ""));
    }
    rows
}

/// `12,000 (undecided 7)`: the sum of both.
fn filtered(probe: &ProbeStatus) -> String {
    let total = grouped(probe.filtered + probe.undecided);
    if probe.undecided > 0 { format!("{total} (undecided {})", grouped(probe.undecided)) } else { total }
}

/// `12 (queue_full 10, ring_full 2, missed unknown)`
fn lost(probe: &ProbeStatus) -> String {
    let known = probe.lost.iter().map(|(cause, count)| format!("{cause} {}", grouped(*count)));
    let unknown = probe.uncounted.iter().map(|cause| format!("{cause} unknown"));
    let causes: Vec<String> = known.chain(unknown).collect();
    let total = grouped(probe.lost.values().sum());
    if causes.is_empty() { total } else { format!("{total} ({})", causes.join(", ")) }
}

fn directory_row(directory: &DirectoryStatus, status: &Status) -> Row {
    let paint = match directory.state {
        DirectoryState::Ok => GREEN,
        DirectoryState::Missing => YELLOW,
        DirectoryState::Deleted
        | DirectoryState::Unreadable
        | DirectoryState::Untrusted
        | DirectoryState::Unmounted
        | DirectoryState::Silent => RED,
    };
    let path = Path::new(&directory.path);
    let is_in = |file: &&FileStatus| Path::new(&file.path).parent() == Some(path) || file.path == directory.path;
    let files = status.files.iter().filter(is_in).count();
    let state = match directory.state {
        DirectoryState::Missing => "missing: watching for it",
        state => state.name(),
    };
    Row::new([directory.path.clone(), state.to_owned(), files.to_string()], paint)
}

fn file_row(file: &FileStatus) -> Row {
    let (state, paint) = match file.state {
        FileState::Ok => ("ok", GREEN),
        FileState::Kept => ("kept: the last valid version is in effect", RED),
        FileState::Refused => ("refused", RED),
    };
    Row::new([file.path.clone(), state.to_owned(), file.probes.to_string()], paint)
}

fn sink_row(sink: &SinkStatus) -> Row {
    let (state, paint) = match (sink.error.is_empty(), sink.open) {
        (true, true) => ("ok", GREEN),
        (false, true) => ("failing", RED),
        (_, false) => ("closed", RED),
    };
    let to = match sink.error.as_str() {
        "" => sink.destination.clone(),
        error => format!("{}: {error}", sink.destination),
    };
    Row::new([sink.name.clone(), state.to_owned(), bytes(sink.written_bytes), to], paint)
}

fn write_rows(names: &[&str], rows: &[Row], right: &[usize], color: bool, text: &mut String) {
    let mut widths: Vec<usize> = names.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        // A row that ends early says something long there.
        let full = row.cells.len() == names.len();
        for (width, cell) in widths.iter_mut().zip(&row.cells).take(if full { names.len() } else { 3 }) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = (usize, &str)>, paint: &str, text: &mut String| {
        let mut line = String::new();
        for (column, cell) in cells {
            let width = widths[column];
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            let painted =
                if color && column == 1 && !paint.is_empty() { format!("{paint}{cell}{OFF}") } else { cell.to_owned() };
            let gap = if column == 0 { "" } else { "  " };
            let padded =
                if right.contains(&column) { format!("{space}{painted}") } else { format!("{painted}{space}") };
            line.push_str(gap);
            line.push_str(&padded);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    text.push_str(if color { BOLD } else { "" });
    line(&mut names.iter().copied().enumerate(), "", text);
    if color {
        text.push_str(OFF);
    }
    for row in rows {
        line(&mut row.cells.iter().map(String::as_str).enumerate(), row.paint, text);
    }
}

/// `12s`, `3min`, `2h 3min`, `4d 2h`.
fn ago(now_ns: u64, then_ns: u64) -> String {
    let seconds = now_ns.saturating_sub(then_ns) / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}min"),
        3600..86_400 => format!("{hours}h {}min", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

/// `12,345`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Reloads;

    /// One of these states, which says `error`.
    fn probe(name: &str, state: ProbeState, mechanism: &str, error: &str) -> ProbeStatus {
        ProbeStatus {
            name: name.to_owned(),
            target: None,
            file: "/etc/ebpf-run/probes.d/a.yaml".to_owned(),
            state,
            since_unix_ns: 0,
            generation: 3,
            mechanism: mechanism.to_owned(),
            error: error.to_owned(),
            produced: Some(12_345),
            delivered: 12_340,
            rate: 119.6,
            lost: [("queue_full".to_owned(), 5)].into(),
            uncounted: Vec::new(),
            filtered: 0,
            undecided: 0,
            of_itself: 0,
            spans: Default::default(),
            full_tables: Vec::new(),
            sinks: Vec::new(),
            kernel_memory_bytes: 1 << 20,
            runs: Some(10),
            run_time_ns: Some(3120),
            links: Vec::new(),
        }
    }

    fn status(probes: Vec<ProbeStatus>, files: Vec<FileStatus>) -> Status {
        Status {
            version: "1".to_owned(),
            pid: 2,
            started_unix_ns: 0,
            now_unix_ns: 3_000_000_000,
            generation: 4,
            config_hash: "5".to_owned(),
            reloads: Reloads::default(),
            directories: Vec::new(),
            files,
            probes,
            sinks: Vec::new(),
        }
    }

    /// Each probe says its state, since when, its counts, its file and how it is attached, or why it is not; a long error
    /// makes no column wider.
    #[test]
    fn what_is_said_of_a_probe() {
        let error = "there is no network interface `eth7`, and this goes on and on and on and on and on and on";
        let probes = vec![
            probe("new", ProbeState::Outdated, "tracepoint a:b", error),
            probe("gone", ProbeState::Waiting, "", error),
            probe("quiet", ProbeState::Stopped, "", ""),
        ];
        let said = table(&status(probes, Vec::new()), false);
        let expected = format!(
            "\
ebpf-run 1, process 2, up 3s, configuration 4 (5), 0 reloads

probe  state     since  events   rate              lost   memory  a run  version  file    on
new    outdated     3s  12,345  120/s  5 (queue_full 5)  1.0 MiB  312ns        3  a.yaml  tracepoint a:b
                        its file: {error}
gone   waiting      3s  {error} (a.yaml)
quiet  stopped      3s  (a.yaml)
"
        );
        assert_eq!(said, expected);
        let file = FileStatus { path: "a.yaml".to_owned(), state: FileState::Ok, probes: 0, problems: Vec::new() };
        let said = table(&status(Vec::new(), vec![file]), false);
        assert!(
            said.ends_with("\n\nno probes: the files have none\n\nfile    state  probes\na.yaml  ok          0\n"),
            "{said}"
        );
    }

    /// What `where` refused has a column as soon as there is some.
    #[test]
    fn filtered_events() {
        let mut some = probe("some", ProbeState::Running, "x", "");
        (some.filtered, some.undecided) = (11_993, 7);
        let none = probe("none", ProbeState::Running, "x", "");
        let said = table(&status(vec![some, none], Vec::new()), false);
        let expected = "
probe  state    since  events   rate              filtered              lost   memory  a run  version  file    on
some   running     3s  12,345  120/s  12,000 (undecided 7)  5 (queue_full 5)  1.0 MiB  312ns        3  a.yaml  x
none   running     3s  12,345  120/s                     0  5 (queue_full 5)  1.0 MiB  312ns        3  a.yaml  x
";
        assert!(said.contains(expected), "{said}");
    }

    /// The header is bold to its end; a state has its colour.
    #[test]
    fn colours() {
        let said = table(&status(vec![probe("one", ProbeState::Running, "xdp", "")], Vec::new()), true);
        assert!(said.contains("\n\x1b[1mprobe  state  ") && said.contains("  on\n\x1b[0mone"), "{said:?}");
        assert!(said.contains("  \x1b[32mrunning\x1b[0m  "), "{said:?}");
    }

    /// Times are said in the two largest units that tell something.
    #[test]
    fn times_are_short() {
        let said = [0, 59, 60, 3599, 3600, 86_399, 90_000].map(|seconds| ago(seconds * 1_000_000_000, 0));
        assert_eq!(said, ["0s", "59s", "1min", "59min", "1h 0min", "23h 59min", "1d 1h"]);
    }

    /// Digits are grouped by three from the right.
    #[test]
    fn numbers_are_grouped() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
    }
}
