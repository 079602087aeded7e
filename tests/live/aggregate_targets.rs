// SPDX-License-Identifier: MIT OR Apache-2.0
//! `aggregate` of a probe with several targets: all of them count in the same tables. And `check --kernel` of what counts.

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need, wait_for};

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

/// What a target lacks is null there, in what is calculated as well: rows and numbers are those of the others.
#[test]
fn what_a_target_lacks() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ tracepoint: [\"raw_syscalls:sys_enter\", \"raw_syscalls:sys_exit\"] }}\n    \
         where: [pid == {}, id == {}]\n    interval: end\n    aggregate:\n      by: {{ event: event, result: -ret }}\n      \
         values: {{ seen: count(), sum: sum(-ret), half: histogram(ret / 2), least: min(ret), ours: count() if -ret == 22 }}\n",
        std::process::id(),
        libc::SYS_sched_rr_get_interval,
    );
    let run = lab.ready(&yaml, &[]);
    for _ in 0..10 {
        // SAFETY: of no process there is no interval.
        assert_eq!(unsafe { libc::syscall(libc::SYS_sched_rr_get_interval, -1, 0) }, -1);
    }
    let events = run.interrupt().code(0).events();
    let of = |event: &str| events.iter().find(|row| row["event"] == event).unwrap();
    let values = |row: &Value| ["result", "seen", "sum", "half", "least", "ours"].map(|name| row[name].clone());
    assert_eq!(
        values(of("raw_syscalls:sys_enter")),
        [json!(null), json!(10), json!(0), json!([]), json!(null), json!(0)]
    );
    assert_eq!(
        values(of("raw_syscalls:sys_exit")),
        [json!(22), json!(10), json!(220), json!([[null, 0, 10]]), json!(-22), json!(10)]
    );
}

/// Calls that never return are counted at their entry; nobody knows how long they take. Alone they have no span.
#[test]
fn calls_without_a_return() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "probes:\n  - name: events\n    hook: { syscall: { name: [exit_group, umask], at: span } }\n    \
                where: comm == \"exits\"\n    capture: { took: duration, result: end.retval, code: error_code, a0: start.arg0 }\n  \
                - name: rows\n    hook: { syscall: { name: [exit_group, umask], at: span } }\n    where: comm == \"exits\"\n    \
                interval: end\n    aggregate: { by: [syscall, error_code], values: { calls: count(), time: sum(duration), worst: max(duration) } }\n";
    let run = lab.ready(yaml, &[]);
    let shell = lab.text("exits");
    crate::lab::sh(&format!("cp /bin/sh {shell}; for i in 1 2 3; do {shell} -c 'umask 7; exit 5' || :; done"));
    let events = run.interrupt().code(0).events();
    let exits: Vec<&Value> = events.iter().filter(|event| event["probe"] == "events" && event["code"] == 5).collect();
    assert_eq!(exits.len(), 3);
    assert!(exits.iter().all(|event| event["took"].is_null() && event["result"].is_null() && event["a0"] == 5));
    let rows: Vec<&Value> = events.iter().filter(|event| event["probe"] == "rows").collect();
    let of = |call: &str| *rows.iter().find(|row| row["syscall"] == call).unwrap();
    let exit = of("exit_group");
    assert_eq!((&exit["error_code"], &exit["calls"]), (&json!(5), &json!(3)));
    assert_eq!((&exit["time"], &exit["worst"]), (&json!(0), &json!(null)));
    assert!(of("umask")["error_code"].is_null() && of("umask")["calls"].as_u64() > Some(0));
    assert!(of("umask")["time"].as_u64() > Some(0));

    lab.yaml("probes:\n  - name: a\n    hook: { syscall: { name: exit_group, at: span } }\n    capture: { took: duration }\n");
    let said = lab.run(&["check", "--kernel", "probes.yaml"]).code(1).stdout.join("\n");
    assert!(said.contains("`exit_group` has no return: nobody knows how long it takes"), "{said}");
}

/// No target has all that is counted: rows are reported at each interval all the same, and each number is what its target says it is.
#[test]
fn what_each_target_lacks() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ tracepoint: [\"raw_syscalls:sys_enter\", \"raw_syscalls:sys_exit\"] }}\n    \
         where: [pid == {}, id == {}]\n    interval: 100ms\n    aggregate:\n      \
         values: {{ seen: count(), most: max(ret), least: min(ret), first: \"max(args[1])\", last: \"min(args[1])\" }}\n",
        std::process::id(),
        libc::SYS_sched_rr_get_interval,
    );
    let run = lab.ready(&yaml, &[]);
    let call = || {
        // SAFETY: of no process there is no interval.
        assert_eq!(unsafe { libc::syscall(libc::SYS_sched_rr_get_interval, -1, 5) }, -1);
    };
    call();
    wait_for("the first interval", || !run.events_now().is_empty());
    call();
    let events = run.interrupt().code(0).events();
    assert!(events.len() >= 2, "{events:?}");
    assert_eq!(events.iter().filter_map(|row| row["seen"].as_u64()).sum::<u64>(), 4);
    let numbers =
        |name: &str| events.iter().map(|row| row[name].clone()).filter(|value| !value.is_null()).collect::<Vec<_>>();
    for (name, expected) in [("most", -22), ("least", -22), ("first", 5), ("last", 5)] {
        assert_eq!(numbers(name), [json!(expected), json!(expected)], "{name}: {events:?}");
    }
}

/// Targets of which each lacks something count in one table all the same: it is reported at each interval, all rows at the same time, and
/// a number has the sign that it has where it is read.
#[test]
fn targets_that_lack_different_names() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: life\n    hook: { tracepoint: [\"sched:sched_process_exec\", \"sched:sched_process_exit\"] }\n    \
         interval: 200ms\n    aggregate:\n      by: { event: event, file: filename, priority: prio, minus: -prio, comm: current.comm }\n      \
         values: { seen: count(), from: max(old_pid), worst: max(prio), least: min(-prio), how: histogram(-old_pid) }\n",
        &[],
    );
    let program = lab.text("lacks");
    crate::lab::sh(&format!("cp /bin/true {program}; for i in 1 2 3 4; do {program}; sleep 0.07; done"));
    let exit = run.event(|row| row["comm"] == "lacks" && row["event"] == "sched:sched_process_exit");
    let events = run.interrupt().code(0).events();
    let is_exec = |row: &&Value| row["comm"] == "lacks" && row["event"] == "sched:sched_process_exec";
    let exec = events.iter().find(is_exec).unwrap();
    assert!(exec["interval_ms"].as_u64() < Some(1500), "{exec}");
    assert_eq!((&exec["file"], &exec["priority"], &exec["minus"]), (&json!(program), &json!(null), &json!(null)));
    assert_eq!((&exec["worst"], &exec["least"]), (&json!(null), &json!(null)));
    assert!(exec["from"].as_u64().is_some_and(|pid| pid < 1 << 22), "{exec}");
    assert_eq!(exec["how"], json!([[null, 0, exec["seen"]]]));
    assert_eq!((&exit["file"], &exit["priority"], &exit["minus"]), (&json!(null), &json!(120), &json!(-120)));
    assert_eq!((&exit["worst"], &exit["least"], &exit["from"]), (&json!(120), &json!(-120), &json!(null)));
    // What happens within an interval is in one report.
    let reports = |event: &str| -> std::collections::BTreeSet<&str> {
        let rows = events.iter().filter(|row| row["comm"] == "lacks" && row["event"] == *event);
        rows.filter_map(|row| row["ts"].as_str()).collect()
    };
    assert!(!reports("sched:sched_process_exec").is_disjoint(&reports("sched:sched_process_exit")), "{events:?}");
}
