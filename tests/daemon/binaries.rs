// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that come, go and are replaced under the probes in them.

use std::fs;
use std::time::{Duration, Instant};

use crate::called::{Called, compile};
use crate::daemon::Daemon;
use crate::lab::{Lab, bpf, need, tool, wait_for};

/// Events that a file of the daemon has.
fn events(daemon: &Daemon) -> usize {
    daemon.lines("calls.jsonl").iter().filter(|line| line["pid"].is_u64()).count()
}

/// A probe waits for its program, starts as soon as it is installed, and moves to the one that an upgrade brings. While there
/// is none, what is left of the old one is probed. Looks without a reason are half a minute apart, and this takes less.
#[test]
fn installed_upgraded_removed() {
    need!(bpf(), tool("cc"));
    let (start, elsewhere) = (Instant::now(), Lab::new());
    let built = compile(&elsewhere);
    let daemon = Daemon::empty();
    let installed = daemon.lab.text("bin/called");
    let probe = format!(
        "  - name: calls\n    hook: {{ uprobe: \"{installed}:answer\" }}\n    sinks: [\"jsonl:calls.jsonl\"]\n"
    );
    daemon.write("a.yaml", &probe);
    daemon.wait("calls", "waiting");
    // The next try is seconds away by then, unless it hears of the program.
    wait_for("tries", || start.elapsed() > Duration::from_secs(3));
    fs::create_dir(daemon.lab.path("bin")).unwrap();
    let install = || {
        fs::copy(&built, daemon.lab.path("bin/called.new")).unwrap();
        fs::rename(daemon.lab.path("bin/called.new"), &installed).unwrap();
    };
    let (asked, mut seen) = (Instant::now(), 0);
    install();
    for generation in 1..=3 {
        daemon.wait_until("calls", "moved", |probe| probe["generation"] == generation && probe["error"] == "");
        let mut called = Called::start(&installed, "text");
        called.call(10);
        seen += 10;
        wait_for("the calls", || events(&daemon) == seen);
        fs::remove_file(&installed).unwrap();
        let probe = daemon.wait_until("calls", "missed", |probe| probe["error"] != "");
        assert_eq!(probe["generation"], generation, "{probe}");
        called.call(5);
        seen += 5;
        wait_for("the calls of one that was removed", || events(&daemon) == seen);
        install();
    }
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    daemon.stop();
}
