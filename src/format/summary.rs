// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table at the end of a run:
//!
//! ```text
//! probe              produced   delivered   lost
//! opens               312,007     299,117    883  (ring full 880; queue full 3)
//!   by command: cat 299,000; ls 12; … (3 more)
//!   not passed by `where`: filtered 12,000; undecided 7
//! execs                    12
//!   stdout                             12      0
//!   jsonl:/x.jsonl                     10      2  (sink error 2)
//!   left out, of ebpf-run itself: 31
//! eth0-packets              -  60 samples      0
//! ```

use super::escape::quoted_if_needed;
use super::human::thousands;
use crate::spec::{LossCause, SpanCounts};
use crate::status::FullTable;

/// Commands that "by command" names before it only counts them.
const COMMANDS_SHOWN: usize = 8;

/// What one probe did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SummaryRow {
    /// Its name.
    pub probe: String,
    /// Events that the kernel side produced; `None` for a program that counts, whose deliveries are samples.
    pub produced: Option<u64>,
    /// Those of them that are in the rows of tables; `None` for a probe that reports its events.
    pub counted: Option<u64>,
    /// What was lost before it reached any sink; zero counts are left out.
    pub lost: Vec<(LossCause, u64)>,
    /// One entry for each sink, in the order of the file.
    pub sinks: Vec<SinkTotals>,
    /// Delivered events by command, in any order; empty where nobody counted them.
    pub by_command: Vec<(Vec<u8>, u64)>,
    /// What `where` did not let pass.
    pub filtered: u64,
    /// The same, where something that it asked for could not be read.
    pub undecided: u64,
    /// What the runner did itself and the probe left out; not among those produced.
    pub of_itself: u64,
    /// What became of its spans; `None` for a probe without spans.
    pub spans: Option<SpanCounts>,
    /// Its tables that had no room.
    pub full_tables: Vec<FullTable>,
    /// The kernel skips events of this hook and does not count them: they are in no number here.
    pub missed_unknown: bool,
}

impl SummaryRow {
    /// True if a destination refused events, or if some could not even be read.
    pub fn failed(&self) -> bool {
        let unreadable =
            |lost: &[(LossCause, u64)]| lost.iter().any(|&(cause, count)| cause == LossCause::Unreadable && count > 0);
        unreadable(&self.lost) || self.sinks.iter().any(|sink| sink.failed() || unreadable(&sink.lost))
    }
}

/// What one sink got from one probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SinkTotals {
    /// The sink's name.
    pub name: String,
    /// Events that were written.
    pub delivered: u64,
    /// What was lost on the way to this sink alone; zero counts are left out.
    pub lost: Vec<(LossCause, u64)>,
    /// True for a standard stream that nobody reads any more: anyone who did has seen enough, and what is lost is no failure.
    pub closed: bool,
}

impl SinkTotals {
    /// True if the destination refused events: a full disk, an I/O error.
    pub fn failed(&self) -> bool {
        !self.closed && self.lost.iter().any(|(cause, count)| *cause == LossCause::SinkError && *count > 0)
    }
}

/// The table, with a final newline; empty where there are no rows. A probe with several sinks gets a line for each,
/// whose losses include those of the probe.
pub fn summary(rows: &[SummaryRow], color: bool) -> String {
    let mut lines = Vec::new();
    for row in rows {
        probe_lines(row, &mut lines);
    }
    if rows.is_empty() { String::new() } else { render(&lines, color) }
}

/// A line of the table.
enum Line {
    Cells { first: String, numbers: [String; 3], causes: String },
    Note(String),
}

fn probe_lines(row: &SummaryRow, lines: &mut Vec<Line>) {
    let produced = row.produced.map_or("-".to_owned(), thousands);
    let delivered = |count: u64| match (row.produced.filter(|_| row.counted.is_none()), count) {
        (Some(_), _) => thousands(count),
        (None, 1) if row.counted.is_some() => "1 row".to_owned(),
        (None, _) if row.counted.is_some() => format!("{} rows", thousands(count)),
        (None, 1) => "1 sample".to_owned(),
        (None, _) => format!("{} samples", thousands(count)),
    };
    let line = |first: String, produced: String, sink: &SinkTotals| {
        let (lost, causes) = losses(row, &sink.lost);
        Line::Cells { first, numbers: [produced, delivered(sink.delivered), lost], causes }
    };
    let probe = visible(row.probe.as_bytes());
    match row.sinks.as_slice() {
        [] => lines.push(line(probe, produced, &SinkTotals::default())),
        [only] => lines.push(line(probe, produced, only)),
        several => {
            let numbers = [produced, String::new(), String::new()];
            lines.push(Line::Cells { first: probe, numbers, causes: String::new() });
            lines.extend(several.iter().map(|sink| {
                let name = format!("  {}", visible(sink.name.as_bytes()));
                line(name, String::new(), sink)
            }));
        }
    }
    if let Some(counted) = row.counted {
        lines.push(Line::Note(format!("  counted: {}", thousands(counted))));
    }
    for full in &row.full_tables {
        lines.push(Line::Note(format!("  {}", visible(full.words().as_bytes()))));
    }
    if !row.by_command.is_empty() {
        lines.push(Line::Note(by_command(&row.by_command)));
    }
    let refused = [("filtered", row.filtered), ("undecided", row.undecided)];
    let refused =
        refused.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {}", thousands(*count)));
    let refused: Vec<String> = refused.collect();
    if !refused.is_empty() {
        lines.push(Line::Note(format!("  not passed by `where`: {}", refused.join("; "))));
    }
    if let Some(spans) = &row.spans {
        let told = spans.named().into_iter().filter(|(name, count)| *count > 0 || *name == "started");
        let told: Vec<String> = told.map(|(name, count)| format!("{name} {}", thousands(count))).collect();
        lines.push(Line::Note(format!("  spans: {}", told.join("; "))));
    }
    if row.of_itself > 0 {
        lines.push(Line::Note(format!("  left out, of ebpf-run itself: {}", thousands(row.of_itself))));
    }
}

/// The sum and, where there is any, `(ring full 880; queue full 3; missed unknown)`.
fn losses(row: &SummaryRow, sink: &[(LossCause, u64)]) -> (String, String) {
    // What a sink loses of a probe that counts are rows, each of many events.
    let (own, rows) = if row.counted.is_some() { (&[][..], sink) } else { (sink, &[][..]) };
    let of = |lost: &[(LossCause, u64)], wanted: LossCause| -> u64 {
        lost.iter().filter(|(cause, _)| *cause == wanted).map(|(_, count)| count).sum()
    };
    let all = LossCause::ALL.into_iter();
    let counts: Vec<(LossCause, u64, u64)> = all
        .map(|cause| (cause, of(&row.lost, cause) + of(own, cause), of(rows, cause)))
        .filter(|&(_, events, rows)| events + rows > 0)
        .collect();
    let sums = counts.iter().fold((0, 0), |(events, rows), count| (events + count.1, rows + count.2));
    let name = |cause: LossCause| cause.name().replace('_', " ");
    let known = counts.iter().map(|&(cause, events, rows)| format!("{} {}", name(cause), amount(events, rows)));
    let unknown = row.missed_unknown.then(|| format!("{} unknown", name(LossCause::Missed)));
    let causes = known.chain(unknown).collect::<Vec<_>>().join("; ");
    (amount(sums.0, sums.1), if causes.is_empty() { causes } else { format!("({causes})") })
}

/// `12`, `1 row`, `12 + 3 rows`.
fn amount(events: u64, rows: u64) -> String {
    let of_rows = format!("{} {}", thousands(rows), if rows == 1 { "row" } else { "rows" });
    match (events, rows) {
        (_, 0) => thousands(events),
        (0, _) => of_rows,
        (_, _) => format!("{} + {of_rows}", thousands(events)),
    }
}

/// `  by command: cat 299,000; ls 12; … (3 more)`, the most frequent first.
fn by_command(counts: &[(Vec<u8>, u64)]) -> String {
    let mut sorted: Vec<&(Vec<u8>, u64)> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut parts: Vec<String> = sorted
        .iter()
        .take(COMMANDS_SHOWN)
        .map(|(comm, count)| format!("{} {}", visible(comm), thousands(*count)))
        .collect();
    if sorted.len() > COMMANDS_SHOWN {
        parts.push(format!("… ({} more)", thousands((sorted.len() - COMMANDS_SHOWN) as u64)));
    }
    format!("  by command: {}", parts.join("; "))
}

fn render(lines: &[Line], color: bool) -> String {
    let (dim, warn, off) = if color { ("\x1b[2m", "\x1b[33m", "\x1b[0m") } else { ("", "", "") };
    let names = ["probe", "produced", "delivered", "lost"];
    let mut widths = names.map(str::len);
    for line in lines {
        match line {
            Line::Cells { first, numbers, .. } => {
                for (width, cell) in widths.iter_mut().zip(std::iter::once(first).chain(numbers)) {
                    *width = (*width).max(cell.chars().count());
                }
            }
            Line::Note(_) => {}
        }
    }
    let [w0, w1, w2, w3] = widths;
    let row = |cells: [&str; 4]| {
        let [first, produced, delivered, lost] = cells;
        format!("{first:w0$}  {produced:>w1$}  {delivered:>w2$}  {lost:>w3$}")
    };
    let mut table = format!("{dim}{}{off}\n", row(names));
    for line in lines {
        match line {
            Line::Cells { first, numbers: [produced, delivered, lost], causes } => {
                let cells = row([first, produced, delivered, lost]);
                let text = if causes.is_empty() { cells } else { format!("{cells}  {warn}{causes}{off}") };
                table.push_str(text.trim_end());
            }
            Line::Note(note) => table.push_str(note),
        }
        table.push('\n');
    }
    table
}

/// Bytes as text that does nothing to a terminal.
fn visible(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    quoted_if_needed(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(name: &str, delivered: u64, lost: &[(LossCause, u64)]) -> SinkTotals {
        SinkTotals { name: name.into(), delivered, lost: lost.to_vec(), closed: false }
    }

    fn rows() -> Vec<SummaryRow> {
        vec![
            SummaryRow {
                counted: None,
                probe: "opens".into(),
                produced: Some(312_007),
                lost: vec![(LossCause::RingFull, 880), (LossCause::Missed, 0)],
                sinks: vec![sink("stdout", 299_117, &[(LossCause::QueueFull, 3)])],
                by_command: vec![(b"ls".to_vec(), 12), (b"cat".to_vec(), 299_000), (b"\x1b[2J".to_vec(), 1)],
                filtered: 12_000,
                undecided: 7,
                of_itself: 1_234,
                spans: None,
                full_tables: Vec::new(),
                missed_unknown: true,
            },
            SummaryRow {
                counted: None,
                probe: "execs".into(),
                produced: Some(12),
                sinks: vec![sink("stdout", 12, &[]), sink("jsonl:/x.jsonl", 10, &[(LossCause::SinkError, 2)])],
                by_command: (0..11).map(|n| (format!("c{n:02}").into_bytes(), 11 - n)).collect(),
                ..SummaryRow::default()
            },
            SummaryRow {
                counted: None,
                probe: "packets".into(),
                sinks: vec![sink("stdout", 60, &[])],
                ..SummaryRow::default()
            },
        ]
    }

    /// What a sink lost of a probe that counts are rows: no events, and not added to those.
    #[test]
    fn lost_rows() {
        let counts = |lost: &[(LossCause, u64)], of_sink: &[(LossCause, u64)]| SummaryRow {
            probe: "calls".into(),
            produced: Some(268),
            counted: Some(260),
            lost: lost.to_vec(),
            sinks: vec![sink("stdout", 0, of_sink)],
            ..SummaryRow::default()
        };
        let line = |row: SummaryRow| {
            summary(&[row], false).lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let (full, error) = ((LossCause::TableFull, 8), (LossCause::SinkError, 11));
        assert_eq!(line(counts(&[], &[error])), "calls 268 0 rows 11 rows (sink error 11 rows)");
        assert_eq!(line(counts(&[full], &[])), "calls 268 0 rows 8 (table full 8)");
        assert_eq!(
            line(counts(&[full], &[(LossCause::SinkError, 1)])),
            "calls 268 0 rows 8 + 1 row (sink error 1 row; table full 8)"
        );
    }

    /// The table reads as its documentation shows it: aligned, causes named, most frequent commands first.
    #[test]
    fn reads_as_documented() {
        let expected = "\
probe             produced   delivered  lost
opens              312,007     299,117   883  (ring full 880; queue full 3; missed unknown)
  by command: cat 299,000; ls 12; \\x1b[2J 1
  not passed by `where`: filtered 12,000; undecided 7
  left out, of ebpf-run itself: 1,234
execs                   12
  stdout                            12     0
  jsonl:/x.jsonl                    10     2  (sink error 2)
  by command: c00 11; c01 10; c02 9; c03 8; c04 7; c05 6; c06 5; c07 4; … (3 more)
packets                  -  60 samples     0
";
        assert_eq!(summary(&rows(), false), expected);
    }

    /// Colours add escape sequences and change nothing else.
    #[test]
    fn colour_is_only_colour() {
        let mut text = summary(&rows(), true);
        for sequence in ["\x1b[2m", "\x1b[33m", "\x1b[0m"] {
            assert!(text.contains(sequence));
            text = text.replace(sequence, "");
        }
        assert_eq!(text, summary(&rows(), false));
    }

    /// No probes, no table.
    #[test]
    fn nothing_to_say() {
        assert_eq!(summary(&[], true), "");
    }
}
