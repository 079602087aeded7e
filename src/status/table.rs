// SPDX-License-Identifier: MIT OR Apache-2.0
//! A snapshot for people.
//!
//! ```text
//! ebpf-run 0.1.0, process 812, up 2h 3min, configuration 4 (9f86d081884c7d65), 12 reloads, 1 failed
//!
//! probe         state    since  on                                      events   rate  lost   memory  a run
//! opens         running   2min  tracepoint syscalls:sys_enter_openat    12,345  120/s     0  1.1 MiB  312ns
//! packets/eth7  waiting    10s  there is no network interface `eth7`
//!
//! file                          state  probes
//! /etc/ebpf-run/probes.d/a.yaml ok          2
//! ```

use std::fmt::Write as _;

use super::{FileState, ProbeState, ProbeStatus, Status};

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// The tables, with a final newline.
pub fn table(status: &Status, color: bool) -> String {
    let mut text = head(status);
    let probes: Vec<Row> = status.probes.iter().map(|probe| probe_row(probe, status.now_unix_ns)).collect();
    if probes.is_empty() {
        text.push_str("\nno probes: no file names one\n");
    } else {
        let names = ["probe", "state", "since", "on", "events", "rate", "lost", "memory", "a run"];
        text.push('\n');
        write_rows(&names, &probes, &[2, 4, 5, 6, 7, 8], color, &mut text);
    }
    let files: Vec<Row> = status.files.iter().map(file_row).collect();
    if !files.is_empty() {
        text.push('\n');
        write_rows(&["file", "state", "probes"], &files, &[2], color, &mut text);
    }
    for problem in status.files.iter().flat_map(|file| &file.problems) {
        let _ = write!(text, "\n{}\n", problem.trim_end());
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
        status.version, status.pid, status.generation, status.config_hash
    )
}

/// A line of a table; the second cell is the state.
struct Row {
    cells: Vec<String>,
    paint: &'static str,
}

fn probe_row(probe: &ProbeStatus, now_unix_ns: u64) -> Row {
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
    let mut cells = vec![name, probe.state.name().to_owned(), since];
    if probe.mechanism.is_empty() {
        cells.push(probe.error.clone());
        return Row { cells, paint };
    }
    let lost: u64 = probe.lost.values().sum();
    let causes: Vec<String> = probe.lost.iter().map(|(cause, count)| format!("{cause} {}", grouped(*count))).collect();
    let on = if probe.error.is_empty() {
        probe.mechanism.clone()
    } else {
        format!("{} (its file: {})", probe.mechanism, probe.error)
    };
    cells.extend([
        on,
        probe.produced.map_or_else(|| format!("{} rows", grouped(probe.delivered)), grouped),
        format!("{}/s", grouped(probe.rate.round() as u64)),
        if lost == 0 { "0".to_owned() } else { format!("{} ({})", grouped(lost), causes.join(", ")) },
        bytes(probe.kernel_memory_bytes),
        match (probe.runs, probe.run_time_ns) {
            (Some(runs), Some(time)) if runs > 0 => format!("{}ns", time / runs),
            (_, _) => "-".to_owned(),
        },
    ]);
    Row { cells, paint }
}

fn file_row(file: &super::FileStatus) -> Row {
    let (state, paint) = match file.state {
        FileState::Ok => ("ok", GREEN),
        FileState::Kept => ("kept: the last good text counts", RED),
        FileState::Refused => ("refused", RED),
    };
    Row { cells: vec![file.path.clone(), state.to_owned(), file.probes.to_string()], paint }
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
            let painted = if color && column == 1 { format!("{paint}{cell}{OFF}") } else { cell.to_owned() };
            let gap = if column == 0 { "" } else { "  " };
            let padded =
                if right.contains(&column) { format!("{space}{painted}") } else { format!("{painted}{space}") };
            line.push_str(gap);
            line.push_str(&padded);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let paint = if color { BOLD } else { "" };
    text.push_str(paint);
    line(&mut names.iter().copied().enumerate(), paint, text);
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
