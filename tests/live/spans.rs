// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spans: what begins at one hook and ends at another, and of each that begins what became of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Ended, Lab, bpf, need, sh, tid, tool};
use crate::steps::{Steps, compile};

/// What the summary says became of the spans, in its order: `started 2; paired 1; open 1`. It adds up.
#[track_caller]
fn became(ended: &Ended, expected: &str) {
    let line = ended.stderr.lines().find_map(|line| line.trim().strip_prefix("spans: "));
    assert_eq!(line, Some(expected), "{}", ended.stderr);
    let counts = expected.split("; ").map(|part| part.rsplit_once(' ').unwrap());
    let counts: BTreeMap<&str, u64> =
        counts.map(|(name, count)| (name, count.replace(',', "").parse().unwrap())).collect();
    let others: u64 = counts.iter().filter(|(name, _)| **name != "started").map(|(_, count)| count).sum();
    assert_eq!(counts["started"], others);
}

/// A probe over functions of the program. `span` is what the span has beside the start and the end that most have, `rest` what the probe
/// has beside its hook.
fn probe(binary: &str, span: &str, rest: &str) -> String {
    format!(
        "probes:\n  - name: steps\n    hook:\n      span:\n        start: {{ uprobe: \"{binary}:begin\", key: [arg0] }}\n        \
         end: {{ uprobe: \"{binary}:end\", key: [arg0] }}\n        {span}\n    {rest}\n"
    )
}

/// These values of each event.
fn values(events: &[Value], names: &[&str]) -> Value {
    events.iter().map(|event| names.iter().map(|name| event[*name].clone()).collect::<Value>()).collect()
}

/// The program makes these calls; the events, and how the run ended.
fn after(lab: &Lab, yaml: &str, binary: &str, lines: &[&str]) -> (Vec<Value>, Ended) {
    let run = lab.ready(yaml, &[]);
    Steps::start(binary).go(lines);
    let ended = run.interrupt().code(0);
    let events = ended.events().into_iter().filter(|event| event["type"].is_null()).collect();
    (events, ended)
}

/// A start, a hook on the way, an end, each with what it reads; what did not happen on the way is null.
#[test]
fn values_of_each_hook() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let via = format!("via: {{ uprobe: \"{binary}:pass\", key: [arg0] }}");
    let capture = "capture: { key: arg0, number: start.arg1 as i32, text: start.arg2 as string, passed: via.arg1 as i32, \
                   result: end.arg1 as i64, until: via.ktime - start.ktime, then: end.ktime - via.ktime, took: duration }";
    let lines =
        ["begin 7 -5 hello", "pass 7 1", "pass 7 2", "pass 8 3", "end 7 -9", "begin 7 6 world", "end 7 1", "end 7 2"];
    let (events, ended) = after(&lab, &probe(&binary, &via, capture), &binary, &lines);
    became(&ended, "started 2; paired 2");
    let names = ["key", "number", "text", "passed", "result", "comm"];
    assert_eq!(values(&events, &names), json!([[7, -5, "hello", 2, -9, "steps"], [7, 6, "world", null, 1, "steps"]]));
    let time = |name: &str| events[0][name].as_u64().unwrap();
    assert!(time("until") > 0 && time("then") > 0 && time("until") < time("took"), "{}", events[0]);
    assert_eq!([&events[1]["until"], &events[1]["then"]], [&Value::Null; 2]);
}

/// Several hooks of each role: keys of other places, widths and signs are the same numbers; `start.X` is what each start has there, `via.X`
/// of the last one that passed, `end.symbol` of the one that ended it.
#[test]
fn several_hooks_of_each_role() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let yaml = format!(
        "probes:\n  - name: steps\n    hook:\n      span:\n        start:\n          \
         - {{ uprobe: \"{binary}:begin\", key: [arg0] }}\n          \
         - {{ uprobe: \"{binary}:begin_too\", key: [arg1 as i32] }}\n        via:\n          \
         - {{ uprobe: \"{binary}:pass\", key: [arg0] }}\n          - {{ uprobe: \"{binary}:pass_too\", key: [arg0 as i64] }}\n        \
         cancel: {{ uprobe: \"{binary}:cancel\", key: [arg0] }}\n        end:\n          \
         - {{ uprobe: \"{binary}:end\", key: [arg0] }}\n          - {{ uprobe: \"{binary}:end_too\", key: [arg1 as i16] }}\n    \
         capture: {{ key: start.arg0 as i64, by: end.symbol, times: via.ktime != null }}\n"
    );
    let lines = [
        "begin -3 1",
        "end_too -3",
        "begin_too 4",
        "pass_too 4",
        "end 4",
        "begin 5 1",
        "cancel 5",
        "end 5",
        "cancel 5",
        "begin_too 6",
        "pass 6",
        "begin 7 1",
    ];
    let run = lab.ready(&yaml, &[]);
    Steps::start(&binary).go(&lines);
    let ended = run.interrupt().code(0);
    became(&ended, "started 5; paired 2; cancelled 1; open 2");
    assert_eq!(values(&ended.events(), &["by"]), json!([["end_too"], ["end"]]));
}

/// A start that meets an open one: the last counts unless the file says the first.
#[test]
fn repeated_starts() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    for (repeat, number, text) in
        [("", 2, json!(null)), ("repeat: replace", 2, json!(null)), ("repeat: keep", 1, json!("first"))]
    {
        let capture = "capture: { number: start.arg1 as i32, text: start.arg2 as string }";
        let lines = ["begin 7 1 first", "begin 7 2", "end 7", "begin 7 3 third", "end 7"];
        let (events, ended) = after(&lab, &probe(&binary, repeat, capture), &binary, &lines);
        became(&ended, "started 3; paired 2; repeated 1");
        assert_eq!(values(&events, &["number", "text"]), json!([[number, text], [3, "third"]]), "{repeat}");
    }
}

/// What `max_open` has no room for is counted, and the others are not touched.
#[test]
fn more_than_can_be_open() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let begin: Vec<String> = (1..=10).map(|key| format!("begin {key}")).collect();
    let end: Vec<String> = (1..=10).map(|key| format!("end {key}")).collect();
    let lines: Vec<&str> = begin.iter().chain(&end).chain(&begin[..3]).map(String::as_str).collect();
    let (events, ended) = after(&lab, &probe(&binary, "max_open: 4", "capture: { key: arg0 }"), &binary, &lines);
    became(&ended, "started 13; paired 4; full 6; open 3");
    assert_eq!(values(&events, &["key"]), json!([[1], [2], [3], [4]]));
}

/// Conditions: of a start alone, of an end alone, and of the event, which tells what it refused.
#[test]
fn conditions() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let yaml = format!(
        "probes:\n  - name: steps\n    hook:\n      span:\n        \
         start: {{ uprobe: \"{binary}:begin\", key: [arg0], where: (arg1 as i32) > 0 }}\n        \
         end: {{ uprobe: \"{binary}:end\", key: [arg0], where: (arg1 as i32) != 9 }}\n    \
         capture: {{ number: start.arg1 as i32, text: start.arg2 as string }}\n    where: [text != \"no\", number < 100]\n"
    );
    let lines = [
        "begin 1 -1 a",
        "end 1 1",
        "begin 2 1 b",
        "end 2 9",
        "end 2 1",
        "begin 3 1 no",
        "end 3",
        "begin 4 100 c",
        "end 4",
        "begin 5 1",
        "end 5",
    ];
    let (events, ended) = after(&lab, &yaml, &binary, &lines);
    became(&ended, "started 4; paired 4");
    assert_eq!(values(&events, &["text"]), json!([["b"]]));
    assert!(ended.stderr.contains("not passed by `where`: filtered 3"), "{}", ended.stderr);
}

/// One call inside another of the same function: each has its own entry. What the entry read stays as it was, null as well.
#[test]
fn calls_within_calls() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let yaml = format!(
        "probes:\n  - name: deep\n    hook: {{ function: {{ binary: {binary}, symbol: recurse, at: span }} }}\n    \
         capture: {{ depth: arg0 as i32, result: retval, took: duration }}\n  - name: texts\n    \
         hook: {{ function: {{ binary: {binary}, symbol: begin, at: span }} }}\n    capture: {{ text: arg2 as string }}\n  \
         - name: some\n    hook: {{ function: {{ binary: {binary}, symbol: recurse, at: span }} }}\n    where: (arg0 as i32) >= 3\n"
    );
    let run = lab.ready(&yaml, &[]);
    Steps::start(&binary).go(&["recurse 4", "begin 1 1", "begin 1 1 text", "begin 1 1"]);
    let ended = run.interrupt().code(0);
    let of = |name: &str| ended.events().into_iter().filter(|event| event["probe"] == name).collect::<Vec<_>>();
    assert_eq!(values(&of("deep"), &["depth", "result"]), json!([[0, 0], [1, 1], [2, 3], [3, 6], [4, 10]]));
    let took: Vec<u64> = of("deep").iter().map(|event| event["took"].as_u64().unwrap()).collect();
    assert!(took.is_sorted(), "{took:?}");
    assert_eq!(values(&of("texts"), &["text"]), json!([[null], ["text"], [null]]));
    // What `where` refuses at the entry starts nothing.
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("spans: ")).map(str::trim).collect();
    assert_eq!(lines, ["spans: started 5; paired 5", "spans: started 3; paired 3", "spans: started 2; paired 2"]);
    assert_eq!(ended.totals("some").produced, 5);
}

/// USDT probes begin and end spans.
#[test]
fn usdt_probes() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = lab.text("probes");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/probes.c");
    sh(&format!("cc -O2 -o {binary} {}", source.display()));
    let yaml = format!(
        "probes:\n  - name: u\n    hook:\n      span:\n        start: {{ usdt: \"{binary}:test:work\" }}\n        \
         end: {{ usdt: \"{binary}:test:plain\" }}\n        key: [tid]\n    capture: {{ n: start.arg0, text: start.arg1 as string }}\n"
    );
    let run = lab.ready(&yaml, &[]);
    sh(&format!("printf '1\\n-2\\n3\\n' | {binary} >/dev/null"));
    let ended = run.interrupt().code(0);
    became(&ended, "started 3; paired 3");
    assert_eq!(values(&ended.events(), &["n", "text"]), json!([[1, "1"], [-2, "-2"], [3, "3"]]));
}

/// What is older than `expire` is given up where it is met, whether or not somebody has looked for such spans meanwhile: no end has it,
/// and no start is kept out by it.
#[test]
fn none_is_older_than_expire() {
    need!(bpf(), tool("cc"));
    const EXPIRE: Duration = Duration::from_millis(500);
    let lab = Lab::new();
    let binary = compile(&lab);
    let run = lab.ready(&probe(&binary, "repeat: keep\n        expire: 500ms", "capture: { took: duration }"), &[]);
    let mut steps = Steps::start(&binary);
    let mut begun = Vec::new();
    for key in 0..20 {
        steps.go(&[&format!("begin {key} 1 x")]);
        begun.push(Instant::now());
        thread::sleep(EXPIRE / 50);
    }
    for (key, begun) in begun.iter().enumerate() {
        thread::sleep((EXPIRE + EXPIRE / 100).saturating_sub(begun.elapsed()));
        let line = if key % 2 == 0 { format!("end {key} 1") } else { format!("begin {key} 2 x") };
        steps.go(&[&line]);
    }
    steps.go(&["end 19 1"]);
    let ended = run.interrupt().code(0);
    became(&ended, "started 30; paired 1; expired 20; open 9");
    let took: Vec<u64> = ended.events().iter().filter_map(|event| event["took"].as_u64()).collect();
    assert!(took.len() == 1 && took.iter().all(|took| *took < EXPIRE.as_nanos() as u64), "{took:?}");
}

/// One hook is an end and a start: how long threads waited for a CPU. A thread that sleeps is woken, runs, and is the process of the event.
#[test]
fn one_hook_in_two_roles() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "probes:\n  - name: waits\n    hook:\n      span:\n        start:\n          \
                - { tracepoint: [\"sched:sched_wakeup\", \"sched:sched_wakeup_new\"], key: [args.pid] }\n          \
                - { tracepoint: \"sched:sched_switch\", key: [prev_pid], where: prev_state == 0 && prev_pid != 0 }\n        \
                end: { tracepoint: \"sched:sched_switch\", key: [next_pid] }\n    \
                capture: { wait: duration, thread: end.next_pid, from: end.prev_comm }\n";
    let run = lab.ready(yaml, &[]);
    let sleeper = thread::spawn(|| {
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(1));
        }
        tid()
    });
    let sleeper = sleeper.join().unwrap();
    let ended = run.interrupt().code(0);
    let waits: Vec<u64> = ended
        .events()
        .iter()
        .filter(|event| event["thread"] == sleeper)
        .map(|event| event["wait"].as_u64().unwrap())
        .collect();
    // It was new once and slept twenty times; it may have been preempted as well. Not every switch is shown on every machine
    // (`switches_of_init`).
    assert!(waits.len() >= 17 && waits.iter().all(|wait| *wait < 5_000_000_000), "{waits:?}");
}

/// Two threads at once: each call is paired with its own return, and none is left.
#[test]
fn many_at_once() {
    need!(bpf());
    const CALLS: u64 = 20_000;
    let lab = Lab::new();
    let yaml = format!(
        "defaults: {{ buffer: 64MiB }}\nprobes:\n  - name: calls\n    hook: {{ syscall: {{ name: sched_get_priority_min, at: span }} }}\n    \
         where: pid == {}\n    capture: {{ number: policy, result: retval, took: duration }}\n",
        std::process::id()
    );
    let run = lab.ready(&yaml, &[]);
    thread::scope(|scope| {
        let body = || {
            for number in 0..CALLS {
                // SAFETY: it takes a number, and changes nothing.
                unsafe { libc::syscall(libc::SYS_sched_get_priority_min, number as i32 % 8) };
            }
        };
        [scope.spawn(body), scope.spawn(body)].into_iter().for_each(|thread| thread.join().unwrap());
    });
    let ended = run.interrupt().code(0);
    became(&ended, "started 40,000; paired 40,000");
    let events = ended.events();
    let wrong = events.iter().find(|event| (event["number"] == 4) != (event["result"] == -libc::EINVAL));
    assert_eq!((events.len() as u64, wrong), (2 * CALLS, None));
}

/// All ends of a span count in the same tables, each with its own conditions; what is filtered is told.
#[test]
fn several_ends_are_counted() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let yaml = |by: &str| {
        format!(
            "probes:\n  - name: steps\n    hook:\n      span:\n        start: {{ uprobe: \"{binary}:begin\", key: [arg0] }}\n        \
             cancel: {{ uprobe: \"{binary}:cancel\", key: [arg0] }}\n        end:\n          \
             - {{ uprobe: \"{binary}:end\", key: [arg0] }}\n          \
             - {{ uprobe: \"{binary}:end_too\", key: [arg1 as i16], where: (arg0 as i32) != 9 }}\n    \
             where: (start.arg1 as i32) != 100\n    interval: end\n    aggregate:\n      \
             - name: ends\n        by: {{ by: {by}, odd: (start.arg1 as i32) % 2 }}\n        \
             values: {{ times: count(), sum: sum(start.arg1 as i32), took: histogram(duration), high: count() if (start.arg1 as i32) > 5 }}\n      \
             - name: all\n        values: {{ times: count(), longest: max(duration) }}\n"
        )
    };
    let lines = [
        "begin 1 1",
        "end 1",
        "begin 2 2",
        "end_too 2 1",
        "begin 3 3",
        "end_too 3 9",
        "end_too 3 8",
        "begin 4 7",
        "end_too 4",
        "begin 5 5",
        "cancel 5",
        "begin 6 100",
        "end_too 6",
        "begin 7 8",
        "end 7",
        "begin 8",
    ];
    let run = lab.ready(&yaml("end.symbol"), &[]);
    Steps::start(&binary).go(&lines);
    let ended = run.interrupt().code(0).says("counted: 5").says("filtered 1");
    became(&ended, "started 8; paired 6; cancelled 1; open 1");
    let events = ended.events();
    let of = |table: &str| events.iter().filter(|event| event["table"] == table).cloned().collect::<Vec<_>>();
    let mut ends = of("ends");
    ends.sort_by_key(|row| format!("{}{}", row["by"], row["odd"]));
    assert_eq!(
        values(&ends, &["by", "odd", "times", "sum", "high"]),
        json!([["end", 0, 1, 8, 1], ["end", 1, 1, 1, 0], ["end_too", 0, 1, 2, 0], ["end_too", 1, 2, 10, 1]])
    );
    let timed: u64 =
        ends.iter().flat_map(|row| row["took"].as_array().unwrap()).map(|bucket| bucket[2].as_u64().unwrap()).sum();
    assert_eq!((timed, values(&of("all"), &["times"])), (5, json!([[5]])));
}

/// The arguments of a call where it returns: as they were, and what they point to as it is then. The function overwrites its registers.
#[test]
fn arguments_at_the_return() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = lab.text("tls");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls.c");
    sh(&format!("cc -O1 -o {binary} {}", source.display()));
    let hook = format!("{{ function: {{ binary: {binary}, symbol: SSL_read, at: span }} }}");
    let yaml = format!(
        "probes:\n  - name: data\n    hook: {hook}\n    where: (retval as i32) > 0\n    capture:\n      \
         read: arg1 as string(4096, len=retval as i32)\n      before: arg1 as string\n      after: end.arg1 as string(8)\n      \
         room: end.arg2 as i32\n      entry: arg2 as i32\n  - name: counted\n    hook: {hook}\n    interval: end\n    aggregate:\n      \
         by: {{ text: end.arg1 as string(16), room: end.arg2 as u32 }}\n      values: {{ calls: count() }}\n"
    );
    let run = lab.ready(&yaml, &[]);
    sh(&format!("printf 'read one\\nread \\nread another text\\n' | {binary} >/dev/null"));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let of = |name: &str| events.iter().filter(|event| event["probe"] == name).cloned().collect::<Vec<_>>();
    let room = 256;
    assert_eq!(
        values(&of("data"), &["read", "room", "entry"]),
        json!([["one", room, room], ["another text", room, room]])
    );
    let shown: Vec<(String, String)> =
        of("data").iter().map(|event| (event["before"].to_string(), event["after"].to_string())).collect();
    assert!(shown.iter().all(|(before, _)| before.starts_with("\"......")), "{shown:?}");
    assert!(shown[0].1.starts_with("\"one.....") && shown[1].1.starts_with("\"another "), "{shown:?}");
    let rows: Vec<u64> = of("counted").iter().map(|row| row["calls"].as_u64().unwrap()).collect();
    assert_eq!(rows.iter().sum::<u64>(), 3, "{:?}", of("counted"));
}

/// What cannot be paired, or read where it is asked for, is refused where it stands, with what to write instead.
#[test]
fn refusals() {
    need!(bpf());
    let lab = Lab::new();
    let span = |start: &str, end: &str, more: &str, rest: &str| {
        format!(
            "probes:\n  - name: a\n    hook:\n      span:\n        start: {{ tracepoint: \"sched:{start} }}\n        end: {{ tracepoint: \
             \"sched:{end} }}\n        {more}\n    {rest}\n"
        )
    };
    let (wakeup, switch) = ("sched_wakeup\", key: [args.pid]", "sched_switch\", key: [next_pid]");
    let of_event = |rest: &str| span(wakeup, switch, "", rest);
    for (yaml, message, help) in [
        (
            span("sched_wakeup\", key: [args.pid + 1]", switch, "", ""),
            "`args.pid + 1` is calculated: a key is read",
            "name an argument",
        ),
        (
            span("sched_wakeup\", key: [args.comm]", switch, "", ""),
            "`args.comm` is no number: keys are numbers and addresses",
            "pair by an id",
        ),
        (
            span("sched_wakeup\", key: [ktime]", switch, "", ""),
            "keys of different kinds: `ktime` is a time at `start`, `next_pid` is a number at `end`",
            "name one of the same kind at both hooks",
        ),
        (
            span("sched_wakeup\", where: duration > 1ms, key: [args.pid]", switch, "", ""),
            "`duration` is known when the span is over, not in the `where` of `start`",
            "move it to the probe's own `where`",
        ),
        (
            span(wakeup, "sched_switch\", where: start.prio == 1, key: [next_pid]", "", ""),
            "`start.` is not known in the `where` of `end`",
            "move it to the probe's own `where`",
        ),
        (of_event("where: [duration > 1ms, start.prio == 1]"), "", ""),
        (span("sched_wakeup\", key: [nothing]", switch, "", ""), "has no field `nothing`", ""),
        (
            span("sched_wakeup\", where: size(args.comm) > 3, key: [args.pid]", switch, "", ""),
            "the kernel cannot decide `size(args.comm) > 3`",
            "move it to the probe's own `where`",
        ),
        (of_event("capture: { x: prio }"), "", ""),
        (
            of_event("capture: { x: cpu }"),
            "`cpu` may be another one where spans start and where they end",
            "`start.cpu` or `end.cpu`",
        ),
        (of_event("capture: { x: via.ktime }"), "the span has no `via`", "add the hook on the way"),
        (of_event("capture: { x: start.next_pid }"), "has no field `next_pid`", ""),
        (
            of_event("capture: { x: \"first_of(start.prio, end.next_prio)\" }"),
            "a path is read at one hook of a span",
            "capture each value under a name of its own",
        ),
        (
            span(
                "sched_wakeup\", key: [args.pid]",
                "sched_switch\", key: [next_pid]",
                "via: [{ tracepoint: \"sched:sched_wakeup\", key: [args.pid] }, { tracepoint: \"sched:sched_switch\", key: [next_pid] }]",
                "capture: { x: via.nothing }",
            ),
            "has no field `nothing`",
            "",
        ),
        (
            span(
                "sched_wakeup\", key: [args.pid]",
                switch,
                "via: [{ syscall: openat, key: [tid] }, { syscall: read, key: [tid] }]",
                "capture: { x: via.args.count, y: via.buf, z: via.retval as hex, v: \"via.fd as i32\", w: via.filename }",
            ),
            "",
            "",
        ),
        (
            of_event(&format!(
                "capture: {{ {}, {} }}",
                (0..16).map(|n| format!("c{n}: start.task->comm[{n}] as u8")).collect::<Vec<_>>().join(", ").replace("start", "\"start").replace("u8", "u8\""),
                "prio static_prio normal_prio rt_priority policy exit_state exit_code exit_signal pdeath_signal jobctl personality pid tgid utime stime nvcsw"
                    .split(' ')
                    .map(|name| format!("{name}_then: start.task->{name}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            "more than 31 values are kept until the end",
            "capture fewer values of the start",
        ),
    ] {
        lab.yaml(&yaml);
        let ended = lab.run(&["check", "--kernel", "probes.yaml"]);
        let said = ended.stdout.join("\n");
        if message.is_empty() {
            assert!(said.contains("ok: "), "{yaml}{said}");
        } else {
            assert!(said.contains(message) && said.contains(help), "{message}\n{help}\n{yaml}{said}");
        }
    }
}
