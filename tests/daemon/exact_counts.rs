// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables that go on while their file changes: each event is in one row, whatever is exchanged.

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::exact::{End, QUICK};
use crate::lab::{bpf, need, tid, wait_for};

/// Changes, and exchanges of the table that there are at least; `EBPF_RUN_EXCHANGES` has more of them, and so more events.
const CHANGES: u64 = 50;

/// A system call that no other test makes, and that the kernel refuses: it would do nothing.
fn call(n: u32) {
    // SAFETY: takes two numbers.
    unsafe { libc::syscall(libc::SYS_flock, n, 0) };
}

/// Two threads make calls, while tables are exchanged ten times a second and the file changes fifty times in what does
/// not touch the counts: the sum of all rows is the number of calls, by call stack as well.
#[test]
fn tables_go_on_through_changes() {
    need!(bpf());
    let exchanges = env::var("EBPF_RUN_EXCHANGES").ok().and_then(|number| number.parse().ok()).unwrap_or(CHANGES);
    let pid = std::process::id();
    let probes = |round: u64| {
        format!(
            "  - name: calls\n    description: Round {round}\n    hook: {{ syscall: flock }}\n    \
             where: pid == {pid} && fd != {}\n    interval: 100ms\n    sinks: [\"jsonl:rows\"]\n    aggregate:\n      \
             - {{ name: numbers, by: {{ tid: tid, third: fd % 3 }}, values: {{ calls: count(), sum: sum(fd) }} }}\n      \
             - {{ name: stacks, by: [ustack(4)], values: {{ stacked: count() }} }}\n",
            5000 + round
        )
    };
    let daemon = Daemon::start(&[("calls.yaml", &probes(0))], &QUICK);
    let (calls, sum, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let threads = thread::scope(|scope| {
        let load = || {
            while !ended.load(Ordering::Relaxed) {
                (11..=1010).for_each(call);
                // Other tests have to keep up.
                thread::sleep(if exchanges > CHANGES { Duration::ZERO } else { Duration::from_millis(5) });
                calls.fetch_add(1000, Ordering::Relaxed);
                sum.fetch_add(510_500, Ordering::Relaxed);
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
            let rows = daemon.lines("rows").into_iter().filter(|row| row["table"] == "numbers");
            let mut times: Vec<_> = rows.map(|row| row["ts"].to_string()).collect();
            times.dedup();
            times.len() as u64
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
