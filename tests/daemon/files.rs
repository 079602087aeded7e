// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files come, change, break, are mended and go.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::daemon::{Daemon, call, calls, numbers};
use crate::lab::{bpf, need, sh, tid, wait_for};

const EVENTS: &str = "sinks: [\"jsonl:events.jsonl\"]";

/// Makes the call until its event is in the file.
fn reaches(daemon: &Daemon, file: &str, n: u32) {
    let mine = tid();
    call(n);
    wait_for("the event", || numbers(&daemon.lines(file), mine).contains(&u64::from(n)));
}

/// The lines of a type, without their time, when there are so many: events pass them on the way.
fn notices(daemon: &Daemon, file: &str, kind: &str, count: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    wait_for("what happened", || {
        lines = daemon.lines(file);
        lines.retain(|line| line["type"] == kind);
        lines.len() >= count
    });
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("ts")));
    lines
}

/// A file that is there at the start runs; one that is added runs soon; one that is deleted runs no more.
#[test]
fn added_and_deleted() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("first", EVENTS))]);
    assert_eq!(daemon.probe("first")["state"], "running");
    reaches(&daemon, "events.jsonl", 7001);
    daemon.write("b.yaml", &calls("second", "sinks: [\"jsonl:second.jsonl\"]"));
    daemon.wait("second", "running");
    reaches(&daemon, "second.jsonl", 7002);
    daemon.delete("a.yaml");
    daemon.wait_gone("first");
    reaches(&daemon, "second.jsonl", 7003);
    assert_eq!(numbers(&daemon.lines("events.jsonl"), tid()), [7001, 7002]);
    let states = notices(&daemon, "events.jsonl", "probe_state", 2);
    assert_eq!(
        states,
        [
            json!({ "probe": "first", "type": "probe_state", "state": "running", "change": "started",
                "mechanism": "tracepoint syscalls:sys_enter_sched_get_priority_max" }),
            json!({ "probe": "first", "type": "probe_state", "state": "stopped", "change": "stopped",
                "mechanism": "tracepoint syscalls:sys_enter_sched_get_priority_max" }),
        ]
    );
    daemon.stop();
}

/// Another capture replaces the program, on the same link; other labels only change what is said.
#[test]
fn changed() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    let before = daemon.probe("one");
    let with_capture = calls("one", EVENTS).replace("{ n: policy as u32 }", "{ n: policy as u32, hex: policy as hex }");
    daemon.write("a.yaml", &with_capture);
    let replaced = daemon.wait_until("one", "replaced", |probe| probe["generation"] == 2);
    assert_eq!(replaced["links"], before["links"]);
    reaches(&daemon, "events.jsonl", 7100);
    daemon.write("a.yaml", &format!("{with_capture}    labels: {{ color: red }}\n"));
    wait_for("other labels", || {
        call(7101);
        daemon.lines("events.jsonl").iter().any(|line| line["color"] == "red" && line["n"] == 7101)
    });
    let rerouted = daemon.probe("one");
    assert_eq!((&rerouted["generation"], &rerouted["links"]), (&json!(2), &before["links"]));
    let events = daemon.lines("events.jsonl");
    assert_eq!(events.iter().find(|event| event["n"] == 7100).unwrap()["hex"], "0x1bbc");
    let changes = notices(&daemon, "events.jsonl", "probe_state", 3);
    let changes: Vec<&str> = changes.iter().map(|line| line["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["started", "replaced", "rerouted"]);
    daemon.stop();
}

/// The probes of a file that moves, and gets another name, go on, and are said to be where they are.
#[test]
fn moved_and_renamed() {
    need!(bpf());
    let daemon = Daemon::start(&[("a.yaml", &calls("one", EVENTS))], &["--debounce", "10ms", "--config-dir", "more.d"]);
    let before = daemon.probe("one");
    std::fs::create_dir(daemon.lab.path("more.d")).unwrap();
    std::fs::rename(daemon.file("a.yaml"), daemon.lab.path("more.d/b.yaml")).unwrap();
    let after = daemon.wait_until("one", "there", |probe| probe["file"] == "more.d/b.yaml");
    assert_eq!((&after["links"], &after["generation"]), (&before["links"], &json!(1)));
    daemon.stop();
}

/// Other sinks, with and without another program: what the sinks before got, and what they did not, stays in the account.
#[test]
fn other_sinks_do_not_change_the_account() {
    need!(bpf());
    let to = |sink: &str| calls("one", &format!("sinks: [\"jsonl:{sink}\"]"));
    let daemon = Daemon::with(&[("a.yaml", &to("/dev/full"))]);
    let account = |probe: &Value| {
        let lost: u64 = probe["lost"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        (probe["produced"].as_u64().unwrap(), probe["delivered"].as_u64().unwrap(), lost)
    };
    let balanced = |probe: &Value| {
        let (produced, delivered, lost) = account(probe);
        produced == delivered + lost
    };
    (7200..7210).for_each(call);
    let goes_to = |file: &str, n: u32| {
        wait_for("the other sink", || {
            call(n);
            numbers(&daemon.lines(file), tid()).contains(&u64::from(n))
        });
    };
    let first = daemon.wait_until("one", "lost", |probe| account(probe).2 >= 10 && balanced(probe));
    daemon.write("a.yaml", &to("events.jsonl"));
    goes_to("events.jsonl", 7210);
    let second = daemon.wait_until("one", "balanced", balanced);
    assert!(account(&second).1 >= 1 && account(&second).2 >= account(&first).2, "{first} {second}");
    daemon.write("a.yaml", &to("others.jsonl").replace("policy as u32 }", "policy as u32, hex: policy as hex }"));
    goes_to("others.jsonl", 7211);
    let third = daemon.wait_until("one", "balanced", balanced);
    assert!(account(&third).1 > account(&second).1 && account(&third).2 >= account(&first).2, "{second} {third}");
    daemon.stop();
}

/// A file whose name is no UTF-8 counts as any other: at the start, when it is added and when it changes.
#[test]
fn a_name_that_is_no_utf8() {
    need!(bpf());
    let daemon = Daemon::empty();
    let path = daemon.file("a.yaml").with_file_name(OsStr::from_bytes(b"a\xff.yaml"));
    let write = |probe: &str| fs::write(&path, format!("version: 1\nprobes:\n{}", calls(probe, EVENTS))).unwrap();
    write("one");
    daemon.wait("one", "running");
    write("two");
    daemon.wait("two", "running");
    assert_eq!(daemon.status()["files"][0]["path"], r"probes.d/a\xff.yaml");
    fs::remove_file(&path).unwrap();
    daemon.wait_gone("two");
    daemon.stop();
}

/// A comment, a blank line, another order of keys: nothing happens.
#[test]
fn comments_do_nothing() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    let before = daemon.probe("one");
    daemon.write("a.yaml", &format!("  # why\n\n{}", calls("one", EVENTS)));
    wait_for("the second look", || daemon.status()["generation"] == 2);
    let after = daemon.probe("one");
    for field in ["generation", "links", "since_unix_ns", "state"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert_eq!(notices(&daemon, "events.jsonl", "probe_state", 1).len(), 1);
    daemon.stop();
}

/// A file with a mistake keeps what it had, and says so; mended, it goes on with what it says then.
#[test]
fn broken_and_mended() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS)), ("b.yaml", &calls("two", EVENTS))]);
    let before = daemon.probe("one");
    daemon.write("a.yaml", "  - name: one\n    hook: { tracepoin: x }\n");
    daemon.run.said(|line| line.contains("probes.d/a.yaml:4:13"));
    let file = daemon.wait_file("a.yaml", "kept");
    assert!(file["problems"][0].as_str().unwrap().contains("tracepoint"), "{file}");
    assert_eq!(daemon.probe("one")["links"], before["links"]);
    reaches(&daemon, "events.jsonl", 7200);
    let refused = notices(&daemon, "events.jsonl", "reload", 1).pop().unwrap();
    assert_eq!((&refused["file"], &refused["result"]), (&json!("probes.d/a.yaml"), &json!("refused")), "{refused}");
    assert!(refused["code"].as_str().unwrap().starts_with('E') && refused["message"] != "", "{refused}");
    // The other file goes on, and can change.
    daemon.write("b.yaml", &calls("three", EVENTS));
    daemon.wait("three", "running");
    daemon.wait_gone("two");
    daemon.write("a.yaml", &calls("one", "sinks: [\"jsonl:other.jsonl\"]"));
    daemon.wait_file("a.yaml", "ok");
    reaches(&daemon, "other.jsonl", 7201);
    let mended = daemon.probe("one");
    assert_eq!((&mended["links"], &mended["generation"]), (&before["links"], &json!(1)));
    let reloads = notices(&daemon, "other.jsonl", "reload", 1);
    assert_eq!(reloads.last().unwrap()["result"], "ok", "{reloads:?}");
    daemon.stop();
}

/// What the kernel refuses is refused for that probe alone, and the version before runs on.
#[test]
fn refused_by_the_machine() {
    need!(bpf());
    let mut daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    let before = daemon.probe("one");
    let no_directory = calls("one", "sinks: [\"jsonl:/no/such/directory/x.jsonl\"]");
    daemon.write("a.yaml", &format!("{no_directory}{}", calls("two", EVENTS)));
    daemon.wait("two", "running");
    let outdated = daemon.wait("one", "outdated");
    assert_eq!(outdated["links"], before["links"]);
    assert!(outdated["error"].as_str().unwrap().contains("/no/such/directory"), "{outdated}");
    reaches(&daemon, "events.jsonl", 7300);
    daemon.run.said(|line| line.contains("/no/such/directory"));
    // Both were started; one of them then was not changed.
    let states = notices(&daemon, "events.jsonl", "probe_state", 3);
    let state = states.iter().find(|line| line["state"] == "outdated");
    assert_eq!(state.unwrap()["probe"], "one");
    // Taken back: what runs is what is wanted.
    daemon.write("a.yaml", &format!("{}{}", calls("one", EVENTS), calls("two", EVENTS)));
    let restored = daemon.wait("one", "running");
    assert_eq!((&restored["links"], &restored["generation"]), (&before["links"], &json!(1)));
    daemon.stop();
}

/// All that this machine refuses about one probe is said at once, each at its place, and the status has all of it: two captures of
/// fields that are not there, two sinks that cannot be opened.
#[test]
fn all_that_is_refused() {
    need!(bpf());
    let captures = calls("one", EVENTS).replace("policy as u32", "policy as u32, a: nowhere as u32, b: nothing as u32");
    let sinks = calls("two", "sinks: [\"jsonl:/no/first/x.jsonl\", \"jsonl:/no/second/x.jsonl\"]");
    let daemon = Daemon::with(&[("a.yaml", &format!("{captures}{sinks}"))]);
    let said = daemon.run.stderr_now();
    for word in ["`nowhere`", "`nothing`", "/no/first", "/no/second"] {
        assert!(said.lines().any(|line| line.starts_with("error[") && line.contains(word)), "{word}: {said}");
    }
    for (name, words) in [("one", ["nowhere", "nothing"]), ("two", ["/no/first", "/no/second"])] {
        let failed = daemon.wait(name, "failed");
        let error = failed["error"].as_str().unwrap();
        assert!(words.iter().all(|word| error.contains(word)), "{failed}");
    }
    daemon.stop();
}

/// One bad file at the start does not keep the others from running; it runs once it is mended.
#[test]
fn one_bad_file_at_the_start() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", "  - name: [\n"), ("b.yaml", &calls("good", EVENTS))]);
    assert_eq!(daemon.probe("good")["state"], "running");
    assert_eq!(daemon.wait_file("a.yaml", "refused")["probes"], 0);
    daemon.write("a.yaml", &calls("late", EVENTS));
    daemon.wait("late", "running");
    daemon.stop();
}

/// A name that another file has already: the one that runs wins; when it goes, the other one runs, and its file is said to
/// count although it has not changed.
#[test]
fn a_name_of_two_files() {
    need!(bpf());
    let daemon = Daemon::with(&[("b.yaml", &calls("one", EVENTS))]);
    daemon.write("a.yaml", &calls("one", "sinks: [\"jsonl:a.jsonl\"]"));
    daemon.wait_file("a.yaml", "refused");
    assert_eq!(daemon.probe("one")["file"], "probes.d/b.yaml");
    daemon.delete("b.yaml");
    daemon.wait_until("one", "of the other file", |probe| probe["file"] == "probes.d/a.yaml");
    reaches(&daemon, "a.jsonl", 7400);
    let said = notices(&daemon, "a.jsonl", "reload", 1);
    assert_eq!(said, [json!({ "type": "reload", "file": "probes.d/a.yaml", "result": "ok" })]);
    daemon.stop();
}

/// A file that is written in place, piece by piece, never runs half.
#[test]
fn written_in_place() {
    need!(bpf());
    let daemon = Daemon::start(&[("a.yaml", &calls("one", EVENTS))], &["--debounce", "100ms"]);
    let text = format!("version: 1\nprobes:\n{}{}", calls("one", EVENTS), calls("two", EVENTS));
    let mut file = fs::File::create(daemon.file("a.yaml")).unwrap();
    for piece in text.as_bytes().chunks(40) {
        file.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(file);
    daemon.wait("two", "running");
    assert_eq!(daemon.probe("one")["generation"], 1);
    daemon.stop();
}

/// The directory is deleted and made again; a symlink to another directory is exchanged, as Kubernetes does.
#[test]
fn directories_that_change() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    fs::remove_dir_all(daemon.lab.path("probes.d")).unwrap();
    daemon.wait_gone("one");
    fs::create_dir(daemon.lab.path("probes.d")).unwrap();
    daemon.write("a.yaml", &calls("two", EVENTS));
    daemon.wait("two", "running");
    let dir = daemon.lab.text("probes.d");
    let version = |name: &str, probe: &str| {
        fs::create_dir(Path::new(&dir).join(name)).unwrap();
        let text = format!("version: 1\nprobes:\n{}", calls(probe, EVENTS));
        fs::write(Path::new(&dir).join(name).join("k.yaml"), text).unwrap();
    };
    version("..1", "three");
    sh(&format!("cd {dir} && ln -s ..1 ..data && ln -s ..data/k.yaml k.yaml"));
    daemon.wait("three", "running");
    version("..2", "four");
    sh(&format!("cd {dir} && ln -s ..2 ..data_tmp && mv -T ..data_tmp ..data && rm -r ..1"));
    daemon.wait("four", "running");
    daemon.wait_gone("three");
    daemon.stop();
}

/// `stop` and `start` by hand.
#[test]
fn stopped_by_hand() {
    need!(bpf());
    let daemon = Daemon::with(&[("a.yaml", &calls("one", EVENTS))]);
    assert_eq!(daemon.ask(json!({ "command": "stop", "probe": "one" }))["result"], "done");
    assert_eq!(daemon.probe("one")["state"], "stopped");
    assert_eq!(daemon.probe("one")["links"], json!([]));
    assert_eq!(daemon.ask(json!({ "command": "start", "probe": "one" }))["result"], "done");
    reaches(&daemon, "events.jsonl", 7500);
    daemon.stop();
}
