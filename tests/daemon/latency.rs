// SPDX-License-Identifier: MIT OR Apache-2.0
//! How soon a change counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::daemon::{Daemon, call, calls};
use crate::lab::{bpf, need};

/// System calls that nobody makes while a test runs. Few: closing the last probe at one of them takes the kernel a grace
/// period of RCU, one after the other.
const RARE: [&str; 5] = ["acct", "io_cancel", "pivot_root", "quotactl", "vhangup"];

/// Probes that run and have nothing to do, 10 a file.
pub(crate) fn idle_probes(count: usize) -> Vec<(String, String)> {
    let probe = |index: usize| {
        let side = if (index / RARE.len()).is_multiple_of(2) { "enter" } else { "exit" };
        let name = RARE[index % RARE.len()];
        format!(
            "  - {{ name: idle{index}, hook: {{ tracepoint: \"syscalls:sys_{side}_{name}\" }}, sinks: [\"jsonl:idle\"] }}\n"
        )
    };
    let file = |first: usize| (first..(first + 10).min(count)).map(probe).collect();
    (0..count).step_by(10).map(|first| (format!("idle{first}.yaml"), file(first))).collect()
}

/// Everything about each probe that a change must not touch.
fn untouched(status: &Value) -> BTreeMap<String, Value> {
    let probes = status["probes"].as_array().unwrap().iter();
    let idle = probes.filter(|probe| probe["name"].as_str().unwrap().starts_with("idle"));
    let what = |probe: &Value| ["links", "generation", "since_unix_ns", "state"].map(|field| probe[field].clone());
    idle.map(|probe| (probe["name"].to_string(), what(probe).to_vec().into())).collect()
}

/// A sink that is written all the time, in the directory of the files: a change counts as soon.
#[test]
fn a_sink_beside_the_files() {
    need!(bpf());
    let probe = |captures: u64| {
        let more: String = (0..captures).map(|at| format!(", c{at}: policy as hex")).collect();
        calls("one", "sinks: [\"jsonl:probes.d/events.log\"]").replace("as u32 }", &format!("as u32{more} }}"))
    };
    let daemon = Daemon::start(&[("a.yaml", &probe(0))], &[]);
    let ended = AtomicBool::new(false);
    let mut times = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                call(1);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let times: Vec<Duration> = (1..4).map(|round| change(&daemon, &probe(round), round + 1)).collect();
        ended.store(true, Ordering::Relaxed);
        times
    });
    times.sort();
    assert!(times[1] <= Duration::from_millis(500), "{times:?}");
    // A file that a link leads to may have any name.
    let target = daemon.lab.path("settings");
    std::fs::write(&target, format!("version: 1\nprobes:\n{}", calls("two", ""))).unwrap();
    std::os::unix::fs::symlink(&target, daemon.file("b.yaml")).unwrap();
    daemon.wait("two", "running");
    std::fs::write(&target, format!("version: 1\nprobes:\n{}", calls("three", ""))).unwrap();
    daemon.wait("three", "running");
    daemon.stop();
}

/// Renames a changed file into place; the time until the new program is attached.
fn change(daemon: &Daemon, probes: &str, generation: u64) -> Duration {
    let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    daemon.write("a.yaml", probes);
    let now = daemon.wait_until("one", "replaced", |probe| probe["generation"] == generation);
    Duration::from_nanos(now["since_unix_ns"].as_u64().unwrap()) - start
}

/// With 200 other probes and the debounce that nobody chose, a renamed file counts within half a second, and touches
/// nothing else.
#[test]
fn half_a_second() {
    need!(bpf());
    let mut files = idle_probes(200);
    files.push(("a.yaml".to_owned(), calls("one", "sinks: [\"jsonl:one.jsonl\"]")));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, probes)| (name.as_str(), probes.as_str())).collect();
    let daemon = Daemon::start(&files, &[]);
    let before = untouched(&daemon.status());
    assert_eq!(before.len(), 200);
    assert!(before.values().all(|probe| probe[3] == "running"), "{before:?}");
    let mut times = Vec::new();
    for round in 0..5 {
        let label = format!("hex{round}");
        let changed = calls("one", "sinks: [\"jsonl:one.jsonl\"]")
            .replace("as u32 }", &format!("as u32, {label}: policy as hex }}"));
        times.push(change(&daemon, &changed, round + 2));
    }
    times.sort();
    assert!(times[2] <= Duration::from_millis(500), "{times:?}");
    assert_eq!(untouched(&daemon.status()), before);
    daemon.stop();
}
