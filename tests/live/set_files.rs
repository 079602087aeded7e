// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of sets in the hands of careless and hostile people; sets that grow; what is in a set by its value.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::lab::{Lab, Run, bpf, json, need, open_missing, wait_for};

const WATCHED: &str = "sets: { watched: { text: { file: watched.txt } } }\nprobes:\n  - name: opens\n    \
                       hook: { syscall: openat }\n    capture: { path: filename as user_string }\n    \
                       where: path in watched\n";

/// Opens a path until an event says so.
fn passes(run: &mut Run, path: &str) {
    wait_for(&format!("{path} passes"), || {
        open_missing(path);
        run.try_event(Duration::from_millis(50), |event| event["path"] == path).is_some()
    });
}

fn fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is NUL-terminated and lives across the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Whatever takes the place of the file, what is wrong is said, and the old entries stay; what comes in good order counts.
#[test]
fn hostile_files() {
    need!(bpf());
    let lab = Lab::new();
    let (file, always, more) = (lab.path("watched.txt"), lab.text("always"), lab.text("more"));
    let replace = |text: &str| {
        fs::write(lab.path("new"), text).unwrap();
        fs::rename(lab.path("new"), &file).unwrap();
    };
    replace(&format!("{always}\n"));
    let mut run = lab.ready(WATCHED, &[]);
    passes(&mut run, &always);
    let steps: &[(&str, &dyn Fn())] = &[
        (":2: a text of 127 bytes; at most 126", &|| replace(&format!("/else\n{}\n", "x".repeat(127)))),
        (":1: it is UTF-16", &|| fs::write(&file, b"\xff\xfe/\0e\0").unwrap()),
        ("there is no such file; its old entries stay", &|| fs::remove_file(&file).unwrap()),
        ("it is a directory; its old entries stay", &|| fs::create_dir(&file).unwrap()),
        ("it is not a regular file; its old entries stay", &|| {
            fs::remove_dir(&file).unwrap();
            fifo(&file);
        }),
        ("its symbolic links lead in a circle; its old entries stay", &|| {
            fs::remove_file(&file).unwrap();
            symlink(&file, &file).unwrap();
        }),
        ("it is a virtual file of the kernel; its old entries stay", &|| {
            fs::remove_file(&file).unwrap();
            symlink("/proc/self/status", &file).unwrap();
        }),
        ("it is larger than 256 MiB; its old entries stay", &|| {
            File::create(lab.path("new")).unwrap().set_len(1 << 30).unwrap();
            fs::rename(lab.path("new"), &file).unwrap();
        }),
    ];
    for (said, step) in steps {
        step();
        run.said(|line| line.contains(said) && line.contains("watched.txt"));
        passes(&mut run, &always);
    }
    // A mark in front, lines that end with CR LF, one twice, no end of the last one.
    replace(&format!("\u{feff}{always}\r\n{always}\r\n\r\n# more\r\n{more}"));
    passes(&mut run, &more);
    passes(&mut run, &always);
    File::create(&file).unwrap();
    run.said(|line| line.contains("has no entries: nothing is in the set"));
    replace(&format!("{always}\n"));
    passes(&mut run, &always);
    run.interrupt().code(0);
}

/// A set that outgrows its map, and shrinks again, under load: no event is lost or missed, and no probe is touched.
#[test]
fn a_set_that_grows() {
    need!(bpf());
    let lab = Lab::new();
    let (always, last) = (lab.text("always"), lab.text("last"));
    let write = |count: usize, last: &str| {
        let lines: String = (0..count).map(|number| format!("/nowhere/{number}\n")).collect();
        fs::write(lab.path("new"), format!("{always}\n{lines}{last}\n")).unwrap();
        fs::rename(lab.path("new"), lab.path("watched.txt")).unwrap();
    };
    write(0, "");
    let run = lab.ready(&format!("{WATCHED}    sinks: [\"jsonl:all.jsonl\"]\n"), &[]);
    let events = || fs::read_to_string(lab.path("all.jsonl")).unwrap_or_default();
    let stop = AtomicBool::new(false);
    let opened = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut opened = 0u64;
            while !stop.load(Ordering::Relaxed) {
                open_missing(&always);
                opened += 1;
                thread::sleep(Duration::from_micros(100));
            }
            opened
        });
        for (round, count) in [100, 1_000, 20_000, 10, 5_000].into_iter().enumerate() {
            let last = format!("{last}-{round}");
            write(count, &last);
            wait_for("the change is visible", || {
                open_missing(&last);
                events().contains(&last)
            });
            if count > 0 {
                let one = format!("/nowhere/{}", count - 1);
                let before = events().matches(&format!("\"{one}\"")).count();
                open_missing(&one);
                wait_for("one in the middle", || events().matches(&format!("\"{one}\"")).count() > before);
            }
        }
        stop.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    let ended = run.interrupt().code(0);
    let passed = events().lines().map(json).filter(|event| event["path"] == always.as_str()).count() as u64;
    assert_eq!(passed, opened, "{ended:?}");
    assert!(!ended.stderr.contains("WARN"), "{ended:?}");
}

/// Negative numbers of 32 bits, names of errors and ports are found by their values, and the kernel decides.
#[test]
fn values_of_every_width() {
    need!(bpf());
    let yaml = "sets:\n  failures: { number: [-2, -13, 4294967283, 0] }\n  ports: { number: [9, 443, 18446744073709551615] }\n  \
                odd: { number: [2304] }\nprobes:\n  - name: opens\n    hook: { syscall: openat }\n    capture:\n      \
                path: filename as user_string\n      narrow: retval as i32\n      error: retval as errno\n    where:\n      \
                - path.startsWith(\"/nowhere/of/sets\")\n      - narrow in failures && error in failures\n      \
                - not (narrow in ports)\n  - name: connects\n    hook: { syscall: connect }\n    \
                capture: { peer: uservaddr as sockaddr }\n    where:\n      - peer.port in ports\n      - peer.port not in odd\n";
    let lab = Lab::new();
    lab.yaml(yaml);
    let plan = lab.run(&["plan", "probes.yaml"]).code(0).stdout.join("\n");
    assert!(!plan.contains("in user space: "), "{plan}");
    assert!(plan.contains("failures (number): 4 entries in the configuration; asked in the kernel; map of"), "{plan}");
    let mut run = lab.ready(yaml, &[]);
    open_missing("/nowhere/of/sets");
    let event = run.event(|event| event["probe"] == "opens");
    assert_eq!((&event["narrow"], &event["error"]), (&json!(-2), &json!("ENOENT")));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // Port 9 is 2304 in the other order of bytes: only one of the two passes.
    socket.connect("127.0.0.1:2304").unwrap();
    socket.connect("127.0.0.1:443").unwrap();
    let event = run.event(|event| event["probe"] == "connects");
    assert_eq!(event["peer"], "127.0.0.1:443");
    socket.connect("127.0.0.1:9").unwrap();
    let event = run.event(|event| event["probe"] == "connects");
    assert_eq!(event["peer"], "127.0.0.1:9");
    run.interrupt().code(0);
}
