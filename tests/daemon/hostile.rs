// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that others could change, or that change under the probes in them without being replaced.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::called::{Called, compile};
use crate::daemon::Daemon;
use crate::lab::{BOUND, Lab, bpf, need, sh, tool, wait_for};

/// A probe in a program, with more of its hook: `, build_id: …`.
fn probe(binary: &str, more: &str) -> String {
    format!(
        "  - name: calls\n    hook: {{ uprobe: {{ binary: {binary}, symbol: answer{more} }} }}\n    \
         sinks: [\"jsonl:calls.jsonl\"]\n"
    )
}

fn events(daemon: &Daemon) -> usize {
    daemon.lines("calls.jsonl").iter().filter(|line| line["pid"].is_u64()).count()
}

fn links(probe: &Value) -> usize {
    probe["links"].as_array().map_or(0, Vec::len)
}

/// A daemon refuses a program that others could change, until the file allows it or says which build is meant; another build
/// is refused again, and the one that ran goes on.
#[test]
fn refused_and_allowed() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let built = compile(&lab);
    let home = lab.text("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(123_456), None).unwrap();
    let path = format!("{home}/called");
    let source = format!("{}/tests/support/called.c", env!("CARGO_MANIFEST_DIR"));
    sh(&format!("cc -O1 -Wl,--build-id=0x0123456789abcdef -o {path} {source}"));
    let daemon = Daemon::with(&[("a.yaml", &probe(&path, ""))]);
    let refused = daemon.wait("calls", "failed");
    let whose = format!("other users could change `{path}`: `{home}` belongs to the user 123456");
    assert_eq!(refused["error"], whose, "{refused}");
    daemon.write("a.yaml", &probe(&path, ", allow_untrusted: true"));
    daemon.wait("calls", "running");
    Called::start(&path, "x").call(5);
    wait_for("five calls", || events(&daemon) == 5);
    // It is at the same place: nothing is attached anew, and no event is lost or there twice.
    let mut process = Called::start(&path, "x");
    for (at, more) in [", build_id: 0123456789abcdef", "", ", allow_untrusted: true"].iter().enumerate() {
        daemon.write("a.yaml", &probe(&path, more));
        process.call(100);
        let expected = if more.is_empty() { &whose } else { "" };
        daemon.wait_until("calls", "changed", |probe| probe["error"] == expected && probe["state"] != "failed");
        wait_for("all calls", || events(&daemon) == 5 + 100 * (at + 1));
    }
    daemon.write("a.yaml", &probe(&path, ", build_id: 0123456789abcdef"));
    daemon.wait_until("calls", "running", |probe| probe["error"] == "");
    drop(process);
    fs::copy(&built, format!("{home}/new")).unwrap();
    fs::rename(format!("{home}/new"), &path).unwrap();
    daemon.wait_until("calls", "refused", |probe| probe["error"] == format!("`{path}` is a different build"));
    daemon.stop();
}

/// A FIFO that is put in a program's place, and somebody who has a lease of it, keep nobody waiting.
#[test]
fn nothing_hangs() {
    need!(bpf(), tool("cc"), tool("mkfifo"));
    let lab = Lab::new();
    let path = compile(&lab);
    let daemon = Daemon::with(&[("a.yaml", &probe(&path, ", allow_untrusted: true"))]);
    daemon.wait("calls", "running");
    fs::remove_file(&path).unwrap();
    sh(&format!("mkfifo {path}"));
    let said = format!("`{path}` is not a regular file, not a program or library");
    let begin = Instant::now();
    daemon.wait_until("calls", "refused", |probe| probe["error"] == said);
    assert!(begin.elapsed() < BOUND);
    daemon.stop();
}

/// Mode, owner, number of names, time of the last change: whatever of it changes, the probe goes on as it is, and each call
/// is one event. What is written to it is noticed.
#[test]
fn touched() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let path = compile(&lab);
    let daemon = Daemon::with(&[("a.yaml", &probe(&path, ""))]);
    let before = daemon.wait("calls", "running");
    let mut process = Called::start(&path, "x");
    let mut calls = 0;
    let mut check = |what: &str, process: &mut Called| {
        process.call(500);
        calls += 500;
        daemon.run.signal(libc::SIGHUP);
        wait_for(what, || events(&daemon) == calls);
        let now = daemon.probe("calls");
        let same = |key: &str| before[key] == now[key];
        assert!(
            same("links") && same("generation") && now["state"] == "running" && now["error"] == "",
            "{what}: {now}"
        );
    };
    for at in 0..20 {
        let mode = if at % 2 == 0 { 0o755 } else { 0o700 };
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        check("a mode", &mut process);
    }
    chown(&path, Some(0), Some(0)).unwrap();
    check("an owner", &mut process);
    fs::hard_link(&path, lab.path("another")).unwrap();
    check("another name", &mut process);
    fs::remove_file(lab.path("another")).unwrap();
    sh(&format!("touch -d 2001-01-01 {path}"));
    check("a time", &mut process);
    drop(process);
    // More at its end moves nothing.
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    check("more at its end", &mut Called::start(&path, "x"));
    // Other code in the same file: its function is elsewhere.
    let other = lab.text("other");
    let source = format!("{}/tests/support/called.c", env!("CARGO_MANIFEST_DIR"));
    fs::write(lab.path("before.s"), format!(".text\n{}", "nop\n".repeat(50))).unwrap();
    sh(&format!("cc -O1 -o {other} {} {source}; cat {other} > {path}", lab.text("before.s")));
    daemon.wait_until("calls", "moved", |probe| probe["generation"] != before["generation"] && probe["error"] == "");
    Called::start(&path, "x").call(7);
    let seen = daemon.probe("calls")["produced"].as_u64().unwrap() as usize;
    wait_for("calls of the new code", || events(&daemon) >= seen.max(7));
    let last = daemon.lines("calls.jsonl");
    assert!(last.iter().filter(|line| line["pid"].is_u64()).count() % 500 == 7, "{}", last.len());
    daemon.stop();
}

/// Layers over a directory, which are gone with it.
struct Layers {
    lab: Lab,
}

impl Layers {
    /// `lower` below, `merged` for everybody; `None` where this machine has no such file system.
    fn over(lab: Lab, options: &str) -> Option<Self> {
        let at = lab.dir.path().display();
        sh(&format!("mount -t tmpfs none {at}; mkdir {at}/lower {at}/upper {at}/work {at}/merged; chmod 755 {at}"));
        let layers = Self { lab };
        let dirs = format!(
            "lowerdir={at}/lower,upperdir={at}/upper,workdir={at}/work{options}",
            at = layers.lab.dir.path().display()
        );
        let merged = layers.lab.text("merged");
        let done = Command::new("mount").args(["-t", "overlay", "overlay", "-o", &dirs, &merged]).status().unwrap();
        done.success().then_some(layers)
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        let at = self.lab.dir.path().display();
        let _ = Command::new("sh").args(["-c", &format!("umount {at}/merged; umount {at}")]).status();
    }
}

/// A program in layers, as containers have theirs, becomes a copy when its mode or owner is changed, with the same number: what
/// runs the copy is seen, and what runs the one below as well. Changed once more, it stays what it is.
#[test]
fn copied_up() {
    need!(bpf(), tool("cc"), tool("mount"));
    let Some(layers) = Layers::over(Lab::new(), "") else {
        return crate::lab::skip("no overlayfs");
    };
    let lab = &layers.lab;
    let built = compile(lab);
    fs::rename(&built, lab.path("lower/called")).unwrap();
    let path = lab.text("merged/called");
    let daemon = Daemon::with(&[("a.yaml", &probe(&path, ""))]);
    let before = daemon.wait("calls", "running");
    let mut below = Called::start(&path, "below");
    below.call(10);
    wait_for("calls below", || events(&daemon) == 10);
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    let moved = daemon.wait_until("calls", "moved", |probe| links(probe) == 2 && probe["error"] == "");
    assert_ne!(moved["generation"], before["generation"]);
    let mut above = Called::start(&path, "above");
    above.call(20);
    below.call(5);
    wait_for("calls of both", || events(&daemon) == 35);
    // It has been copied.
    for mode in [0o755, 0o711, 0o755] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        daemon.run.signal(libc::SIGHUP);
        above.call(10);
    }
    wait_for("no call twice", || events(&daemon) == 65);
    let now = daemon.probe("calls");
    assert_eq!(
        (&now["links"], &now["generation"], &now["produced"]),
        (&moved["links"], &moved["generation"], &65.into())
    );
    drop((above, below));
    daemon.stop();
}
