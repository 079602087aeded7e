// SPDX-License-Identifier: MIT OR Apache-2.0
//! `limits` let pass what they say and no more, and what they hold back is counted to the last event.

use std::collections::BTreeMap;
use std::fs;

use crate::lab::{Ended, Lab, Totals, bpf, json, need, open_missing, sh};

const SECOND_NS: u64 = 1_000_000_000;

fn opens(limits: &str, more: &str) -> String {
    format!(
        "{more}probes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         sinks: [\"jsonl:all.jsonl\"]\n    limits: {limits}\n"
    )
}

/// The clock that the windows of a rate go by.
fn boot_ns() -> u64 {
    clock_ns(libc::CLOCK_BOOTTIME)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing.
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
    time.tv_sec as u64 * SECOND_NS + time.tv_nsec as u64
}

fn cpus() -> u64 {
    std::thread::available_parallelism().unwrap().get() as u64
}

/// Opens files on two CPUs at once for a while. The moments between which they did.
fn burst(lab: &Lab, time_ns: u64) -> (u64, u64) {
    let path = lab.text("burst");
    let start = boot_ns();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while boot_ns() < start + time_ns {
                    (0..100).for_each(|_| open_missing(&path));
                }
            });
        }
    });
    (start, boot_ns())
}

/// How many events of the file each second since boot has, by its number in the day.
fn by_second(lab: &Lab) -> BTreeMap<u64, u64> {
    const DAY_NS: u64 = 24 * 3600 * SECOND_NS;
    let booted_ns = (clock_ns(libc::CLOCK_REALTIME) - boot_ns()) % DAY_NS;
    let mut seconds = BTreeMap::new();
    for event in fs::read_to_string(lab.path("all.jsonl")).unwrap().lines().map(json) {
        if event["type"] != "lost" {
            // 2026-01-31T23:59:59.123456789Z
            let ts = event["ts"].as_str().unwrap();
            let number = |from: usize, to: usize| ts[from..to].parse::<u64>().unwrap();
            let seconds_of_day = number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
            let boot = (seconds_of_day * SECOND_NS + number(20, 29) + DAY_NS - booted_ns) % DAY_NS;
            *seconds.entry(boot / SECOND_NS).or_default() += 1;
        }
    }
    seconds
}

/// The count behind the name of a cause in the summary.
fn cause(totals: &Totals, name: &str) -> u64 {
    let count = |part: &str| part.trim().strip_prefix(name)?.trim().replace(',', "").parse().ok();
    totals.causes.split(';').find_map(count).unwrap_or(0)
}

/// The row of the summary, which adds up, in itself and with the file: as many lines are events as were delivered, and the
/// lines about losses say all that was lost but the sample.
fn adds_up(lab: &Lab, ended: &Ended) -> Totals {
    let totals = ended.totals("opens");
    assert_eq!(totals.produced, totals.delivered + totals.lost, "{totals:?}");
    assert!(!ended.stderr.contains("unaccounted"), "{}", ended.stderr);
    let (mut events, mut told) = (0, 0);
    for line in fs::read_to_string(lab.path("all.jsonl")).unwrap().lines() {
        let event = json(line);
        if event["type"] == "lost" {
            assert_ne!(event["cause"], "sampled_out");
            told += event["count"].as_u64().unwrap();
        } else {
            events += 1;
        }
    }
    assert_eq!(events, totals.delivered, "{totals:?}");
    assert_eq!(told + cause(&totals, "sampled out"), totals.lost, "{totals:?}");
    totals
}

/// Two CPUs at full speed: never more than the rate in any second, and all of it but what the CPUs may miss when they
/// meet at the end of it.
#[test]
fn rate() {
    need!(bpf());
    const RATE: u64 = 1000;
    let lab = Lab::new();
    let run = lab.ready(&opens("{ rate_limit: 1000/s }", ""), &[]);
    let (start, end) = burst(&lab, 3 * SECOND_NS);
    let ended = run.interrupt().code(0);
    let totals = adds_up(&lab, &ended);
    let seconds = by_second(&lab);
    let whole = end / SECOND_NS - start.div_ceil(SECOND_NS);
    assert!(whole >= 2 && totals.produced > 10 * RATE, "no burst: {totals:?}");
    // In a burst the events of a second pass at its beginning: none has its time in the next one.
    assert!(seconds.values().all(|events| *events <= RATE), "{seconds:?}");
    assert!(totals.delivered >= whole * (RATE + 1 - cpus()), "{whole} whole seconds: {totals:?}");
    assert_eq!(cause(&totals, "rate limited"), totals.lost, "{totals:?}");
}

/// A rate that is never reached holds nothing back, though CPUs meet where one second ends and the next begins. (One that
/// was stopped at that very moment may be missed by others.)
#[test]
fn rate_out_of_reach() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&opens("{ rate_limit: 999999999/s }", ""), &[]);
    burst(&lab, 2 * SECOND_NS);
    let ended = run.interrupt().code(0);
    let totals = adds_up(&lab, &ended);
    assert!(cause(&totals, "rate limited") <= totals.produced / 1000, "{totals:?}");
}

/// One event in a hundred: within six standard deviations of it, and no line says what was asked for.
#[test]
fn sample() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&opens("{ sample: 1/100 }", ""), &[]);
    burst(&lab, SECOND_NS);
    let ended = run.interrupt().code(0);
    let totals = adds_up(&lab, &ended);
    let expected = totals.produced as f64 / 100.0;
    let deviation = (expected * 0.99).sqrt();
    assert!(totals.produced > 10_000, "no burst: {totals:?}");
    assert!((totals.delivered as f64 - expected).abs() < 6.0 * deviation, "{expected} ± {deviation}: {totals:?}");
    assert_eq!(cause(&totals, "sampled out"), totals.lost, "{totals:?}");
}

/// The sample first, then the rate, which counts only what the sample left. The rate comes from the defaults; `1/1` takes
/// back a sample of theirs.
#[test]
fn both() {
    need!(bpf());
    for (sample, chosen) in [("1/10", 0.1), ("1/1", 1.0)] {
        let lab = Lab::new();
        let before = boot_ns();
        let defaults = "defaults: { limits: { rate_limit: 50/s, sample: 1/1000 } }\n";
        let run = lab.ready(&opens(&format!("{{ sample: {sample} }}"), defaults), &[]);
        burst(&lab, SECOND_NS);
        let ended = run.interrupt().code(0);
        let totals = adds_up(&lab, &ended);
        let touched = boot_ns() / SECOND_NS - before / SECOND_NS + 1;
        let left = totals.produced - cause(&totals, "sampled out");
        let (expected, deviation) =
            (totals.produced as f64 * chosen, (totals.produced as f64 * chosen * (1.0 - chosen)).sqrt());
        assert!((left as f64 - expected).abs() <= 6.0 * deviation, "{expected} ± {deviation}: {totals:?}");
        assert!(totals.delivered <= touched * 50, "{touched} seconds: {totals:?}");
        assert_eq!(left - totals.delivered, cause(&totals, "rate limited"), "{totals:?}");
        assert!(totals.delivered > 0 && left > totals.delivered, "{totals:?}");
    }
}

/// The functions of a program that brings its own hooks share one rate, and its state is no worse for it.
#[test]
fn own_hooks() {
    need!(bpf());
    let lab = Lab::new();
    let before = boot_ns();
    let yaml = "probes:\n  - name: execs\n    program: exec\n    limits: { rate_limit: 1/h }\n";
    let run = lab.ready(yaml, &[]);
    (0..3).for_each(|_| drop(sh("/bin/true")));
    let ended = run.interrupt().code(0);
    let totals = ended.totals("execs");
    let hours = boot_ns() / (3600 * SECOND_NS) - before / (3600 * SECOND_NS) + 1;
    assert!((1..=hours).contains(&totals.delivered), "{totals:?}");
    assert!(totals.produced >= 6, "{totals:?}");
    assert_eq!(totals.produced, totals.delivered + totals.lost, "{totals:?}");
    assert_eq!(cause(&totals, "rate limited"), totals.lost, "{totals:?}");
}
