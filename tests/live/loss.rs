// SPDX-License-Identifier: MIT OR Apache-2.0
//! Under overload every event is delivered or counted as lost, and the sink has exactly what was delivered.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lab::{Ended, Lab, bpf, counts, json, need, open_missing, wait_for};

const OPENS: u64 = 300_000;

fn yaml(rest: &str) -> String {
    format!(
        "probes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         capture: {{ path: filename as user_string }}\n    sinks: [\"jsonl:all.jsonl\"]\n{rest}"
    )
}

/// Every line of the file is JSON; how many of them are events and how many of those are ours.
fn read(lab: &Lab, path: &str) -> (u64, u64) {
    let text = fs::read_to_string(lab.path("all.jsonl")).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let (mut events, mut ours) = (0, 0);
    for line in text.lines() {
        // Parsing a line of each hundred is enough: all of them come from the same encoder.
        if events % 100 == 0 {
            json(line);
        }
        assert!(line.starts_with("{\"ts\":\"") && line.ends_with('}'), "{line}");
        if line.contains("\"type\":\"lost\"") {
            assert!(!counts(&json(line)));
        } else {
            events += 1;
            ours += u64::from(line.contains(path));
        }
    }
    (events, ours)
}

fn adds_up(lab: &Lab, path: &str, ended: &Ended) -> u64 {
    let totals = ended.totals("opens");
    assert_eq!(totals.produced, totals.delivered + totals.lost, "{totals:?}");
    assert!(!ended.stderr.contains("unaccounted"), "{}", ended.stderr);
    let (events, ours) = read(lab, path);
    assert_eq!(events, totals.delivered, "lines of the file, {totals:?}");
    assert!(ours <= OPENS);
    totals.produced
}

/// 300,000 opens at full speed, by two threads, in a file.
#[test]
fn full_speed() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &[]);
    let path = lab.text("burst");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..OPENS / 2).for_each(|_| open_missing(&path)));
        }
    });
    let ended = run.interrupt().code(0);
    assert!(adds_up(&lab, &path, &ended) >= OPENS);
}

/// The same with a ring that holds twenty events: most are lost, all are counted, and the stream says so.
#[test]
fn tiny_ring() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml("    buffer: 4KiB\n"), &[]);
    let path = lab.text("burst");
    (0..OPENS / 3).for_each(|_| open_missing(&path));
    let ended = run.interrupt().code(0);
    assert!(adds_up(&lab, &path, &ended) >= OPENS / 3);
    let totals = ended.totals("opens");
    assert!(totals.lost > 0 && totals.causes.starts_with("ring full"), "{totals:?}");
    let text = fs::read_to_string(lab.path("all.jsonl")).unwrap();
    let said: u64 = text
        .lines()
        .filter(|line| line.contains("\"type\":\"lost\""))
        .map(|line| json(line)["count"].as_u64().unwrap())
        .sum();
    assert_eq!(said, totals.lost, "losses on the stream");
}

/// Ended by Ctrl-C in the middle of it.
#[test]
fn interrupted() {
    need!(bpf());
    for buffer in ["", "    buffer: 4KiB\n"] {
        let lab = Lab::new();
        let run = lab.ready(&yaml(buffer), &[]);
        let path = lab.text("burst");
        let done = AtomicU64::new(0);
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..OPENS {
                    open_missing(&path);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
            wait_for("the middle", || done.load(Ordering::Relaxed) > OPENS / 3);
            run.interrupt().code(0)
        });
        assert!(adds_up(&lab, &path, &ended) > OPENS / 3);
    }
}

/// Ended by `--count` in the middle of it: exactly so many lines, the rest is counted.
#[test]
fn counted() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &["--count", "12345"]);
    let path = lab.text("burst");
    (0..OPENS / 3).for_each(|_| open_missing(&path));
    let ended = run.end().code(0);
    adds_up(&lab, &path, &ended);
    assert_eq!(ended.totals("opens").delivered, 12345);
}
