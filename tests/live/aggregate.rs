// SPDX-License-Identifier: MIT OR Apache-2.0
//! `aggregate`: each event is counted once, whatever is exchanged meanwhile; what is calculated in the kernel is what Rust calculates.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use ebpf_run::spec::Buckets;
use serde_json::{Value, json};

use crate::lab::{Ended, Lab, bpf, need, tool, wait_for};

/// One test at a time makes the calls that all of them count.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A system call that nobody else makes, with a number of ours: it fails for most.
fn call(number: i32) {
    // SAFETY: it takes a number, and changes nothing.
    unsafe { libc::syscall(libc::SYS_sched_get_priority_max, number) };
}

fn pid() -> u32 {
    std::process::id()
}

/// The rows of a probe, or of a table.
fn rows<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    let is_its = |event: &&Value| event["type"] == "sample" && (event["probe"] == name || event["table"] == name);
    events.iter().filter(is_its).collect()
}

fn sum(rows: &[&Value], value: &str) -> u64 {
    rows.iter().filter_map(|row| row[value].as_u64()).sum()
}

/// What the summary says was counted.
fn counted(ended: &Ended) -> u64 {
    let line = ended.stderr.lines().find_map(|line| line.trim().strip_prefix("counted: "));
    line.unwrap_or_default().replace(',', "").parse().unwrap()
}

/// Two threads make calls while tables are exchanged ten times a second: each call is in exactly one row, up to the last before Ctrl-C.
#[test]
fn each_event_is_counted_once() {
    need!(bpf());
    let _turn = turn();
    const CALLS: u64 = 20_000;
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ syscall: sched_get_priority_max }}\n    where: pid == {}\n    interval: 100ms\n    \
         aggregate: {{ by: [tid], values: {{ calls: count(), failed: count() if retval < 0 }} }}\n",
        pid()
    );
    let run = lab.ready(&yaml, &[]);
    let (rounds, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let body = || {
            while !enough.load(Ordering::Relaxed) {
                (0..CALLS).for_each(|number| call(number as i32 & 7));
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        };
        let threads = [scope.spawn(body), scope.spawn(body)];
        wait_for("ten exchanges", || run.events_now().len() >= 20);
        enough.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let rounds = rounds.into_inner();
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let rows = rows(&events, "calls");
    assert_eq!((sum(&rows, "calls"), counted(&ended)), (rounds * CALLS, rounds * CALLS));
    // Of 0 to 7 there is no policy 4.
    assert_eq!(sum(&rows, "failed"), rounds * CALLS / 8);
    let mut of_thread: BTreeMap<u64, u64> = BTreeMap::new();
    rows.iter()
        .for_each(|row| *of_thread.entry(row["tid"].as_u64().unwrap()).or_default() += row["calls"].as_u64().unwrap());
    assert!(of_thread.len() == 2 && of_thread.values().all(|calls| calls % CALLS == 0), "{of_thread:?}");
}

/// Sums, extremes, means, histograms and what is calculated, for numbers of both signs.
#[test]
fn what_is_counted() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: numbers\n    hook: {{ syscall: sched_get_priority_max }}\n    where: pid == {}\n    interval: end\n    aggregate:\n      \
         - name: all\n        values:\n          number: count()\n          sum: sum(policy)\n          least: min(policy)\n          \
         most: max(policy)\n          mean: avg(policy)\n          odd: count() if policy % 2 != 0\n          powers: histogram(policy)\n          \
         even: {{ histogram: policy, linear: [-100, 100, 50] }}\n          own: {{ histogram: policy * 3, buckets: [-30, 0, 7] }}\n          \
         ratio: max(1000 / policy)\n      \
         - name: by_key\n        by: {{ third: policy / 3 % 5, high: (policy as u32) >> 30, negative: policy < 0, error: retval as errno }}\n        \
         values: {{ calls: count() }}\n",
        pid()
    );
    let run = lab.ready(&yaml, &[]);
    let numbers: Vec<i32> = (-120..=120).chain([i32::MIN, i32::MAX, 77_777]).collect();
    numbers.iter().for_each(|number| call(*number));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let all = rows(&events, "all");
    let [all] = all[..] else { panic!("one row: {all:?}") };
    let wide = || numbers.iter().map(|number| i64::from(*number));
    let histogram = |buckets: Buckets, of: &dyn Fn(i64) -> i64| {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        wide().for_each(|number| *counts.entry(buckets.of(of(number).into())).or_default() += 1);
        counts
            .into_iter()
            .map(|(bucket, count)| {
                let (low, high) = buckets.edges(bucket);
                json!([low.map(|low| low as i64), high.map(|high| high as i64), count])
            })
            .collect::<Value>()
    };
    let sum: i64 = wide().sum();
    for (value, expected) in [
        ("number", json!(numbers.len())),
        ("sum", json!(sum)),
        ("least", json!(i32::MIN)),
        ("most", json!(i32::MAX)),
        ("mean", json!(sum / numbers.len() as i64)),
        ("odd", json!(wide().filter(|number| number % 2 != 0).count())),
        ("powers", histogram(Buckets::PowersOfTwo, &|number| number)),
        ("even", histogram(Buckets::Linear { low: -100, high: 100, step: 50 }, &|number| number)),
        ("own", histogram(Buckets::Edges([-30, 0, 7].into()), &|number| number * 3)),
        ("ratio", json!(1000)),
    ] {
        assert_eq!(all[value], expected, "{value}");
    }
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for number in &numbers {
        let known = [0, 1, 2, 3, 5, 6, 7].contains(number);
        let error = if known { "null" } else { "\"EINVAL\"" };
        let key = format!("{} {} {} {error}", number / 3 % 5, number.cast_unsigned() >> 30, *number < 0);
        *expected.entry(key).or_default() += 1;
    }
    let key = |row: &Value| format!("{} {} {} {}", row["third"], row["high"], row["negative"], row["error"]);
    let found: BTreeMap<String, u64> =
        rows(&events, "by_key").into_iter().map(|row| (key(row), row["calls"].as_u64().unwrap())).collect();
    assert_eq!(found, expected);
}

/// What a table has no room for is lost, and said; what it has room for is counted.
#[test]
fn a_full_table() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ syscall: sched_get_priority_max }}\n    where: pid == {}\n    interval: end\n    aggregate:\n      \
         - {{ name: one, by: [policy], values: {{ calls: count() }}, max_keys: 4 }}\n      \
         - {{ name: two, by: {{ comm: comm, odd: policy % 2, third: policy / 3 }}, values: {{ calls: count() }}, max_keys: 5 }}\n      \
         - {{ name: enough, by: [policy], values: {{ calls: count() }}, max_keys: 10 }}\n",
        pid()
    );
    let run = lab.ready(&yaml, &[]);
    (0..100).for_each(|number| call(number % 10));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let of = |table: &str| (rows(&events, table).len(), sum(&rows(&events, table), "calls"));
    assert_eq!((of("one"), of("two").0, of("enough")), ((4, 40), 5, (10, 100)));
    // What one of them has no room for is counted by the others; it is lost all the same.
    let ended = ended.says("table full 60");
    assert_eq!(counted(&ended), 40);
    let said = [
        "the table `one` has room for 4 keys, and the key that grew most is `policy` with 4 values; set `max_keys: 16`, or leave `policy` out of `by`",
        "the table `two` has room for 5 keys, and the key that grew most is `third` with 3 values; set `max_keys: 20`",
    ];
    // In the log, and in the summary.
    for line in said {
        assert_eq!(ended.stderr.matches(line).count(), 2, "{line}\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("table `enough`"), "{}", ended.stderr);
}

/// Two numbers that are true are one key, and a capture that is calculated is one as well.
#[test]
fn truth_values_and_calculated_captures() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ syscall: sched_get_priority_max }}\n    where: pid == {}\n    interval: end\n    \
         capture: {{ next: policy + 1, many: policy > 4 }}\n    aggregate:\n      \
         - {{ name: truth, by: {{ wide: policy as bool, byte: (policy as u8) as bool }}, values: {{ calls: count() }} }}\n      \
         - {{ name: calculated, by: {{ next: next, hex: next as hex, many: many }}, values: {{ calls: count() }} }}\n",
        pid()
    );
    let run = lab.ready(&yaml, &[]);
    [0, 1, 2, 5, 5, 256].into_iter().for_each(call);
    let events = run.interrupt().code(0).events();
    let of = |table: &str, names: &[&str]| -> Vec<Value> {
        let row = |row: &Value| names.iter().map(|name| row[*name].clone()).collect();
        let mut all: Vec<Value> = rows(&events, table).into_iter().map(row).collect();
        all.sort_by_key(Value::to_string);
        all
    };
    let truth = [json!([false, false, 1]), json!([true, false, 1]), json!([true, true, 4])];
    assert_eq!(of("truth", &["wide", "byte", "calls"]), truth);
    let calculated = [
        json!([1, "0x1", false, 1]),
        json!([2, "0x2", false, 1]),
        json!([257, "0x101", true, 1]),
        json!([3, "0x3", false, 1]),
        json!([6, "0x6", true, 2]),
    ];
    assert_eq!(of("calculated", &["next", "hex", "many", "calls"]), calculated);
}

/// `top` reports the first rows, by the value that it names; a table that is cumulative never begins again.
#[test]
fn first_rows_and_sums() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: top\n    hook: &hook {{ syscall: sched_get_priority_max }}\n    where: &own pid == {}\n    interval: end\n    \
         aggregate: {{ by: [policy], values: {{ calls: count(), sum: sum(policy) }}, top: 2 by sum }}\n  \
         - name: sums\n    hook: *hook\n    where: *own\n    interval: 100ms\n    \
         aggregate: {{ by: [policy], values: {{ calls: count() }}, cumulative: true }}\n",
        pid()
    );
    let mut run = lab.ready(&yaml, &[]);
    [1, 1, 1, 1, 30, 20, 20].into_iter().for_each(call);
    run.event(|event| event["probe"] == "sums" && event["policy"] == 1 && event["calls"] == 4);
    call(1);
    run.event(|event| event["probe"] == "sums" && event["policy"] == 1 && event["calls"] == 5);
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let top: Vec<Value> =
        rows(&events, "top").into_iter().map(|row| json!([row["policy"], row["sum"], row["left_out"]])).collect();
    assert_eq!(top, [json!([20, 40, 1]), json!([30, 30, 1])]);
}

/// All targets of a probe count in one table; a name that one of them lacks counts there as null.
#[test]
fn targets_share_a_table() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ tracepoint: [\"raw_syscalls:sys_enter\", \"raw_syscalls:sys_exit\"] }}\n    \
         where: [pid == {}, id == {}]\n    interval: end\n    \
         aggregate: {{ by: [event, id], values: {{ seen: count(), ret: sum(ret), errors: count() if ret < 0 }} }}\n",
        pid(),
        libc::SYS_sched_get_priority_max,
    );
    let run = lab.ready(&yaml, &[]);
    (0..10).for_each(|_| call(-1));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let mut found: Vec<Value> =
        rows(&events, "calls").into_iter().map(|row| json!([row["event"], row["seen"], row["errors"]])).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, [json!(["raw_syscalls:sys_enter", 10, 0]), json!(["raw_syscalls:sys_exit", 10, 10])]);
    assert_eq!(
        rows(&events, "calls").iter().filter_map(|row| row["ret"].as_i64()).sum::<i64>(),
        -10 * i64::from(libc::EINVAL)
    );
}

/// What cannot be counted is refused where it stands.
#[test]
fn refusals() {
    need!(bpf());
    let _turn = turn();
    let lab = Lab::new();
    for (aggregate, message) in [
        ("{ values: { x: histogram(filename) } }", "`histogram` needs a number, and `filename` is a text"),
        (
            "{ values: { x: sum(retval as errno) } }",
            "`sum` needs a number, and `retval as errno` is a number with names (`errno`)",
        ),
        (
            "{ values: { x: avg(filename as hex) } }",
            "`avg` needs a number, and `filename as hex` is an address or a mask",
        ),
        (
            "{ values: { x: count() if size(comm) > 3 } }",
            "the kernel cannot decide `size(comm) > 3`: it asks for a size",
        ),
        (
            "{ values: { x: { histogram: retval, linear: [0, 10ms, 1ms] } } }",
            "`retval` is no time, and the edges of its histogram are",
        ),
        (
            "{ values: { x: { histogram: retval as duration, buckets: [0, 10] } } }",
            "`retval as duration` is a time, and the edges of its histogram are not",
        ),
        ("{ by: { x: '3' }, values: { x: count() } }", "a key and a value have the name `x`"),
        ("{ by: { x: '3' }, values: { y: count() } }", "`3` is always the same"),
        (
            "{ by: { x: filename as string(400), y: filename as string(200) }, values: { z: count() } }",
            "the keys have ",
        ),
        ("{ by: [nothing], values: { z: count() } }", "system call `openat` has no argument `nothing`"),
    ] {
        let path =
            lab.yaml(&format!("probes:\n  - name: a\n    hook: {{ syscall: openat }}\n    aggregate: {aggregate}\n"));
        let ended = lab.run(&["check", "--kernel", path.to_str().unwrap()]);
        let said = ended.stdout.join("\n");
        assert!(said.contains(message), "{aggregate}: {said}");
    }
    let path = lab.yaml(
        "probes:\n  - name: a\n    hook: { syscall: openat }\n    where: filename.glob(\"*a\")\n    aggregate: { values: { x: count() } }\n",
    );
    let ended = lab.run(&["check", "--kernel", path.to_str().unwrap()]);
    let said = ended.stdout.join(
        "
",
    );
    assert!(said.contains("the kernel cannot decide `filename.glob(\"*a\")`"), "{said}");
}

/// Parts of sockets are keys: each connection is counted by where it went, and what is no end of the internet has no port.
#[test]
fn parts_of_sockets() {
    need!(bpf());
    let lab = Lab::new();
    let listeners = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ syscall: connect }}\n    where: pid == {}\n    interval: end\n    \
         aggregate: {{ by: {{ port: uservaddr.port, ip: uservaddr.ip, family: uservaddr.family, end: uservaddr }}, values: {{ calls: count() }} }}\n",
        pid()
    );
    let run = lab.ready(&yaml, &[]);
    for (port, times) in ports.into_iter().zip([3, 5]) {
        (0..times).for_each(|_| drop(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()));
    }
    let nowhere = lab.text("nowhere");
    assert!(std::os::unix::net::UnixStream::connect(&nowhere).is_err());
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let found = |port: Value, ip: Value, family: &str, end: String, calls: u64| {
        let wanted = json!({ "port": port, "ip": ip, "family": family, "end": end, "calls": calls });
        let is_it = |row: &&Value| wanted.as_object().unwrap().iter().all(|(name, value)| &row[name] == value);
        assert_eq!(events.iter().filter(is_it).count(), 1, "{wanted}: {events:#?}");
    };
    for (port, calls) in ports.into_iter().zip([3, 5]) {
        found(port.into(), "127.0.0.1".into(), "AF_INET", format!("127.0.0.1:{port}"), calls);
    }
    found(Value::Null, Value::Null, "AF_UNIX", format!("unix:{nowhere}"), 1);
    assert_eq!(rows(&events, "calls").len(), 3, "{events:#?}");
}

/// A key that the stack of a program has no room for works at functions of programs.
#[test]
fn large_keys_of_functions() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = crate::called::compile(&lab);
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ function: {{ binary: \"{binary}\", symbol: answer }} }}\n    interval: 100ms\n    \
         aggregate: {{ by: {{ text: arg1 as user_string(300), comm: comm }}, values: {{ calls: count() }} }}\n"
    );
    let run = lab.ready(&yaml, &[]);
    let text = "long".repeat(70);
    let mut processes = [(); 3].map(|()| crate::called::Called::start(&binary, &text));
    processes.iter_mut().for_each(|process| (0..4).for_each(|_| process.call(1000)));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let rows = rows(&events, "calls");
    assert!(rows.iter().all(|row| row["text"] == text), "{rows:#?}");
    assert_eq!((sum(&rows, "calls"), counted(&ended)), (12_000, 12_000));
}

/// The greatest of all values is kept, wherever programs interrupt one another: the C of the kernel's side, in all ways in which four can.
#[test]
fn extremes_of_interrupted_programs() {
    let (lab, source) = (Lab::new(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/greatest.c"));
    let binary = lab.path("greatest");
    let compiled =
        std::process::Command::new("cc").args(["-O1", "-w", "-o"]).arg(&binary).arg(source).status().unwrap();
    assert!(compiled.success());
    let output = std::process::Command::new(&binary).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("0 of 29256 "), "{said}");
}

/// A snapshot is counted as a whole: as often as /proc has threads of a name, each time, up to the one that is interrupted. One that is
/// taken once ends the run.
#[test]
fn snapshots() {
    need!(bpf());
    const THREADS: usize = 7;
    let lab = Lab::new();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let receiver = std::sync::Arc::new(Mutex::new(receiver));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let receiver = std::sync::Arc::clone(&receiver);
            let body = move || drop(receiver.lock().map(|receiver| receiver.recv()));
            thread::Builder::new().name("counted-thread".to_owned()).spawn(body).unwrap()
        })
        .collect();
    let yaml = |interval: &str| {
        format!(
            "probes:\n  - name: threads\n    hook: {{ iter: task }}\n    where: pid == {}\n    {interval}\n    aggregate:\n      \
             - {{ name: by_name, by: [comm], values: {{ threads: count() }}, max_keys: 4096 }}\n      \
             - {{ name: all, values: {{ threads: count(), processes: count() if pid == tid }} }}\n",
            pid()
        )
    };
    let named = |events: &[Value]| -> Vec<u64> {
        let rows = rows(events, "by_name").into_iter().filter(|row| row["comm"] == "counted-thread");
        rows.map(|row| row["threads"].as_u64().unwrap()).collect()
    };
    wait_for("the threads", || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name == "counted-thread\n").count() == THREADS
    });
    let once = lab.whole(&yaml(""), &[]).code(0);
    assert_eq!(named(&once.events()), [THREADS as u64]);
    let processes =
        |events: &[Value]| rows(events, "all").iter().map(|row| row["processes"].clone()).collect::<Value>();
    assert_eq!(processes(&once.events()), json!([1]));
    let run = lab.ready(&yaml("interval: 100ms"), &[]);
    wait_for("five snapshots", || named(&run.events_now()).len() >= 5);
    let ended = run.interrupt().code(0);
    let events = ended.events();
    assert!(named(&events).iter().all(|threads| *threads == THREADS as u64), "{events:?}");
    assert_eq!(
        (sum(&rows(&events, "by_name"), "threads"), sum(&rows(&events, "all"), "threads")),
        (counted(&ended), counted(&ended))
    );
    drop(sender);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
