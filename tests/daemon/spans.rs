// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spans that are open while files change, time passes and threads end: none is forgotten, in status and metrics.

use std::thread;
use std::time::{Duration, Instant};

use ebpf_run::status::{Status, metrics};
use serde_json::json;

use crate::daemon::Daemon;
use crate::lab::{BOUND, Lab, bpf, need, tool, wait_for};
use crate::steps::{Steps, compile};

/// A probe over functions of the program, with a condition at its end.
fn probe(binary: &str, span: &str, rest: &str) -> String {
    format!(
        "  - name: steps\n    hook:\n      span:\n        start: {{ uprobe: \"{binary}:begin\", key: [arg0] }}\n        \
         end: {{ uprobe: \"{binary}:end\", key: [arg0] }}\n        {span}\n    capture: {{ number: start.arg1 as i32 }}\n    {rest}\n"
    )
}

/// What became of its spans: started, paired, repeated, cancelled, expired, full, open.
const OUTCOMES: [&str; 7] = ["started", "paired", "repeated", "cancelled", "expired", "full", "open"];

fn counts(daemon: &Daemon) -> Vec<u64> {
    let probe = daemon.probe("steps");
    let count = |name: &&str| probe["spans"][*name].as_u64().unwrap_or_else(|| panic!("no {name}: {probe}"));
    let counts: Vec<u64> = OUTCOMES.iter().map(count).collect();
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{probe}");
    counts
}

#[track_caller]
fn wait_for_counts(daemon: &Daemon, expected: [u64; 7]) {
    let mut last = Vec::new();
    let start = Instant::now();
    while last != expected {
        assert!(start.elapsed() < BOUND, "{last:?} instead of {expected:?}");
        last = counts(daemon);
        thread::sleep(Duration::from_millis(5));
    }
}

/// A file whose comment, condition or sinks change, and one that changes what is read at the end: what was open ends in the new version.
/// Where the start reads something else, what is open is given up, and counted as that.
#[test]
fn reloads_keep_what_is_open() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let first = probe(&binary, "", "");
    let mut daemon = Daemon::with(&[("a.yaml", &first)]);
    let mut steps = Steps::start(&binary);
    steps.go(&["begin 1 11", "begin 2 12", "begin 3 13", "begin 4 14"]);
    daemon.write("a.yaml", &format!("# a comment\n{first}"));
    daemon.ask(json!({ "command": "reload" }));
    steps.go(&["end 1"]);
    daemon.run.event(|event| event["number"] == 11);
    daemon.write("a.yaml", &probe(&binary, "", "where: number != 99"));
    daemon.ask(json!({ "command": "reload" }));
    steps.go(&["end 2"]);
    daemon.run.event(|event| event["number"] == 12);
    daemon.write("a.yaml", &probe(&binary, "expire: 1h", "labels: { a: b }"));
    daemon.ask(json!({ "command": "reload" }));
    steps.go(&["end 3"]);
    daemon.run.event(|event| event["number"] == 13 && event["a"] == "b");
    wait_for_counts(&daemon, [4, 3, 0, 0, 0, 0, 1]);
    daemon.write(
        "a.yaml",
        &first.replace("number: start.arg1 as i32", "number: start.arg1 as i64, text: start.arg2 as string"),
    );
    daemon.ask(json!({ "command": "reload" }));
    steps.go(&["end 4", "begin 5 15 text", "end 5"]);
    daemon.run.event(|event| event["number"] == 15 && event["text"] == "text");
    wait_for_counts(&daemon, [5, 4, 0, 0, 1, 0, 0]);
    daemon.stop();
}

/// What is too old, and what began in a thread that has ended, is given up, and counted; metrics say what status says.
#[test]
fn what_never_ends() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let daemon = Daemon::with(&[("a.yaml", &probe(&binary, "expire: 200ms", ""))]);
    let mut steps = Steps::start(&binary);
    steps.go(&["begin 1", "end 1", "begin 2", "begin 2", "begin 3"]);
    wait_for_counts(&daemon, [4, 1, 1, 0, 2, 0, 0]);
    steps.go(&["end 3", "end 2"]);
    wait_for_counts(&daemon, [4, 1, 1, 0, 2, 0, 0]);
    let text = metrics(&serde_json::from_value::<Status>(daemon.status()).unwrap());
    let outcome = |name: &str| {
        format!("ebpf_run_probe_spans_total{{file=\"probes.d/a.yaml\",probe=\"steps\",target=\"\",outcome=\"{name}\"}}")
    };
    for (series, count) in [
        (outcome("paired"), 1),
        (outcome("repeated"), 1),
        (outcome("cancelled"), 0),
        (outcome("expired"), 2),
        (outcome("full"), 0),
        (outcome("paired").replace("spans_total", "spans_started_total").replace(",outcome=\"paired\"", ""), 4),
        (outcome("paired").replace("spans_total", "spans_open").replace(",outcome=\"paired\"", ""), 0),
    ] {
        assert!(text.contains(&format!("\n{series} {count}\n")), "{series} {count}:\n{text}");
    }
    daemon.stop();
    // Without a time: the thread ends while the span is open; the process ends in the middle of a call.
    let by_thread = probe(&binary, "", "").replace("key: [arg0]", "key: [tid]");
    let in_thread =
        format!("  - name: steps\n    hook: {{ function: {{ binary: {binary}, symbol: hang, at: span }} }}\n");
    for (yaml, line, open) in [(by_thread, "thread begin 1", false), (in_thread, "hang 1", true)] {
        let daemon = Daemon::with(&[("a.yaml", &yaml)]);
        let mut steps = Steps::start(&binary);
        steps.go(&[line]);
        if open {
            wait_for_counts(&daemon, [1, 0, 0, 0, 0, 0, 1]);
            steps.kill();
        }
        wait_for_counts(&daemon, [1, 0, 0, 0, 1, 0, 0]);
        daemon.stop();
    }
}

/// A call that is under way while the file changes returns into the new version.
#[test]
fn a_call_goes_on() {
    need!(bpf());
    let yaml = |capture: &str, rest: &str| {
        format!(
            "  - name: steps\n    hook: {{ syscall: {{ name: clock_nanosleep, at: span }} }}\n    capture: {{ took: duration{capture} }}\n    \
             where: pid == {} && duration > 500ms\n{rest}",
            std::process::id()
        )
    };
    let mut daemon = Daemon::with(&[("a.yaml", &yaml("", ""))]);
    let sleeper = thread::spawn(|| thread::sleep(Duration::from_millis(1500)));
    wait_for("a call", || counts(&daemon)[6] > 0);
    daemon.write("a.yaml", &yaml(", error: retval as errno", "    labels: { a: b }\n"));
    daemon.ask(json!({ "command": "reload" }));
    sleeper.join().unwrap();
    let event = daemon.run.event(|event| event["a"] == "b");
    assert!(event["took"].as_u64().unwrap() >= 1_500_000_000 && event["error"].is_null(), "{event}");
    assert!(event.get("error").is_some(), "{event}");
    daemon.stop();
}

/// Snapshots that are counted, and profiles, while their file changes: each snapshot is whole, and the profile goes on.
#[test]
fn snapshots_and_profiles() {
    need!(bpf());
    let yaml = |labels: &str, frequency: u32| {
        format!(
            "  - name: processes\n    hook: {{ iter: task }}\n    where: pid == 2 && tid == 2\n    interval: 100ms\n    \
             aggregate: {{ by: [comm], values: {{ found: count() }} }}\n    labels: {{ version: {labels} }}\n  \
             - name: cpus\n    hook: {{ profile: {{ frequency: {frequency} }} }}\n    interval: 100ms\n    \
             aggregate: {{ by: [cpu], values: {{ samples: count() }} }}\n    labels: {{ version: {labels} }}\n"
        )
    };
    let mut daemon = Daemon::with(&[("a.yaml", &yaml("a", 99))]);
    for (version, frequency) in [("b", 99), ("c", 199), ("d", 199)] {
        daemon.write("a.yaml", &yaml(version, frequency));
        daemon.ask(json!({ "command": "reload" }));
        for probe in ["processes", "cpus"] {
            daemon.run.event(|event| event["probe"] == probe && event["version"] == version);
        }
    }
    let whole = daemon.run.events_now();
    let found: Vec<_> = whole
        .iter()
        .filter(|event| event["probe"] == "processes" && event["type"] == "sample")
        .map(|event| &event["found"])
        .collect();
    assert!(found.iter().all(|count| **count == 1), "{found:?}");
    daemon.stop();
}
