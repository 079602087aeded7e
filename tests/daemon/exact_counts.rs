// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables that go on while their file changes: each event is in one row, whatever is exchanged.

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::daemon::{Daemon, call};
use crate::exact::{End, QUICK};
use crate::lab::{bpf, need, tid, wait_for};

/// Changes, and exchanges of the table that there are at least; `EBPF_RUN_EXCHANGES` has more of them, and so more events.
const CHANGES: u64 = 50;

/// Two threads make calls as fast as they can, while tables are exchanged ten times a second and the file changes fifty times in what does
/// not touch the counts: the sum of all rows is the number of calls, by call stack as well.
#[test]
fn tables_go_on_through_changes() {
    need!(bpf());
    let exchanges = env::var("EBPF_RUN_EXCHANGES").ok().and_then(|number| number.parse().ok()).unwrap_or(CHANGES);
    let pid = std::process::id();
    let probes = |round: u64| {
        format!(
            "  - name: calls\n    description: Round {round}\n    hook: {{ syscall: sched_get_priority_max }}\n    \
             where: pid == {pid} && policy != -{round}\n    interval: 100ms\n    sinks: [\"jsonl:rows\"]\n    aggregate:\n      \
             - {{ name: numbers, by: {{ tid: tid, third: policy % 3 }}, values: {{ calls: count(), sum: sum(policy) }} }}\n      \
             - {{ name: stacks, by: [ustack(4)], values: {{ stacked: count() }} }}\n"
        )
    };
    let daemon = Daemon::start(&[("calls.yaml", &probes(0))], &QUICK);
    let (calls, sum, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let threads = thread::scope(|scope| {
        let load = || {
            while !ended.load(Ordering::Relaxed) {
                (1..=1000).for_each(call);
                calls.fetch_add(1000, Ordering::Relaxed);
                sum.fetch_add(500_500, Ordering::Relaxed);
            }
            tid()
        };
        let threads = [scope.spawn(load), scope.spawn(load)];
        // Also when the test fails.
        let _end = End(&ended);
        for round in 1..=CHANGES {
            daemon.write("calls.yaml", &probes(round));
            daemon.wait_until("calls", "changed", |probe| probe["generation"] == round + 1);
        }
        let exchanged = || {
            let mut times: Vec<_> = daemon.lines("rows").iter().map(|row| row["ts"].to_string()).collect();
            times.dedup();
            times.len() as u64 / 2
        };
        wait_for("exchanges", || exchanged() >= exchanges);
        ended.store(true, Ordering::Relaxed);
        threads.map(|thread| thread.join().unwrap())
    });
    let (calls, sum) = (calls.into_inner(), sum.into_inner());
    let (_, lab) = daemon.stop();
    let text = std::fs::read_to_string(lab.path("rows")).unwrap();
    let rows: Vec<_> = text.lines().map(crate::lab::json).collect();
    let total = |value: &str| rows.iter().filter_map(|row| row[value].as_u64()).sum::<u64>();
    println!("{calls} calls, {} rows", rows.len());
    assert_eq!((total("calls"), total("sum"), total("stacked")), (calls, sum, calls));
    assert!(
        rows.iter().filter(|row| row["table"] == "numbers").all(|row| threads.contains(&row["tid"].as_u64().unwrap()))
    );
}
