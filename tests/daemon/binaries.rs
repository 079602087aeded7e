// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that come, go and are replaced under the probes in them.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::called::{Called, compile};
use crate::daemon::Daemon;
use crate::lab::{Lab, bpf, need, skip, tool, wait_for};
use crate::mounts::{mount, mount_silent, with_own_mounts};

/// Events that a file of the daemon has.
fn events(daemon: &Daemon) -> usize {
    daemon.lines("calls.jsonl").iter().filter(|line| line["pid"].is_u64()).count()
}

/// A probe waits for its program, starts as soon as it is installed, and follows to the one that an upgrade brings. Processes
/// that run an old one are seen as long as they do. Looks without a reason are half a minute apart, and this takes less.
#[test]
fn installed_upgraded_removed() {
    need!(bpf(), tool("cc"));
    let (start, elsewhere) = (Instant::now(), Lab::new());
    let built = compile(&elsewhere);
    let daemon = Daemon::empty();
    let installed = daemon.lab.text("bin/called");
    let probe = |more: &str| {
        format!(
            "  - name: calls\n    hook: {{ uprobe: \"{installed}:answer\" }}\n    sinks: [\"jsonl:calls.jsonl\"]\n{more}"
        )
    };
    daemon.write("a.yaml", &probe(""));
    daemon.wait("calls", "waiting");
    // The next try is seconds away by then, unless it hears of the program.
    wait_for("tries", || start.elapsed() > Duration::from_secs(3));
    fs::create_dir(daemon.lab.path("bin")).unwrap();
    let install = || {
        fs::copy(&built, daemon.lab.path("bin/called.new")).unwrap();
        fs::rename(daemon.lab.path("bin/called.new"), &installed).unwrap();
    };
    let links = |probe: &Value| probe["links"].as_array().map_or(0, Vec::len);
    let (asked, mut seen, mut processes) = (Instant::now(), 0, Vec::new());
    install();
    for generation in 1..=3 {
        daemon.wait_until("calls", "moved", |probe| probe["generation"] == generation && probe["error"] == "");
        processes.push(Called::start(&installed, "text"));
        let mut all_seen = || {
            processes.iter_mut().for_each(|process| process.call(10));
            seen += 10 * processes.len();
            wait_for("the calls", || events(&daemon) == seen);
        };
        all_seen();
        fs::remove_file(&installed).unwrap();
        let probe = daemon.wait_until("calls", "missed", |probe| probe["error"] != "");
        assert_eq!(probe["generation"], generation, "{probe}");
        all_seen();
        install();
    }
    daemon.wait_until("calls", "moved", |probe| probe["generation"] == 4 && links(probe) == 4);
    // Also when the program itself is exchanged; and when the processes have ended, so have their probes.
    daemon.write("a.yaml", &probe("    capture: { number: arg0 as i32 }\n"));
    daemon.wait_until("calls", "replaced", |probe| probe["generation"] == 5 && links(probe) == 4);
    processes.iter_mut().for_each(|process| process.call(10));
    wait_for("the calls", || events(&daemon) == seen + 30);
    processes.truncate(1);
    daemon.run.signal(libc::SIGHUP);
    daemon.wait_until("calls", "left", |probe| links(probe) == 2);
    processes[0].call(10);
    wait_for("the calls", || events(&daemon) == seen + 40);
    drop(processes);
    daemon.run.signal(libc::SIGHUP);
    daemon.wait_until("calls", "left", |probe| links(probe) == 1);
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    let probe = daemon.probe("calls");
    assert_eq!((&probe["produced"], &probe["delivered"]), (&(seen + 40).into(), &(seen + 40).into()));
    daemon.stop();
}

/// Puts a program in place, as an upgrade does.
fn install(built: &str, path: &Path) {
    let new = path.with_extension("new");
    fs::copy(built, &new).unwrap();
    fs::rename(new, path).unwrap();
}

fn links(probe: &Value) -> usize {
    probe["links"].as_array().map_or(0, Vec::len)
}

/// A process whose file lies where names are no UTF-8 counts as running it when that was replaced: it is seen until it ends.
#[test]
fn names_that_are_no_text() {
    need!(bpf(), tool("cc"));
    let (elsewhere, daemon) = (Lab::new(), Daemon::empty());
    let built = compile(&elsewhere);
    let odd = daemon.lab.dir.path().join(OsStr::from_bytes(b"two\nlines\xff"));
    fs::create_dir(&odd).unwrap();
    std::os::unix::fs::symlink(&odd, daemon.lab.path("bin")).unwrap();
    let installed = daemon.lab.path("bin/called");
    install(&built, &installed);
    let name = installed.to_str().unwrap();
    let hook = format!("hook: {{ uprobe: \"{name}:answer\" }}");
    daemon.write("a.yaml", &format!("  - name: calls\n    {hook}\n    sinks: [\"jsonl:calls.jsonl\"]\n"));
    daemon.wait("calls", "running");
    let mut process = Called::start(name, "text");
    process.call(10);
    wait_for("the calls", || events(&daemon) == 10);
    install(&built, &installed);
    daemon.wait_until("calls", "moved", |probe| probe["generation"] == 2 && links(probe) == 2);
    for round in 2..=4 {
        // What a look found is acted upon some time after it; the next one begins when it is.
        daemon.run.signal(libc::SIGHUP);
        daemon.status();
        process.call(10);
        wait_for("the calls", || events(&daemon) == 10 * round);
    }
    drop(process);
    daemon.run.signal(libc::SIGHUP);
    daemon.wait_until("calls", "left", |probe| links(probe) == 1);
    daemon.stop();
}

/// Processes with tens of thousands of mappings keep nobody waiting: the daemon answers and reloads at once, the old file is
/// left when a look has come to its end or stays probed.
#[test]
fn many_mappings() {
    need!(bpf(), tool("cc"));
    let (elsewhere, daemon) = (Lab::new(), Daemon::empty());
    let built = compile(&elsewhere);
    let mappings = elsewhere.text("mappings");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/mappings.c");
    crate::lab::sh(&format!("cc -O1 -o {mappings} {}", source.display()));
    let busy = || {
        let mut child = Command::new(&mappings).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.trim().parse::<u32>().unwrap() > 10_000, "{line}");
        child
    };
    let mut crowd: Vec<_> = (0..10).map(|_| busy()).collect();
    let installed = daemon.lab.path("called");
    install(&built, &installed);
    let hook = format!("hook: {{ uprobe: \"{}:answer\" }}", installed.display());
    daemon.write("a.yaml", &format!("  - name: calls\n    {hook}\n    sinks: [\"jsonl:calls.jsonl\"]\n"));
    daemon.wait("calls", "running");
    install(&built, &installed);
    daemon.wait_until("calls", "moved", |probe| links(probe) == 2);
    for _ in 0..5 {
        let asked = Instant::now();
        daemon.ask(serde_json::json!({ "command": "reload" }));
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
    crowd.iter_mut().for_each(|process| drop(process.stdin.take()));
    crowd.iter_mut().for_each(|process| drop(process.wait()));
    wait_for("the old file is left", || {
        daemon.run.signal(libc::SIGHUP);
        links(&daemon.probe("calls")) == 1
    });
    daemon.stop();
}

/// A program whose file system stops to answer goes on being seen, one that is to be hooked there fails by itself, and the daemon
/// answers all the while. When the file system does, too, both are as their files say.
#[test]
fn a_silent_file_system() {
    need!(bpf(), tool("cc"));
    let own = with_own_mounts(|| {
        let disk = Lab::new();
        let built = compile(&disk);
        let probe = |name: &str| {
            format!(
                "  - name: {name}\n    hook: {{ uprobe: \"{built}:answer\" }}\n    sinks: [\"jsonl:calls.jsonl\"]\n"
            )
        };
        let daemon = Daemon::with(&[("a.yaml", &probe("before"))]);
        let mut process = Called::start(&built, "text");
        let Some(server) = mount_silent(disk.dir.path()) else { return skip("no FUSE") };
        daemon.write("b.yaml", &probe("after"));
        let error = |name: &str| daemon.probe(name)["error"].as_str().unwrap_or_default().to_owned();
        for name in ["before", "after"] {
            wait_for("the failure", || error(name).ends_with("its file system does not answer"));
        }
        process.call(10);
        wait_for("the calls", || events(&daemon) == 10);
        drop(server);
        mount("umount -l", &[disk.dir.path()]);
        wait_for("its end", || error("before").is_empty());
        assert_eq!(daemon.wait("after", "running")["generation"], 1);
        assert_eq!(daemon.probe("before")["generation"], 1);
        process.call(10);
        wait_for("the calls", || events(&daemon) == 30);
        daemon.stop();
    });
    if !own {
        skip("no mounts of its own");
    }
}
