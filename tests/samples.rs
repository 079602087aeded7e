// SPDX-License-Identifier: MIT OR Apache-2.0
//! Samples in every format, as golden files in `tests/samples`; `UPDATE=1` writes them again.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ebpf_run::format::{Encoder, Look, Width};
use ebpf_run::meter::{Meter, MeterOf, exposition};
use ebpf_run::record::{Completer, NoLookups, NoSets, Row, Rows};
use ebpf_run::spec::{Buckets, Field, FieldType, Format, Layout, Sample, Statistic, Top};
use unicode_width::UnicodeWidthStr as _;

/// 2026-11-21T07:40:00.123456789Z.
const NOW: u64 = 1_795_246_800_123_456_789;

/// One table, made row by row.
struct Table {
    layout: Layout,
    rows: Vec<Vec<u8>>,
    left_out: u64,
}

/// A value of a row.
enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Null,
    /// Values that fell into buckets, and how many of each.
    Counts(&'a [(i64, u64)]),
}

use Value::{Counts, Null, Number, Text};

impl Table {
    /// `columns`: name, type, unit; the first `keys` are keys.
    fn new(name: Option<&str>, keys: usize, columns: &[(&str, FieldType, &str)]) -> Self {
        let (mut offset, mut fields, mut statistics) = (8, Vec::new(), Vec::new());
        for (at, (name, kind, unit)) in columns.iter().enumerate() {
            let size = match kind {
                FieldType::Text { .. } => 65,
                FieldType::Histogram(buckets) => buckets.count() as u32 * 8,
                _ => 8,
            };
            let kind = kind.clone();
            if at >= keys {
                statistics.push(match &kind {
                    FieldType::Histogram(buckets) => Statistic::Histogram((**buckets).clone()),
                    _ if *name == "slowest" => Statistic::Max,
                    _ if !unit.is_empty() => Statistic::Sum,
                    _ => Statistic::Count,
                });
            }
            let (name, unit) = ((*name).to_owned(), (*unit).to_owned());
            let absent_bit = Some(at as u8);
            fields.push(Field {
                name,
                offset,
                size,
                kind,
                absent_bit,
                of_end: None,
                bits: None,
                unit,
                doc: String::new(),
            });
            offset += size.next_multiple_of(8);
        }
        let sample = Sample {
            table: name.map(str::to_owned),
            keys,
            statistics,
            top: Some(Top { rows: 20, by: 0 }),
            cumulative: false,
        };
        let layout = Layout { size: offset, absent: Some(0), fields, sample: Some(sample), ..Layout::default() };
        Self { layout, rows: Vec::new(), left_out: 0 }
    }

    fn row(mut self, values: &[Value<'_>]) -> Self {
        let mut row = vec![0; self.layout.size as usize];
        let mut absent = 0u64;
        for (at, (field, value)) in self.layout.fields.iter().zip(values).enumerate() {
            let slot = &mut row[field.offset as usize..][..field.size as usize];
            match (value, &field.kind) {
                (Text(text), _) => slot[..text.len().min(65)].copy_from_slice(&text.as_bytes()[..text.len().min(65)]),
                (Number(number), _) => slot.copy_from_slice(&number.to_ne_bytes()),
                (Null, _) => absent |= 1 << at,
                (Counts(counts), FieldType::Histogram(buckets)) => {
                    for (value, count) in *counts {
                        let at = 8 * buckets.of((*value).into());
                        slot[at..at + 8].copy_from_slice(&count.to_ne_bytes());
                    }
                }
                (Counts(_), _) => unreachable!("counts are of a histogram"),
            }
        }
        row[..8].copy_from_slice(&absent.to_ne_bytes());
        self.rows.push(row);
        self
    }

    fn rows(&self) -> Rows {
        let mut completer = Completer::new(&self.layout, &NoSets);
        let rows: Vec<Row> = self.rows.iter().map(|row| completer.complete_row(row.clone(), &mut NoLookups)).collect();
        Rows { rows, left_out: self.left_out, ..Rows::default() }
    }

    fn lines(&self, format: Format, look: &Look) -> String {
        let rows = self.rows();
        let mut out = Vec::new();
        let labels = [("env".to_owned(), "prod".to_owned())];
        let mut encoder = Encoder::new(format, "reads", &labels, &self.layout, look);
        encoder.sample(&rows, Duration::from_secs(10), NOW, &mut out);
        String::from_utf8(out).unwrap()
    }
}

fn text() -> FieldType {
    FieldType::Text { limit: Some(64) }
}

fn histogram(buckets: Buckets) -> FieldType {
    FieldType::Histogram(Arc::new(buckets))
}

/// Two keys, all kinds of numbers, a histogram.
fn reads() -> Table {
    let columns = [
        ("comm", text(), ""),
        ("pid", FieldType::Unsigned, ""),
        ("calls", FieldType::Unsigned, ""),
        ("sum", FieldType::Unsigned, "bytes"),
        ("slowest", FieldType::Duration, "ns"),
        ("took", histogram(Buckets::PowersOfTwo), "ns"),
    ];
    let mut table = Table::new(None, 2, &columns)
        .row(&[
            Text("systemd-journald"),
            Number(4711),
            Number(1_234_567),
            Number(49_356_123),
            Number(7_123_456),
            Counts(&[(5000, 77), (9000, 1234), (40_000, 1), (2_000_000_000, 3)]),
        ])
        .row(&[Text("cat"), Number(12), Number(3), Number(312), Number(8192), Counts(&[(8192, 3)])])
        .row(&[Null, Number(13), Number(1), Number(0), Null, Counts(&[])]);
    table.left_out = 37;
    table
}

fn sizes() -> Table {
    let linear = Buckets::Linear { low: 0, high: 4096, step: 512 };
    let columns = [
        ("size", histogram(linear), "bytes"),
        ("wait", histogram(Buckets::Edges([1_000_000, 10_000_000].into())), "ns"),
    ];
    let counts = [(-1, 2), (100, 40), (600, 20), (5000, 9)];
    Table::new(Some("by size"), 0, &columns).row(&[Counts(&counts), Counts(&[(0, 1), (5_000_000, 9)])])
}

/// Keys in the scripts of the world, and keys that want to act on a terminal.
fn keys() -> Table {
    let keys = [
        "日本語のプロセス名前がとても長い",
        "e\u{301}te\u{301} 👩‍👩‍👧 family",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "a\nb\tc\rd",
        "\u{202e}gnp.exe",
        "=cmd|' /C calc'!A0",
        "a,b \"c\"",
        "back\\slash",
        "",
        "/usr/lib/x86_64-linux-gnu/a-very-long-name-of-a-library-that-is-c",
    ];
    let table = Table::new(None, 1, &[("key,name", text(), ""), ("calls", FieldType::Unsigned, "")]);
    keys.iter().enumerate().fold(table, |table, (at, key)| table.row(&[Text(key), Number(10 - at as u64)]))
}

fn nothing() -> Table {
    Table::new(None, 1, &[("comm", text(), ""), ("calls", FieldType::Unsigned, "")])
}

/// More columns than a narrow window has room for.
fn many_columns() -> Table {
    let names = ["failed", "retried", "cancelled", "bytes_received", "bytes_sent", "slowest_of_all_calls"];
    let mut columns = vec![("command", text(), "")];
    columns.extend(names.map(|name| (name, FieldType::Unsigned, "")));
    let row: Vec<Value<'_>> =
        std::iter::once(Text("nginx")).chain((0..6).map(|at| Number(10u64.pow(at + 3)))).collect();
    Table::new(None, 1, &columns).row(&row)
}

fn tables() -> Vec<(&'static str, Table)> {
    let one = Table::new(None, 0, &[("calls", FieldType::Unsigned, "")]).row(&[Number(1_234_567)]);
    vec![
        ("reads", reads()),
        ("sizes", sizes()),
        ("keys", keys()),
        ("nothing", nothing()),
        ("one-row", one),
        ("many-columns", many_columns()),
    ]
}

fn look(width: Width) -> Look {
    Look { width, probe_width: 5, ..Look::default() }
}

fn golden(name: &str, found: &str) {
    let path = Path::new("tests/samples").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} is not what is printed now; UPDATE=1 writes it again", path.display());
}

/// In windows of 40, 80 and 200 columns, and without one: what people see, which never wraps and never acts.
#[test]
fn pictures() {
    let widths = [Width::new(|| Some(40)), Width::new(|| Some(80)), Width::new(|| Some(200)), Width::default()];
    for (name, table) in tables() {
        for (columns, width) in [40, 80, 200, usize::MAX].into_iter().zip(widths) {
            let lines = table.lines(Format::Pretty, &look(width));
            let title = 1;
            assert!(lines.lines().skip(title).all(|line| line.width() <= columns), "{name} {columns}\n{lines}");
            assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{name}");
            let columns = if columns == usize::MAX { "any".to_owned() } else { columns.to_string() };
            golden(&format!("{name}.{columns}.txt"), &lines);
        }
    }
}

/// Header and rows.
fn csv(table: &Table) -> String {
    let encoder =
        Encoder::new(Format::Csv, "reads", &[("env".to_owned(), "prod".to_owned())], &table.layout, &Look::default());
    let header = String::from_utf8(encoder.header().unwrap().to_vec()).unwrap();
    header + &table.lines(Format::Csv, &Look::default())
}

/// In the formats for machines.
#[test]
fn lines() {
    for (name, table) in tables() {
        golden(&format!("{name}.jsonl"), &table.lines(Format::Jsonl, &Look::default()));
        golden(&format!("{name}.csv"), &csv(&table));
        golden(&format!("{name}.log"), &table.lines(Format::Text, &Look::default()));
    }
}

/// As Prometheus reads it: two intervals of each table, of which counters are the sums.
#[test]
fn series() {
    for (name, table) in tables() {
        let mut meter = Meter::new(meter_of(), &table.layout);
        meter.add(&table.rows());
        meter.add(&table.rows());
        let text = exposition([&meter]);
        golden(&format!("{name}.prom"), &text);
        promtool(&text);
    }
}

/// Where promtool is installed, it has nothing to say.
fn promtool(text: &str) {
    let mut command = Command::new("promtool");
    let Ok(mut child) = command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
}

fn meter_of() -> MeterOf {
    MeterOf {
        probe: "reads".into(),
        target: Some(("symbol".into(), "vfs_read".into())),
        labels: vec![("env".into(), "pr\"od".into())],
        description: "Reads of the database.".into(),
    }
}

/// A table has a thousand series; what comes then is in one that is called `other`, and nothing is lost.
#[test]
fn series_are_bounded() {
    let table = (0..1500).fold(nothing(), |table, at| table.row(&[Text(&format!("process-{at}")), Number(2)]));
    let mut meter = Meter::new(meter_of(), &table.layout);
    meter.add(&table.rows());
    meter.add(&table.rows());
    let text = exposition([&meter]);
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 1001);
    assert!(text.contains("comm=\"other\"} 2000\n"), "{text}");
    let sum: u64 = text.lines().filter_map(|line| line.rsplit_once("} ")?.1.parse::<u64>().ok()).sum();
    assert_eq!(sum, 2 * 2 * 1500);
}

/// What `top` leaves out counts here all the same.
#[test]
fn series_have_all_rows() {
    let mut rows = nothing().row(&[Text("cat"), Number(5)]).rows();
    let rest = nothing().row(&[Text("ls"), Number(3)]).rows().rows;
    (rows.left_out, rows.rest) = (1, rest);
    let mut meter = Meter::new(meter_of(), &nothing().layout);
    meter.add(&rows);
    assert!(exposition([&meter]).contains("comm=\"ls\"} 3\n"));
}

/// No two values have lines of one name and the same labels: not those of two tables of a probe, not those of one table, not one beside
/// what the runner says of itself. What is added to a name stands before its unit.
#[test]
fn names_of_series_are_distinct() {
    let table = |name: Option<&str>, columns: &[(&str, FieldType, &'static str)]| {
        let values: Vec<Value<'_>> = columns.iter().map(|_| Number(7)).collect();
        Table::new(name, 0, columns).row(&values)
    };
    let durations = [
        ("c", FieldType::Unsigned, ""),
        ("c_2", FieldType::Unsigned, ""),
        ("d", FieldType::Duration, "ns"),
        ("d_seconds", FieldType::Duration, "ns"),
    ];
    let tables = [table(Some("a_b"), &durations), table(Some("a"), &[("b_c", FieldType::Unsigned, "")])];
    let metered = |probe: &str, table: &Table| {
        let mut meter = Meter::new(MeterOf { probe: probe.to_owned(), ..meter_of() }, &table.layout);
        meter.add(&table.rows());
        meter
    };
    let mut meters: Vec<Meter> = tables.iter().map(|table| metered("p", table)).collect();
    meters.push(metered("probe", &table(None, &[("events", FieldType::Unsigned, "")])));
    let names = |meters: &[&Meter]| -> Vec<String> {
        let text = exposition(meters.iter().copied());
        text.lines().filter_map(|line| Some(line.split_once('{')?.0.to_owned())).collect()
    };
    let expected = [
        "ebpf_run_p_a_b_c_2_2_total",
        "ebpf_run_p_a_b_c_2_total",
        "ebpf_run_p_a_b_c_total",
        "ebpf_run_p_a_b_d_2_seconds_total",
        "ebpf_run_p_a_b_d_seconds_total",
        "ebpf_run_probe_events_2_total",
    ];
    let [first, second, third] = &meters[..] else { panic!("three tables") };
    assert_eq!(names(&[first, second, third]), expected);
    assert_eq!(names(&[third, second, first]), expected);
}

/// Values that the kernel never resets are taken as they are.
#[test]
fn cumulative_series() {
    let mut table = nothing().row(&[Text("cat"), Number(5)]);
    table.layout.sample.as_mut().unwrap().cumulative = true;
    let mut meter = Meter::new(meter_of(), &table.layout);
    meter.add(&table.rows());
    meter.add(&table.rows());
    assert!(exposition([&meter]).contains("comm=\"cat\"} 5\n"));
}

/// A thousand rows are a thousand lines, as wide as the window at most, and as many events to the one who counts lines.
#[test]
fn a_thousand_rows() {
    let table = (0..1000).fold(nothing(), |table, at| table.row(&[Text(&format!("process-{at}")), Number(1000 - at)]));
    let lines = table.lines(Format::Pretty, &look(Width::new(|| Some(30))));
    assert_eq!(lines.lines().count(), 1002);
    assert!(lines.lines().skip(1).all(|line| line.width() <= 30));
    assert_eq!(lines.lines().nth(2), Some("    process-0    1,000"));
    assert_eq!(lines.lines().last(), Some("    process-999      1"));
}

/// Colours are there only where they are asked for.
#[test]
fn colours() {
    let (plain, color) = (look(Width::default()), Look { color: true, ..look(Width::default()) });
    for (_, table) in tables() {
        assert!(!table.lines(Format::Pretty, &plain).contains('\u{1b}'));
        assert!(table.lines(Format::Pretty, &color).contains("\u{1b}[2m"));
    }
}
