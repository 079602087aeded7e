// SPDX-License-Identifier: MIT OR Apache-2.0
//! User and group ids as events show them.

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need};

/// An id that a system call does not set (-1) is no number, in every format; `as u32` shows what the kernel got.
#[test]
fn an_id_that_is_not_set() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "sinks:\n  lines: { file: { path: lines.txt }, format: text }\nprobes:\n  - name: ids\n    \
                hook: { tracepoint: 'syscalls:sys_enter_setresuid' }\n    \
                capture: { ruid: ruid, euid: euid, number: ruid as u32, gid: gid }\n    sinks: [stdout, lines]\n";
    let mut run = lab.ready(yaml, &[]);
    // SAFETY: leaves this thread's ids as they are; they are all 0.
    let code = unsafe { libc::syscall(libc::SYS_setresuid, -1, 0, -1) };
    assert_eq!(code, 0);
    let event = run.event(|event| event["pid"] == std::process::id());
    assert_eq!((&event["ruid"], &event["euid"]), (&Value::Null, &json!(0)), "{event}");
    assert_eq!((&event["number"], &event["uid"], &event["gid"]), (&json!(u32::MAX), &json!(0), &json!(0)), "{event}");
    run.interrupt().code(0);
    let lines = std::fs::read_to_string(lab.path("lines.txt")).unwrap();
    assert!(lines.contains(" euid=0 number=4294967295") && !lines.contains(" ruid="), "{lines}");
}
