// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ts` is the time of day, whatever the clocks of a time namespace say.

use std::process::Command;
use std::time::SystemTime;

use crate::lab::{Lab, Run, bpf, need};

/// Seconds since 1970, as `date` reads a time.
fn seconds(time: &str) -> f64 {
    let out = Command::new("date").args(["-u", "-d", time, "+%s.%N"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// In time namespaces with other clocks of both kinds, forwards and backwards, an event is stamped with the moment when it happened.
#[test]
fn time_namespaces() {
    need!(bpf());
    let yaml = "probes:\n  - { name: opens, hook: { tracepoint: 'syscalls:sys_enter_openat' } }\n";
    for offsets in [["0", "0"], ["86400", "86400"], ["-30", "0"], ["0", "31536000"]] {
        let lab = Lab::new();
        lab.yaml(yaml);
        let plain = lab.command(&["probes.yaml", "--count", "1"]);
        let mut command = Command::new("unshare");
        command.args(["-T", "--monotonic", offsets[0], "--boottime", offsets[1]]);
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(lab.dir.path());
        let before = now();
        let mut run = Run::start(command);
        let event = run.event(|event| event["probe"] == "opens");
        let after = now();
        let stamp = seconds(event["ts"].as_str().unwrap());
        assert!((before - 0.01..after + 0.01).contains(&stamp), "{offsets:?}: {stamp} is not in {before}..{after}");
        run.end().code(0);
    }
}
