// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run top` on a terminal: it shows what is counted, ends by a key or a signal, and leaves the terminal as it was.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, bpf, need, tool, wait_for};

/// How somebody ends it.
enum By {
    Key(&'static [u8]),
    Signal(i32),
}

/// Keys and signals end it at once. Before the summary the screen is the one that was there before, its cursor is shown, and its modes are
/// what they were; the row of what is counted was on it.
#[test]
fn ends_and_leaves_nothing() {
    need!(bpf(), tool("script"), tool("stty"));
    for (by, interval) in [
        (By::Key(b"q"), "100ms"),
        (By::Key(b"\x1b"), "100ms"),
        (By::Key(b"\x03"), "100ms"),
        (By::Signal(libc::SIGTERM), "100ms"),
        // It is drawn before that.
        (By::Signal(libc::SIGINT), "end"),
    ] {
        let lab = Lab::new();
        lab.yaml(&format!(
            "probes:\n  - name: answers\n    hook: {{ syscall: sched_get_priority_min }}\n    where: pid == {}\n    interval: {interval}\n    \
             aggregate: {{ by: [policy], values: {{ calls: count() }} }}\n",
            std::process::id()
        ));
        let inside = format!(
            "stty rows 24 cols 80; stty -g >before; sh -c 'echo $$ >pid; exec {} top probes.yaml'; echo $? >code; stty -g >after",
            env!("CARGO_BIN_EXE_ebpf-run")
        );
        let mut command = Command::new("script");
        command
            .args(["-qfc", &inside, "screen"])
            .current_dir(lab.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        // A terminal of its own, whatever the test runs on.
        command.env("TERM", "xterm").process_group(0);
        let mut child = command.spawn().unwrap();
        let mut keys = child.stdin.take().unwrap();
        let screen = || String::from_utf8_lossy(&fs::read(lab.path("screen")).unwrap_or_default()).into_owned();
        wait_for("a row", || {
            // SAFETY: it takes a number, and changes nothing.
            unsafe { libc::syscall(libc::SYS_sched_get_priority_min, 4711) };
            screen().contains("4711")
        });
        let asked = Instant::now();
        match by {
            By::Key(key) => keys.write_all(key).unwrap(),
            By::Signal(signal) => {
                let pid = fs::read_to_string(lab.path("pid")).unwrap().trim().parse().unwrap();
                // SAFETY: signals the program that this test has started.
                assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
            }
        }
        wait_for("its end", || lab.path("after").exists() && child.try_wait().unwrap().is_some());
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        let read = |name: &str| fs::read_to_string(lab.path(name)).unwrap().trim().to_owned();
        assert_eq!((read("code").as_str(), read("before")), ("0", read("after")));
        let screen = screen();
        let (drawn, after) = screen.rsplit_once("\x1b[?1049l").expect("it leaves the other screen");
        assert!(drawn.contains("\x1b[?1049h") && after.contains("\x1b[?25h"), "{screen:?}");
        assert!(after.contains("counted: ") && !after.contains("error"), "{after}");
    }
}
