// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tables of `aggregate` take.

use std::collections::BTreeMap;
use std::fs;

use crate::lab::{Lab, bpf, json, need};

/// The memory that `plan` says is that which the kernel has for the maps, with 10,240 keys, within a tenth.
#[test]
fn plan_says_what_tables_take() {
    need!(bpf());
    for aggregate in [
        "{ by: [comm], values: { calls: count() }, max_keys: 10240 }",
        "{ by: { path: filename as user_string(200), flags: flags }, values: { calls: count(), took: histogram(dfd) }, max_keys: 10240 }",
        "{ by: [comm, kstack], values: { calls: count() }, max_keys: 10240, cumulative: true }",
    ] {
        let lab = Lab::new();
        let yaml = format!(
            "probes:\n  - name: opens\n    hook: {{ syscall: openat }}\n    where: pid == {}\n    aggregate: {aggregate}\n",
            std::process::id()
        );
        let run = lab.ready(&yaml, &[]);
        let plan = json(&lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n"));
        let said = plan["probes"][0]["tables"][0]["kernel_bytes"].as_f64().unwrap();
        let infos = fs::read_dir(format!("/proc/{}/fdinfo", run.pid())).unwrap().flatten();
        let mut maps = BTreeMap::new();
        for info in infos.filter_map(|entry| fs::read_to_string(entry.path()).ok()) {
            let number = |key: &str| {
                let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
                line.and_then(|number| number.trim().parse::<u32>().ok())
            };
            if number("max_entries") == Some(10240)
                && let (Some(id), Some(bytes)) = (number("map_id"), number("memlock"))
            {
                maps.insert(id, bytes);
            }
        }
        let taken = maps.values().copied().map(f64::from).sum::<f64>();
        println!("{aggregate}: {said} bytes said, {taken} taken by {} maps", maps.len());
        assert!((said / taken - 1.0).abs() < 0.1, "{aggregate}: {said} and {taken}");
        run.interrupt().code(0);
    }
}

/// Tables that would take the memory of the machine are refused, before a map is made and by `check --kernel` as well.
#[test]
fn more_than_there_is() {
    need!(bpf());
    let lab = Lab::new();
    let one = |name: &str| format!("{name}: {{ histogram: flags as u32, linear: [0, 1024, 1] }}");
    let yaml = format!(
        "version: 1\nprobes:\n  - name: opens\n    hook: {{ syscall: openat }}\n    \
         aggregate: {{ by: [comm], max_keys: 1048576, values: {{ {}, {}, {} }} }}\n",
        one("a"),
        one("b"),
        one("c")
    );
    fs::write(lab.path("probes.yaml"), yaml).unwrap();
    for arguments in [&["check", "--kernel", "probes.yaml"][..], &["probes.yaml"]] {
        let ended = lab.run(arguments).code(1);
        let said = format!("{}{}", ended.stdout.join("\n"), ended.stderr);
        assert!(said.contains("more than half of the") && said.contains("set a smaller `max_keys`"), "{said}");
    }
}
