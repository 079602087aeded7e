// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that come, go and come back: lists, globs and `first_of`; and interfaces by `first_of`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::lab::{bpf, in_namespace, need, sh};

/// A cgroup of a test, which is removed in the end with those below it.
struct Top {
    directory: PathBuf,
    /// As files have it.
    path: String,
}

impl Top {
    fn new(name: &str) -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
        let mount = mount.and_then(|line| line.split(' ').nth(1)).ok_or("cgroup2 is not mounted")?;
        let path = format!("/ebpf-run-{name}-{}", std::process::id());
        let directory = PathBuf::from(format!("{mount}{path}"));
        fs::create_dir(&directory).map_err(|error| format!("no cgroup can be made: {error}"))?;
        Ok(Self { directory, path })
    }

    fn add(&self, below: &str) {
        fs::create_dir_all(self.directory.join(below)).unwrap();
    }

    fn remove(&self, below: &str) {
        fs::remove_dir(self.directory.join(below)).unwrap();
    }
}

impl Drop for Top {
    fn drop(&mut self) {
        // From below.
        let find = "find \"$0\" -depth -type d -exec rmdir {} +";
        drop(std::process::Command::new("sh").args(["-c", find]).arg(&self.directory).status());
    }
}

fn connects(path: &str) -> String {
    format!("  - name: it\n    hook: {{ cgroup: {{ {path}, call: connect }} }}\n    sinks: [\"jsonl:it.jsonl\"]\n")
}

/// Sooner than by looking at everything now and then.
fn at_once(what: impl FnOnce()) {
    let start = Instant::now();
    what();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// A probe waits for its cgroup, runs when it appears, waits when it vanishes, and runs again when it returns; also where those above
/// it were not there.
#[test]
fn appears_vanishes_returns() {
    need!(bpf());
    let top = Top::new("returns");
    need!(top.as_ref().map(|_| ()).map_err(Clone::clone));
    let top = top.unwrap();
    let mut daemon = Daemon::with(&[("a.yaml", &connects(&format!("path: {}/deep/down", top.path)))]);
    let waiting = daemon.probe("it");
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    assert!(waiting["error"].as_str().unwrap().contains("there is no cgroup"), "{waiting}");
    at_once(|| {
        for round in 1..=3 {
            top.add("deep/down");
            daemon.wait_until("it", "running", |probe| probe["state"] == "running" && probe["generation"] == round);
            top.remove("deep/down");
            top.remove("deep");
            daemon.wait("it", "waiting");
            daemon.run.said(|line| line.starts_with("warning: `it` is waiting: there is no cgroup"));
        }
    });
    assert_eq!(daemon.status()["reloads"]["failed"], 0);
    daemon.stop();
}

/// A glob in the middle of a path and a list: what comes is added, what goes is taken away, and the others stay as they are.
#[test]
fn globs_and_lists_follow() {
    need!(bpf());
    let top = Top::new("globs");
    need!(top.as_ref().map(|_| ()).map_err(Clone::clone));
    let top = top.unwrap();
    let path = &top.path;
    let daemon = Daemon::with(&[("a.yaml", &connects(&format!("path: [\"{path}/*/x*.service\", {path}/named]")))]);
    let unit = |below: &str| format!("it/{path}/{below}");
    assert_eq!(daemon.probe(&unit("named"))["state"], "waiting");
    at_once(|| {
        top.add("a/x1.service");
        let first = daemon.wait(&unit("a/x1.service"), "running");
        top.add("a/other.service");
        top.add("b");
        top.add("b/x2.service");
        daemon.wait(&unit("b/x2.service"), "running");
        top.add("named");
        daemon.wait(&unit("named"), "running");
        let now = daemon.probe(&unit("a/x1.service"));
        assert_eq!((&now["links"], &now["generation"]), (&first["links"], &1.into()));
        assert!(daemon.probe(&unit("a/other.service")).is_null());
        top.remove("a/x1.service");
        daemon.wait_gone(&unit("a/x1.service"));
        top.remove("named");
        daemon.wait(&unit("named"), "waiting");
        assert_eq!(daemon.probe(&unit("b/x2.service"))["state"], "running");
    });
    daemon.stop();
}

/// The first of several cgroups that there is; one before it that comes takes over, and where there is none the probe waits.
#[test]
fn the_first_of_several_cgroups() {
    need!(bpf());
    let top = Top::new("first");
    need!(top.as_ref().map(|_| ()).map_err(Clone::clone));
    let top = top.unwrap();
    let path = &top.path;
    let daemon = Daemon::with(&[("a.yaml", &connects(&format!("path: {{ first_of: [{path}/one, {path}/two] }}")))]);
    let waiting = daemon.probe("it");
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    assert!(waiting["error"].as_str().unwrap().starts_with("this machine has none of the cgroups"), "{waiting}");
    let on = |below: &str| {
        let mechanism = format!("cgroup {path}/{below} (connect)");
        daemon.wait_until("it", below, |probe| {
            probe["state"] == "running" && probe["mechanism"].as_str().is_some_and(|said| said.starts_with(&mechanism))
        });
    };
    at_once(|| {
        top.add("two");
        on("two");
        top.add("one");
        on("one");
        top.remove("one");
        on("two");
        top.remove("two");
        daemon.wait("it", "waiting");
    });
    daemon.stop();
}

/// The same of interfaces, at tc and XDP.
#[test]
fn the_first_of_several_interfaces() {
    need!(bpf());
    in_namespace(|| {
        let probes = "  - { name: tc, hook: { tc: { interface: { first_of: [dev0, dev1] }, direction: egress } } }\n  \
                      - { name: xdp, hook: { xdp: { interface: { first_of: [dev0, dev1] } } } }\n";
        let daemon = Daemon::with(&[("a.yaml", probes)]);
        for name in ["tc", "xdp"] {
            let waiting = daemon.probe(name);
            assert_eq!(waiting["state"], "waiting", "{waiting}");
            let why = waiting["error"].as_str().unwrap();
            assert!(why.starts_with("this machine has none of the network interfaces"), "{waiting}");
        }
        let on = |interface: &str| {
            let on = format!(" on {interface} ");
            for name in ["tc", "xdp"] {
                daemon.wait_until(name, interface, |probe| {
                    probe["state"] == "running" && probe["mechanism"].as_str().is_some_and(|said| said.contains(&on))
                });
            }
        };
        at_once(|| {
            sh("ip link add dev1 type veth peer name far1; ip link set dev1 up; ip link set far1 up");
            on("dev1");
            sh("ip link add dev0 type veth peer name far0; ip link set dev0 up; ip link set far0 up");
            on("dev0");
            sh("ip link del dev0");
            on("dev1");
            sh("ip link del dev1");
            daemon.wait("tc", "waiting");
            daemon.wait("xdp", "waiting");
        });
        daemon.stop();
    });
}
