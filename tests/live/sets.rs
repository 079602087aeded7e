// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets in the kernel have what they say, at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ebpf_run::catalog::SetMapKind;
use ebpf_run::config::set_entry;
use ebpf_run::kernel::{Descendants, SetMap, set_keys};
use ebpf_run::spec;

use crate::lab::{Lab, bpf, json, need, open_missing};

const BOUND: Duration = Duration::from_secs(30);

/// Forks a tree of 2^depth − 1 shells, which all wait.
fn tree(depth: u32) -> Child {
    let script = "f() { if [ $1 -gt 1 ]; then f $(($1 - 1)) & f $(($1 - 1)) & fi; wait; exec sleep 1000; }; f $0";
    Command::new("bash").args(["-c", script, &depth.to_string()]).stdin(Stdio::null()).spawn().unwrap()
}

/// Every process that descends from this one now, and it.
fn family(root: u32) -> BTreeSet<u32> {
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let after = stat.rsplit(')').next().unwrap();
        parents.insert(pid, after.split_ascii_whitespace().nth(1).unwrap().parse().unwrap());
    }
    let mut found = BTreeSet::from([root]);
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < BOUND, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn has(map: &SetMap, pid: u32) -> bool {
    map.has(&u64::from(pid).to_ne_bytes()).unwrap()
}

/// A set of descendants that is made in the middle of a storm of forks misses none of those that come out of it, has nobody else,
/// and loses each when it has ended.
#[test]
fn descendants_in_a_storm() {
    need!(bpf());
    for wait_ms in [0, 5, 20, 60] {
        const DEPTH: u32 = 8;
        let mut other = tree(2);
        let mut root = tree(DEPTH);
        std::thread::sleep(Duration::from_millis(wait_ms));
        let map = SetMap::new(SetMapKind::Numbers, 65536).unwrap();
        let kept = Descendants::keep(&map, root.id()).unwrap();
        until("all shells are there", || family(root.id()).len() == (1 << DEPTH) - 1);
        let all = family(root.id());
        let missing: Vec<u32> = all.iter().copied().filter(|pid| !has(&map, *pid)).collect();
        assert_eq!(missing, Vec::<u32>::new(), "{} ms", wait_ms);
        let strangers = family(other.id());
        until("two generations", || family(other.id()).len() == 3);
        assert!(strangers.iter().all(|pid| !has(&map, *pid)) && !has(&map, std::process::id()));
        for pid in all.iter().chain(&family(other.id())) {
            // SAFETY: takes numbers.
            unsafe { libc::kill(*pid as i32, libc::SIGKILL) };
        }
        root.wait().unwrap();
        other.wait().unwrap();
        // Nobody may collect what its parents left: such a process is still one.
        let is_gone = |pid: &u32| !fs::exists(format!("/proc/{pid}")).unwrap();
        until("those that have ended are not in it", || all.iter().all(|pid| !is_gone(pid) || !has(&map, *pid)));
        assert!(is_gone(&root.id()));
        drop(kept);
    }
}

/// Addresses are found by the networks around them; an IPv6 network around all of IPv4 has none of IPv4.
#[test]
fn networks() {
    need!(bpf());
    let map = SetMap::new(SetMapKind::Networks, 0).unwrap();
    let keys = |text: &str| set_keys(&set_entry(spec::SetKind::Ip, text).unwrap());
    let is_in = |text: &str| map.has(&keys(text)[0]).unwrap();
    for network in ["10.0.0.0/8", "192.168.1.1", "fd00::/8", "2001:db8::1"] {
        keys(network).iter().for_each(|key| map.insert(key).unwrap());
    }
    for (address, expected) in [
        ("10.1.2.3", true),
        ("11.1.2.3", false),
        ("192.168.1.1", true),
        ("192.168.1.2", false),
        ("fd12::1", true),
        ("fe80::1", false),
        ("2001:db8::1", true),
        ("::ffff:10.0.0.1", true),
        ("::10.0.0.1", false),
    ] {
        assert_eq!(is_in(address), expected, "{address}");
    }
    keys("::/0").iter().for_each(|key| map.insert(key).unwrap());
    assert!(is_in("fe80::1") && is_in("::1") && is_in("::fffe:10.0.0.1") && !is_in("11.1.2.3") && is_in("10.1.2.3"));
    keys("10.0.0.0/8").iter().for_each(|key| map.remove(key).unwrap());
    assert!(!is_in("10.1.2.3"));
}

/// A file of a set that changes a hundred times under load: no event is lost or missed, none is misjudged that comes after a change is
/// visible, what stays in the file passes at every moment, and no probe is touched.
#[test]
fn a_file_that_changes_under_load() {
    need!(bpf());
    const ROUNDS: u32 = 20;
    let lab = Lab::new();
    let always = lab.text("always");
    let name = |round: u32| lab.text(&format!("round-{round}"));
    let write = |more: &str| {
        // As editors do it: another file takes the place of the old one.
        fs::write(lab.path("new"), format!("# watched\n\n{always}\n{more}\n")).unwrap();
        fs::rename(lab.path("new"), lab.path("watched.txt")).unwrap();
    };
    write("");
    let yaml = "sets: { watched: { text: { file: watched.txt } } }\nprobes:\n  - name: opens\n    \
                hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    capture: { path: filename as user_string }\n    \
                where: path in watched\n    sinks: [\"jsonl:all.jsonl\"]\n";
    let run = lab.ready(yaml, &[]);
    let events = || fs::read_to_string(lab.path("all.jsonl")).unwrap_or_default();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let opened = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut opened = 0u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                open_missing(&always);
                opened += 1;
                std::thread::sleep(Duration::from_micros(50));
            }
            opened
        });
        for round in 0..ROUNDS {
            let path = name(round);
            write(&path);
            // Visible from the first event on that passes; then every one does.
            until("the change is visible", || {
                open_missing(&path);
                events().contains(&path)
            });
            let before = events().matches(&path).count();
            (0..50).for_each(|_| open_missing(&path));
            until("all pass", || events().matches(&path).count() >= before + 50);
        }
        write("");
        let last = name(ROUNDS - 1);
        until("it is taken out", || {
            let before = events().matches(&last).count();
            (0..10).for_each(|_| open_missing(&last));
            std::thread::sleep(Duration::from_millis(50));
            events().matches(&last).count() == before
        });
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        load.join().unwrap()
    });
    let ended = run.interrupt();
    let passed = events().lines().map(json).filter(|event| event["path"] == always.as_str()).count() as u64;
    assert_eq!(passed, opened, "{ended:?}");
}
