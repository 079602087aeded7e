// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sinks and formats, and every way in which a run can end.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Follow, Lab, Run, bpf, json, need, open_missing, tool};

/// Opens, with the paths that `sinks` says.
fn opens(rest: &str) -> String {
    format!(
        "probes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         capture: {{ path: filename as user_string, dfd: dfd }}\n{rest}"
    )
}

fn lines(path: &std::path::Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Two sinks get the same events; labels are in every line, after the process and before the fields.
#[test]
fn two_sinks_and_labels() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "    labels: { site: \"a b\", rack: 7 }\n    sinks: [stdout, \"jsonl:all.jsonl\"]\n";
    let mut run = lab.ready(&opens(yaml), &[]);
    let path = lab.text("missing");
    (0..100).for_each(|_| open_missing(&path));
    run.event(|event| event["path"] == *path);
    let ended = run.interrupt().code(0);
    assert_eq!(lines(&lab.path("all.jsonl")), ended.stdout);
    let ours: Vec<Value> = ended.events().into_iter().filter(|event| event["path"] == *path).collect();
    assert_eq!(ours.len(), 100);
    let keys: Vec<&str> = ours[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["ts", "probe", "pid", "tid", "uid", "comm", "site", "rack", "path", "dfd"]);
    assert_eq!((&ours[0]["site"], &ours[0]["rack"]), (&"a b".into(), &"7".into()));
    let total = ended.stdout.len() as u64;
    assert_eq!(ended.totals("stdout").delivered, total);
    assert_eq!(ended.totals("jsonl:all.jsonl").delivered, total);
}

/// The three formats of one event; a sink's format is its own.
#[test]
fn formats() {
    need!(bpf());
    let lab = Lab::new();
    let sinks = "sinks:\n  screen: { stdout: {}, format: pretty }\n  lines: { file: { path: lines.txt }, format: text }\n  \
                 events: { file: { path: events.jsonl } }\n";
    let probes = opens("    labels: { site: home }\n    sinks: [screen, lines, events]\n");
    let mut run = lab.ready(&format!("{sinks}{probes}"), &[]);
    let path = lab.text("two words");
    open_missing(&path);
    let pretty = run.line(|line| line.contains(&path));
    run.interrupt().code(0);
    let find = |name: &str| lines(&lab.path(name)).into_iter().find(|line| line.contains(&path)).unwrap();
    let event = json(&find("events.jsonl"));
    let (pid, tid) = (&event["pid"], &event["tid"]);
    let (ts, comm) = (event["ts"].as_str().unwrap(), event["comm"].as_str().unwrap());
    assert_eq!(
        find("lines.txt"),
        format!("ts={ts} probe=opens pid={pid} tid={tid} uid=0 comm={comm} site=home path=\"{path}\" dfd=-100")
    );
    let rest = pretty.split_once(" opens ").unwrap().1;
    assert!(rest.starts_with(&format!("{comm}[{pid}]")), "{pretty}");
    assert!(rest.ends_with(&format!("tid={tid} path=\"{path}\" dfd=-100 site=home")), "{pretty}");
    assert!(!pretty.contains('\u{1b}'), "no colour in a pipe: {pretty}");
}

/// On a terminal events are pretty and coloured; NO_COLOR takes the colours away.
#[test]
fn on_a_terminal() {
    need!(bpf(), tool("script"));
    let lab = Lab::new();
    lab.yaml(&opens(""));
    let program = env!("CARGO_BIN_EXE_ebpf-run");
    let on_terminal = |no_color: Option<&str>| {
        let mut command = Command::new("script");
        command.args(["-qefc", &format!("{program} probes.yaml --count 3"), "/dev/null"]).current_dir(lab.dir.path());
        command.env("TERM", "xterm").env_remove("NO_COLOR").stdin(Stdio::null());
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    open_missing(&lab.text("missing"));
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let output = command.output();
            done.store(true, Ordering::Relaxed);
            String::from_utf8(output.unwrap().stdout).unwrap()
        })
    };
    let coloured = on_terminal(None);
    assert!(coloured.contains("\u{1b}[") && coloured.contains("opens") && !coloured.contains("{\""), "{coloured}");
    assert!(on_terminal(Some("")).contains("\u{1b}["), "empty means not set (no-color.org)");
    let plain = on_terminal(Some("1"));
    assert!(plain.contains("path=") && !plain.contains('\u{1b}'), "{plain}");
}

/// `--count` is exact, in every sink, over all probes.
#[test]
fn count() {
    need!(bpf());
    let lab = Lab::new();
    let second = "  - { name: closes, hook: { tracepoint: \"syscalls:sys_enter_close\" }, sinks: [stdout] }\n";
    let yaml = opens("    sinks: [stdout, \"text:all.txt\"]\n") + second;
    for count in [1, 2, 1000] {
        drop(fs::remove_file(lab.path("all.txt")));
        let run = lab.attached(&yaml, &["--count", &count.to_string()]);
        let path = lab.text("missing");
        (0..1500).for_each(|_| open_missing(&path));
        let ended = run.end().code(0);
        assert_eq!(ended.stdout.len(), count, "{}", ended.stderr);
        let totals = ended.totals("stdout");
        let closes = ended.totals("closes");
        assert_eq!(totals.delivered + closes.delivered, count as u64);
        assert_eq!(closes.produced, closes.delivered + closes.lost);
        assert_eq!(lines(&lab.path("all.txt")).len() as u64, ended.totals("text:all.txt").delivered);
        assert_eq!(ended.totals("text:all.txt").delivered, totals.delivered);
    }
}

/// `--duration` counts from the moment when everything is attached.
#[test]
fn duration() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.attached(&opens(""), &["--duration", "400ms"]);
    let ready = Instant::now();
    run.end().code(0).says("probe");
    let took = ready.elapsed();
    assert!(took > Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
}

/// SIGINT, SIGTERM and SIGHUP end it well: exit status 0, everything delivered, a summary.
#[test]
fn signals() {
    need!(bpf());
    let lab = Lab::new();
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let mut run = lab.ready(&opens(""), &[]);
        let path = lab.text("missing");
        (0..10).for_each(|_| open_missing(&path));
        run.signal(signal);
        run.event(|event| event["path"] == *path);
        let ended = run.end().code(0);
        assert_eq!(ended.events().iter().filter(|event| event["path"] == *path).count(), 10);
        let totals = ended.totals("opens");
        assert_eq!((totals.produced, totals.lost), (totals.delivered, 0), "{totals:?}");
        assert!(ended.stderr.contains("by command:"), "{}", ended.stderr);
    }
}

/// A second Ctrl-C, or one before everything is attached, does no harm.
#[test]
fn signals_at_any_time() {
    need!(bpf());
    let lab = Lab::new();
    for wait_ms in [0, 1, 3, 6, 10, 15, 20, 30] {
        let run = lab.start(&opens(""), &[]);
        std::thread::sleep(Duration::from_millis(wait_ms));
        run.signal(libc::SIGINT);
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.signal(libc::SIGINT))));
        let ended = run.end();
        // Before the signal is caught it ends the process at once, which is good as well.
        assert!(matches!(ended.status.code(), Some(0) | None), "{}", ended.stderr);
    }
}

/// Killed in the middle: nothing stays attached, and the next run goes on in the file, in which every line is whole.
#[test]
fn killed() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = opens("    sinks: [\"jsonl:all.jsonl\"]\n");
    let run = lab.ready(&yaml, &[]);
    let path = lab.text("missing");
    (0..20_000).for_each(|_| open_missing(&path));
    crate::lab::wait_for("the file", || fs::metadata(lab.path("all.jsonl")).is_ok_and(|file| file.len() > 0));
    run.signal(libc::SIGKILL);
    assert_eq!(run.end().status.code(), None);
    let before = fs::read(lab.path("all.jsonl")).unwrap();
    let whole = before.iter().filter(|byte| **byte == b'\n').count();
    let run = lab.ready(&yaml, &[]);
    open_missing(&path);
    run.interrupt().code(0);
    let after = lines(&lab.path("all.jsonl"));
    assert!(after.len() > whole);
    let torn = after.iter().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert_eq!(torn, 0, "what the killed run left torn is taken out");
}

/// When nobody reads standard output any more, the run ends: status 0, nothing on standard error but the usual.
#[test]
fn closed_pipe() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&opens(""));
    let (reader, writer) = std::io::pipe().unwrap();
    let mut run = Run::start_with(lab.command(&["probes.yaml"]).stdout(writer));
    run.wait_until_ready();
    let path = lab.text("missing");
    open_missing(&path);
    let mut reader = BufReader::new(reader);
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let start = Instant::now();
    open_missing(&path);
    let ended = run.end().code(0);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for line in ended.stderr.lines() {
        let usual = ["ready: ", "probe ", "opens ", "  by command: "].iter().any(|begin| line.starts_with(begin));
        assert!(usual, "{}", ended.stderr);
    }
}

/// `| head -1` in a shell.
#[test]
fn head() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&opens(""));
    let program = env!("CARGO_BIN_EXE_ebpf-run");
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{program} probes.yaml | head -1; echo ${{PIPESTATUS[0]}}")]);
    let mut child = command.current_dir(lab.dir.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        open_missing(&lab.text("missing"));
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut text = String::new();
    child.stdout.unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (2, "0"), "{text}");
}

/// A closed pipe ends one sink, not the run: the file goes on.
#[test]
fn closed_pipe_beside_a_file() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&opens("    sinks: [stdout, \"jsonl:all.jsonl\"]\n"));
    let (reader, writer) = std::io::pipe().unwrap();
    let mut run = Run::start_with(lab.command(&["probes.yaml"]).stdout(writer));
    run.wait_until_ready();
    drop(reader);
    let path = lab.text("missing");
    let mut file = Follow::open(&lab.path("all.jsonl"));
    for round in 0..3 {
        let path = format!("{path}{round}");
        open_missing(&path);
        crate::lab::wait_for("the file", || file.finds(&path));
    }
    let ended = run.interrupt().code(0);
    let file = ended.totals("jsonl:all.jsonl");
    assert_eq!((file.delivered as usize, file.lost), (lines(&lab.path("all.jsonl")).len(), 0));
    let stdout = ended.totals("stdout");
    assert!(stdout.lost > 0 && stdout.causes.starts_with("sink error"), "{stdout:?}");
}

/// A full disk is said once, counted and survived.
#[test]
fn full_disk() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&opens(""));
    let mut run =
        Run::start_with(lab.command(&["probes.yaml"]).stdout(File::options().write(true).open("/dev/full").unwrap()));
    run.wait_until_ready();
    let path = lab.text("missing");
    for _ in 0..3 {
        (0..100).for_each(|_| open_missing(&path));
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = run.interrupt().code(1);
    let totals = ended.totals("opens");
    assert_eq!((totals.produced, totals.delivered), (totals.lost, 0), "{totals:?}");
    assert!(totals.produced >= 300 && totals.causes.contains("sink error"), "{totals:?}");
    assert_eq!(ended.stderr.matches("failed to write `stdout`").count(), 1, "{}", ended.stderr);
}

/// A reader that does not read delays nobody else, and does not keep the end of the run.
#[test]
fn a_slow_reader() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(&opens("    sinks: [stdout, \"jsonl:all.jsonl\"]\n"));
    let (reader, writer) = std::io::pipe().unwrap();
    let mut run = Run::start_with(lab.command(&["probes.yaml"]).stdout(writer));
    run.wait_until_ready();
    let path = lab.text("missing");
    for _ in 0..40 {
        (0..1000).for_each(|_| open_missing(&path));
        std::thread::sleep(Duration::from_millis(5));
    }
    // One of them may find the ring full on a busy machine, not all.
    let (last, mut file) = (format!("{path}-last"), Follow::open(&lab.path("all.jsonl")));
    crate::lab::wait_for("the last event in the file", || {
        open_missing(&last);
        file.finds(&last)
    });
    let start = Instant::now();
    // What it never took is lost, and the exit status says so.
    let ended = run.interrupt().code(1);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    drop(reader);
    let (slow, file) = (ended.totals("stdout"), ended.totals("jsonl:all.jsonl"));
    assert_eq!(slow.delivered + slow.lost, file.delivered + file.lost);
    assert!(slow.lost > file.lost && !file.causes.contains("queue") && !file.causes.contains("sink"), "{file:?}");
}
