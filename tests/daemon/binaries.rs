// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that come, go and are replaced under the probes in them.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::called::{Called, compile};
use crate::daemon::Daemon;
use crate::lab::{Lab, bpf, need, tool, wait_for};

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
