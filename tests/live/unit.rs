// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd/ebpf-run.service under a systemd that is process 1, of a container: `unit/boot` starts it, `unit/inside` takes the
//! unit through its life, and here is what must have been seen.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::lab::{Lab, bpf, need, tool};

/// Every kind of hook that this kernel has works inside of what the unit allows, and the rest is refused; start, reload and
/// stop are waited for; one that was killed or is stuck is started again.
#[test]
fn the_unit_works() {
    need!(bpf(), tool("systemd-nspawn"), tool("unshare"));
    let lab = Lab::new();
    let boot = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/unit/boot");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "120", "unshare", "--mount"]).arg(boot).arg(env!("CARGO_BIN_EXE_ebpf-run"));
    let output = command.arg(lab.dir.path()).output().unwrap();
    let log = fs::read_to_string(lab.path("log")).unwrap_or_default();
    let seen = fs::read_to_string(lab.path("results")).unwrap_or_default();
    let seen: BTreeMap<&str, &str> = seen.lines().filter_map(|line| line.split_once('=')).collect();
    let seen = |name: &str| *seen.get(name).unwrap_or_else(|| panic!("no {name}: {seen:?}\n{output:?}\n{log}"));
    assert_eq!(seen("done"), "1");

    let succeeded = ["started", "bad_file", "reloaded", "mended", "restarted", "watchdog_bites"];
    let events = ["tracepoint", "raw_tracepoint", "exec", "uprobe", "packets"].map(|probe| format!("events_{probe}"));
    for name in succeeded.into_iter().chain(events.iter().map(String::as_str)) {
        assert_eq!(seen(name), "0", "{name}\n{log}");
    }
    let version: u32 = seen("systemd").split('.').next().unwrap().parse().unwrap();
    assert_eq!(seen("type"), if version >= 253 { "notify-reload" } else { "notify" });
    assert_eq!(seen("status"), "6 probes running, 1 waiting, 1 failed");
    assert_eq!((seen("NoNewPrivs"), seen("Seccomp")), ("1", "2"));
    let held = |name: &str| u64::from_str_radix(seen(name), 16).unwrap();
    assert_eq!((held("CapEff"), held("CapBnd")), (named() & own(), named() & own()));
    // The sink outside of the unit's directories.
    assert_eq!((seen("escaped"), seen("refused")), ("", "1"));
    assert!(seen("journal_file").starts_with("error[E"), "{}", seen("journal_file"));
    assert_eq!((seen("state"), seen("watchdog_fed")), ("running", "0 running"));
    let stop_ms: u64 = seen("stop_ms").parse().unwrap();
    assert!(stop_ms < 2000, "{stop_ms} ms to stop");
    assert_eq!((seen("result"), seen("left")), ("success", ""));
}

/// The capabilities that the unit names.
fn named() -> u64 {
    let unit = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/ebpf-run.service")).unwrap();
    let named = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).unwrap();
    let bit = |name: &str| match name {
        "CAP_DAC_READ_SEARCH" => 2,
        "CAP_NET_ADMIN" => 12,
        "CAP_SYS_ADMIN" => 21,
        "CAP_SYS_RESOURCE" => 24,
        "CAP_PERFMON" => 38,
        "CAP_BPF" => 39,
        other => panic!("{other} is new: which bit is it?"),
    };
    named.split(' ').map(|name| 1_u64 << bit(name)).sum()
}

/// Those that this process could give: a machine may have been started without some.
fn own() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).unwrap();
    u64::from_str_radix(bounding.trim(), 16).unwrap()
}

/// The guide says how exposed the unit is, as Debian 12's systemd counts; no other version finds it much worse.
#[test]
fn the_score_is_the_one_in_the_guide() {
    need!(tool("systemd-analyze"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).current_dir(root).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = analyze(&["security", "--offline=true", "--no-pager", "systemd/ebpf-run.service"]);
    let score = said.split("exposure level for ebpf-run.service: ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(score.parse::<f64>().unwrap() <= 4.0, "{said}");
    if analyze(&["--version"]).starts_with("systemd 252 ") {
        let guide = fs::read_to_string(root.join("docs/daemon.md")).unwrap();
        assert!(guide.contains(&format!("\n{score} of 10, OK")), "it is {score} now");
    }
}
