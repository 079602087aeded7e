// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run flame`, and the format that it is made of.

use std::fs;

use crate::lab::{Lab, bpf, need, sh, tool, wait_for};
use crate::stacks::compile;

/// What a table that never begins again has counted is in the picture once, however often it was reported: in folded stacks, recorded and
/// from JSON lines.
#[test]
fn cumulative_counts_are_drawn_once() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "chain-flame");
    let (folded, lines) = (lab.text("stacks.folded"), lab.text("rows.jsonl"));
    let run = lab.ready(
        &format!(
            "sinks:\n  folded: {{ file: {{ path: {folded} }}, format: folded }}\nprobes:\n  - name: chain\n    \
             hook: {{ syscall: openat }}\n    where: comm == \"chain-flame\" && filename == \"/nonexistent-chain\"\n    \
             interval: 100ms\n    sinks: [folded, \"jsonl:{lines}\"]\n    \
             aggregate: {{ by: {{ user: ustack, comm: comm }}, values: {{ calls: count() }}, cumulative: true }}\n"
        ),
        &[],
    );
    sh(&format!("(echo 20; sleep 0.5; echo 30; sleep 0.5) | {binary} >/dev/null"));
    wait_for("reports", || fs::read_to_string(&lines).is_ok_and(|text| text.lines().count() >= 5));
    run.interrupt().code(0);
    let text = fs::read_to_string(&folded).unwrap();
    let count: u64 = text.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(count, 50, "{text}");
    for input in [&folded, &lines] {
        let picture = lab.text("out.svg");
        let said = lab.run(&["flame", input, "-o", &picture]).code(0).stderr;
        // A device has no length that could be cut.
        lab.run(&["flame", input, "-o", "/dev/null"]).code(0);
        assert!(said.contains(": 50 "), "{input}: {said}");
        let picture = fs::read_to_string(picture).unwrap();
        assert!(
            ["main", "outer", "inner"].iter().all(|name| picture.contains(&format!("<title>{name} ("))),
            "{picture}"
        );
    }
}
