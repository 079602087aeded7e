// SPDX-License-Identifier: MIT OR Apache-2.0
//! How soon a change counts.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::daemon::{Daemon, calls};
use crate::lab::{bpf, need};

/// System calls that nobody makes while a test runs. Few: closing the last probe at one of them takes the kernel a grace
/// period of RCU, one after the other.
const RARE: [&str; 5] = ["acct", "io_cancel", "pivot_root", "quotactl", "vhangup"];

/// Probes that run and have nothing to do, 10 a file.
pub(crate) fn idle_probes(count: usize) -> Vec<(String, String)> {
    let known =
        |name: &&str| std::path::Path::new(&format!("/sys/kernel/tracing/events/syscalls/sys_enter_{name}")).exists();
    let rare: Vec<&str> = RARE.into_iter().filter(known).collect();
    let probe = |index: usize| {
        let side = if (index / RARE.len()) % 2 == 0 { "enter" } else { "exit" };
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
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        daemon.write("a.yaml", &changed);
        let now = daemon.wait_until("one", "replaced", |probe| probe["generation"] == round + 2);
        let attached = Duration::from_nanos(now["since_unix_ns"].as_u64().unwrap());
        times.push(attached - start);
    }
    times.sort();
    assert!(times[2] <= Duration::from_millis(500), "{times:?}");
    assert_eq!(untouched(&daemon.status()), before);
    daemon.stop();
}
