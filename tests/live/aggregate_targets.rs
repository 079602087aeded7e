// SPDX-License-Identifier: MIT OR Apache-2.0
//! `aggregate` of a probe with several targets: all of them count in the same tables. And `check --kernel` of what counts.

use crate::lab::{Lab, bpf, need};

/// What counts is verified as it is loaded: with its tables, and with the sets of all its hooks.
#[test]
fn check_verifies_what_counts() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(
        "sets: { names: { text: [a, b] }, numbers: { number: [1, 2] } }\nprobes:\n  \
         - name: calls\n    hook: { syscall: openat }\n    where: filename in names\n    \
         aggregate: { by: [comm, filename as string(100)], values: { calls: count() if dfd in numbers } }\n  \
         - name: spans\n    hook:\n      span:\n        \
         start: { tracepoint: \"sched:sched_switch\", key: [prev_pid], where: prev_pid in numbers }\n        \
         end: { tracepoint: \"sched:sched_switch\", key: [next_pid] }\n    \
         aggregate: { values: { took: histogram(duration) } }\n  \
         - name: events\n    hook:\n      span:\n        \
         start: { tracepoint: \"sched:sched_switch\", key: [prev_pid], where: prev_comm in names }\n        \
         end: { tracepoint: \"sched:sched_switch\", key: [next_pid] }\n    capture: { took: duration }\n",
    );
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(0);
}
