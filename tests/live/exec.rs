// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program `exec`: starts and ends of processes.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::Instant;

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need, sh, tool};

fn yaml(params: &str) -> String {
    format!("probes:\n  - {{ name: execs, program: exec, params: {{ {params} }} }}\n")
}

/// Runs a script at this path with these arguments; gives the pid.
fn run_script(path: &str, text: &str, arguments: &[&str]) -> u64 {
    std::fs::write(path, text).unwrap();
    crate::lab::sh(&format!("chmod 755 {path}"));
    let mut child = Command::new(path).args(arguments).stdin(Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    child.id().into()
}

fn is(event: &Value, kind: &str, pid: u64) -> bool {
    event["pid"] == pid && event["event"] == kind
}

/// A start tells file, command line as a shell would need it, parent and user; the end tells the code and the time.
#[test]
fn start_and_end() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml(""), &[]);
    let path = lab.text("job");
    let before = Instant::now();
    let pid = run_script(&path, "#!/bin/sh\nsleep 0.1\nexit 7\n", &["two words", "it's", "", "plain", "$HOME"]);
    let took = before.elapsed().as_nanos() as u64;
    let start = run.event(|event| is(event, "exec", pid));
    assert_eq!(start["filename"], *path);
    assert_eq!(start["args"], format!("/bin/sh {path} 'two words' 'it'\\''s' '' plain '$HOME'"));
    assert_eq!((&start["ppid"], &start["uid"]), (&json!(std::process::id()), &json!(0)));
    assert_eq!(start["comm"], "job");
    assert_eq!(
        (&start["exit_code"], &start["signal"], &start["duration_ns"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert!(start.get("args_truncated").is_none() && start.get("filename_truncated").is_none(), "{start}");
    let end = run.event(|event| is(event, "exit", pid));
    assert_eq!((&end["exit_code"], &end["signal"]), (&json!(7), &Value::Null), "{end}");
    assert_eq!((&end["filename"], &end["args"]), (&Value::Null, &Value::Null));
    let duration = end["duration_ns"].as_u64().unwrap();
    assert!((100_000_000..took).contains(&duration), "{duration} of {took}");
    assert_eq!(end["ppid"], std::process::id());
    run.interrupt().code(0);
}

/// A process that a signal ends says which, and the code that a shell would give.
#[test]
fn ended_by_a_signal() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml(""), &[]);
    for (signal, code) in [("KILL", 137), ("TERM", 143)] {
        let pid = run_script(&lab.text("killed"), &format!("#!/bin/sh\nkill -{signal} $$\nsleep 60\n"), &[]);
        let end = run.event(|event| is(event, "exit", pid));
        assert_eq!((&end["exit_code"], &end["signal"]), (&json!(code), &json!(code - 128)), "{end}");
    }
    run.interrupt().code(0);
}

/// A name or command line that does not fit is cut and says so; one that just fits is whole.
#[test]
fn cut_names_and_arguments() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml("execs_only: true"), &[]);
    let path = lab.text("job");
    let own = "/bin/sh ".len() + path.len() + 1;
    for (length, cut) in [(512 - own - 1, false), (512 - own, true), (3000, true)] {
        let argument = "x".repeat(length);
        let pid = run_script(&path, "#!/bin/sh\n", &[&argument]);
        let start = run.event(|event| is(event, "exec", pid));
        let line = format!("/bin/sh {path} {argument}");
        assert_eq!(start["args"], line[..line.len().min(512)]);
        assert_eq!(start.get("args_truncated"), cut.then_some(&json!(true)), "{length}");
    }
    for (length, cut) in [(255, false), (256, true), (700, true)] {
        let base = lab.text("deep");
        let padding = length - base.len() - "/job".len();
        let deep = format!("{base}{}/job", "/".repeat(padding));
        std::fs::create_dir_all(&base).unwrap();
        let pid = run_script(&deep, "#!/bin/sh\n", &[]);
        let start = run.event(|event| is(event, "exec", pid));
        assert_eq!(start["filename"], deep[..length.min(255)]);
        assert_eq!(start.get("filename_truncated"), cut.then_some(&json!(true)), "{length}");
    }
    run.interrupt().code(0);
}

/// A helper of the next test: a process of many threads that end together. Does nothing when run as a test.
#[test]
fn threads() {
    if std::env::var_os("LIVE_THREADS").is_none() {
        return;
    }
    let barrier = Barrier::new(16);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| barrier.wait());
        }
    });
    // All threads that there are end here and now, at once.
    // SAFETY: ends the process; takes nothing.
    unsafe { libc::_exit(3) };
}

/// A process with threads starts once and ends once.
#[test]
fn a_process_with_threads_ends_once() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &[]);
    let pids: Vec<u32> = (0..20)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "exec::threads"]).env("LIVE_THREADS", "1").stdout(Stdio::null());
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(3));
            child.id()
        })
        .collect();
    let events = run.interrupt().code(0).events();
    for pid in pids {
        let of = |kind| events.iter().filter(|event| is(event, kind, pid.into())).count();
        assert_eq!((of("exec"), of("exit")), (1, 1), "{pid}");
        let end = events.iter().find(|event| is(event, "exit", pid.into())).unwrap();
        assert_eq!(end["exit_code"], 3);
    }
}

/// The code of a process is the one that its parent gets, whichever thread ends last and however.
#[test]
fn the_code_is_that_of_wait() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/leader.c");
    let binary = lab.text("leader");
    sh(&format!("cc -O1 -pthread -o {binary} {}", source.display()));
    let run = lab.ready(&yaml(""), &[]);
    let races = std::iter::repeat_n("race", 200);
    let ended: Vec<(u32, Option<i32>)> = ["thread", "group"]
        .into_iter()
        .chain(races)
        .map(|how| {
            let mut child = Command::new(&binary).arg(how).spawn().unwrap();
            (child.id(), child.wait().unwrap().code())
        })
        .collect();
    let events = run.interrupt().code(0).events();
    for (pid, code) in ended {
        let ends: Vec<_> = events.iter().filter(|event| is(event, "exit", pid.into())).collect();
        assert_eq!(ends.iter().map(|end| end["exit_code"].clone()).collect::<Vec<_>>(), [json!(code)], "{pid}");
    }
}

/// Processes that only fork start no program, and their ends are reported like all others.
#[test]
fn forks_end_as_well() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml(""), &[]);
    let path = lab.text("forker");
    let pid = run_script(&path, "#!/bin/sh\n(exit 5)\n(kill -9 $(exec sh -c 'echo $PPID'))\nexit 4\n", &[]);
    let events = run.interrupt().code(0).events();
    assert!(events.iter().any(|event| is(event, "exit", pid) && event["exit_code"] == 4));
    let ends: Vec<&Value> = events.iter().filter(|event| event["ppid"] == pid && event["event"] == "exit").collect();
    let of: Vec<_> = ends.iter().map(|end| (&end["comm"], &end["exit_code"], &end["signal"])).collect();
    assert_eq!(of, [(&json!("forker"), &json!(5), &Value::Null), (&json!("forker"), &json!(137), &json!(9))]);
    assert!(ends.iter().all(|end| end["duration_ns"].as_u64() > Some(0)), "{ends:?}");
    assert!(!events.iter().any(|event| event["ppid"] == pid && event["event"] == "exec"), "{events:?}");
}

/// `execs_only` leaves the ends out, `failures_only` all but the ends that failed.
#[test]
fn params_choose() {
    need!(bpf());
    let lab = Lab::new();
    let two = "probes:\n  - { name: starts, program: exec, params: { execs_only: true } }\n  \
               - { name: failures, program: exec, params: { failures_only: true } }\n";
    let run = lab.ready(two, &[]);
    let good = run_script(&lab.text("good"), "#!/bin/sh\nexit 0\n", &[]);
    let bad = run_script(&lab.text("bad"), "#!/bin/sh\nexit 9\n", &[]);
    let killed = run_script(&lab.text("killed"), "#!/bin/sh\nkill -9 $$\n", &[]);
    let events = run.interrupt().code(0).events();
    let of = |pid: u64| -> Vec<(&str, &str)> {
        let ours = events.iter().filter(|event| event["pid"] == pid);
        ours.map(|event| (event["probe"].as_str().unwrap(), event["event"].as_str().unwrap())).collect()
    };
    assert_eq!(of(good), [("starts", "exec")]);
    let mut both = of(bad);
    both.sort_unstable();
    assert_eq!(both, [("failures", "exit"), ("starts", "exec")]);
    let mut both = of(killed);
    both.sort_unstable();
    assert_eq!(both, [("failures", "exit"), ("starts", "exec")]);
}

/// `only_uid` leaves out all other users; root, whose number is 0, can be chosen.
#[test]
fn only_one_user() {
    need!(bpf());
    let lab = Lab::new();
    let two = "probes:\n  - { name: nobody, program: exec, params: { only_uid: 65534 } }\n  \
               - { name: root, program: exec, params: { only_uid: 0 } }\n";
    let run = lab.ready(two, &[]);
    assert!(Path::new("/bin/true").exists());
    let mut nobody = Command::new("/bin/true").uid(65534).gid(65534).spawn().unwrap();
    nobody.wait().unwrap();
    let mut root = Command::new("/bin/true").spawn().unwrap();
    root.wait().unwrap();
    let events = run.interrupt().code(0).events();
    let of = |pid: u32| -> Vec<&str> {
        let ours = events.iter().filter(|event| event["pid"] == pid);
        ours.map(|event| event["probe"].as_str().unwrap()).collect()
    };
    assert_eq!((of(nobody.id()), of(root.id())), (vec!["nobody"; 2], vec!["root"; 2]));
    assert!(events.iter().all(|event| (event["probe"] == "nobody") == (event["uid"] == 65534)));
}
