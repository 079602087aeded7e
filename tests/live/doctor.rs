// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run doctor`: each hook is tried, the verdicts are true, nothing stays.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::lab::{Lab, bpf, json, need, sh};

fn verdict<'a>(report: &'a Value, hook: &str, mode: Option<&str>) -> &'a str {
    let hooks = report["hooks"].as_array().unwrap();
    let found = hooks.iter().find(|one| one["hook"] == hook && mode.is_none_or(|mode| one["mode"] == mode));
    found.unwrap_or_else(|| panic!("no {hook}: {report}"))["result"].as_str().unwrap()
}

/// As root, every verdict is what a run on this machine meets; no interface was added or changed.
#[test]
fn as_root() {
    need!(bpf());
    let before = sh("cat /proc/net/dev | cut -d: -f1");
    let ended = Lab::new().run(&["doctor", "--format", "json"]);
    let report = json(&ended.stdout.join("\n"));
    let kprobes = Path::new("/sys/bus/event_source/devices/kprobe").exists();
    for hook in ["kprobe", "kretprobe"] {
        assert_eq!(verdict(&report, hook, None), if kprobes { "works" } else { "needs" }, "{report:#}");
    }
    for hook in ["tracepoint", "raw_tracepoint", "uprobe", "uretprobe"] {
        assert_eq!(verdict(&report, hook, None), "works", "{report:#}");
    }
    assert_eq!(verdict(&report, "xdp", Some("generic")), "works", "{report:#}");
    assert!(["works", "not_tried"].contains(&verdict(&report, "xdp", Some("native"))), "{report:#}");
    assert_eq!(report["ok"], kprobes);
    assert!(report["btf"]["types"].as_u64() > Some(1000) && report["kernel"]["release"].is_string());
    ended.code(i32::from(!kprobes));
    assert_eq!(sh("cat /proc/net/dev | cut -d: -f1"), before);
}

/// Whoever starts the same binary while uprobes are tried on it is not disturbed.
#[test]
fn others_go_on() {
    need!(bpf());
    let lab = Lab::new();
    let done = AtomicBool::new(false);
    let starts = thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut starts = 0;
            while !done.load(Ordering::Relaxed) {
                lab.run(&["--version"]).code(0);
                starts += 1;
            }
            starts
        });
        (0..5).for_each(|_| drop(lab.run(&["doctor"])));
        done.store(true, Ordering::Relaxed);
        others.join().unwrap()
    });
    assert!(starts > 10, "{starts}");
}

/// Without privileges it says which ones are missing, and what it can.
#[test]
fn as_nobody() {
    need!(bpf());
    let ended = Lab::new().run_as_nobody(&["doctor"]);
    let text = ended.stdout.join("\n");
    for part in ["kernel  ", "BTF  ", "user 65534, without capabilities"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let missing = text.contains("needs CAP_BPF and CAP_PERFMON and CAP_NET_ADMIN")
        && text.contains("needs CAP_BPF and CAP_PERFMON");
    assert!(text.contains("needs CAP_BPF and CAP_PERFMON and CAP_SYS_ADMIN"), "{text}");
    assert!(missing && !text.contains('\x1b'), "{text}");
    ended.code(1);
}
