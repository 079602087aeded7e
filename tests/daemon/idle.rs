// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon costs that has nothing to do.

use std::fs;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::lab::{bpf, need};
use crate::latency::idle_probes;

/// How long it is watched.
const TIME: Duration = Duration::from_secs(5);

fn number(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How often its threads have waited, and how long they have run, in ticks of 10 ms.
fn spent(pid: u32) -> (u64, u64) {
    let (mut waits, mut ticks) = (0, 0);
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path()) {
        waits += number(&fs::read_to_string(task.join("status")).unwrap(), "voluntary_ctxt_switches:");
        let stat = fs::read_to_string(task.join("stat")).unwrap();
        // After the name: state is field 3, utime 14, stime 15 (proc_pid_stat(5)).
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    }
    (waits, ticks)
}

/// A hundred probes that see nothing: no polling, no processor time, and a few megabytes of its own.
#[test]
fn a_hundred_probes() {
    need!(bpf());
    let files = idle_probes(100);
    let files: Vec<(&str, &str)> = files.iter().map(|(name, probes)| (name.as_str(), probes.as_str())).collect();
    let daemon = Daemon::with(&files);
    assert_eq!(daemon.status()["probes"].as_array().unwrap().len(), 100);
    let (waits, ticks) = spent(daemon.run.pid());
    std::thread::sleep(TIME);
    let (more_waits, more_ticks) = spent(daemon.run.pid());
    // Other tests write to the folder above and call what is probed: a few wake-ups are theirs.
    assert!(more_waits - waits < 100, "{} wake-ups", more_waits - waits);
    assert!(more_ticks - ticks <= 5, "{} ms of processor time", (more_ticks - ticks) * 10);
    // The pages of a debug build's code are left out.
    let own = number(&fs::read_to_string(format!("/proc/{}/status", daemon.run.pid())).unwrap(), "RssAnon:");
    assert!(own <= 8 << 10, "{own} KiB");
    daemon.stop();
}
