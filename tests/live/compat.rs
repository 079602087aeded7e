// SPDX-License-Identifier: MIT OR Apache-2.0
//! 32-bit processes: what sees their system calls, what does not, and what is said of it.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::lab::{Lab, bpf, need, sh, skip};

/// A 32-bit program of x86 that reads a byte, calls getppid(2), which is number 64 in its table, and ends with 7.
fn program() -> Vec<u8> {
    let code = [
        &[0x31, 0xdb, 0x89, 0xe1, 0xba, 1, 0, 0, 0][..], // xor ebx, ebx; mov ecx, esp; mov edx, 1
        &[0xb8, 3, 0, 0, 0, 0xcd, 0x80],                 // mov eax, 3; int 0x80
        &[0xb8, 64, 0, 0, 0, 0xcd, 0x80],                // mov eax, 64; int 0x80
        &[0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80], // mov eax, 1; mov ebx, 7; int 0x80
    ]
    .concat();
    let (base, headers) = (0x0804_8000u32, 52 + 32);
    let size = headers + code.len() as u32;
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // A program for the 386, and where it begins.
    file.extend([2, 0, 3, 0, 1, 0, 0, 0]);
    // Entry, program headers, section headers, flags.
    [base + headers, 52, 0, 0].iter().for_each(|word| file.extend(word.to_le_bytes()));
    // Sizes and numbers of headers.
    [52u16, 32, 1, 40, 0, 0].iter().for_each(|half| file.extend(half.to_le_bytes()));
    // One segment: loaded, from the beginning, readable and executable.
    [1, 0, base, base, size, size, 5, 0x1000].iter().for_each(|word| file.extend(word.to_le_bytes()));
    file.extend(code);
    file
}

/// Ok where this kernel runs such a program.
fn runs(path: &str) -> Result<(), String> {
    match Command::new(path).stdin(Stdio::null()).status() {
        Ok(status) if status.code() == Some(7) => Ok(()),
        other => Err(format!("this kernel runs no 32-bit programs: {other:?}")),
    }
}

/// Such a program, where this kernel runs it.
fn made(lab: &Lab) -> Result<String, String> {
    let path = lab.text("small");
    std::fs::write(&path, program()).unwrap();
    sh(&format!("chmod 755 {path}"));
    runs(&path).map(|()| path)
}

/// More of them than there is room for attempts, all alive, take nothing from what is said of a program that fails to start.
#[test]
fn attempts_that_lead_to_32_bit_programs() {
    need!(bpf());
    let lab = Lab::new();
    let path = match made(&lab) {
        Ok(path) => path,
        Err(reason) => return skip(&reason),
    };
    let mut run = lab.ready("probes:\n  - { name: execs, program: exec, params: { failed: true } }\n", &[]);
    // They end with this test: nobody writes into the pipe then.
    let (reader, writer) = std::io::pipe().unwrap();
    let start = |_| Command::new(&path).stdin(reader.try_clone().unwrap()).spawn().unwrap();
    let children: Vec<_> = (0..1100).map(start).collect();
    let missing = lab.text("missing");
    let mut shell =
        Command::new("/bin/sh").args(["-c", &format!("exec {missing}")]).stderr(Stdio::null()).spawn().unwrap();
    let failed = run.event(|event| event["event"] == "failed" && event["pid"] == shell.id());
    shell.wait().unwrap();
    assert_eq!((&failed["filename"], &failed["errno"]), (&json!(missing), &json!("ENOENT")));
    drop(writer);
    for mut child in children {
        child.wait().unwrap();
    }
    run.interrupt().code(0);
}

/// `syscall` sees its calls, by the names that they have for everybody, with arguments from the registers of 32-bit calls.
#[test]
fn system_calls_by_name() {
    need!(bpf());
    let lab = Lab::new();
    let path = match made(&lab) {
        Ok(path) => path,
        Err(reason) => return skip(&reason),
    };
    let yaml = "probes:\n  - name: some\n    hook: { syscall: [getppid, read] }\n    \
                capture: { fd: fd, count: count, result: retval }\n  \
                - { name: ends, hook: { syscall: exit }, capture: { code: error_code } }\n";
    let mut run = lab.ready(yaml, &[]);
    let mut child = Command::new(&path).stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    run.event(|event| event["pid"] == pid && event["probe"] == "ends" && event["code"] == 7);
    let events = run.interrupt().code(0).events();
    let one = |call: &str| events.iter().find(|event| event["pid"] == pid && event["syscall"] == call).unwrap();
    let read = one("read");
    assert_eq!((&read["fd"], &read["count"], &read["result"]), (&json!(0), &json!(1), &json!(0)), "{read}");
    let parent = one("getppid");
    assert_eq!((&parent["fd"], &parent["result"]), (&json!(null), &json!(std::process::id())), "{parent}");
}

/// Its calls pass the tracepoint of system calls by, are seen by the raw one, and the check says both.
#[test]
fn system_calls_of_32_bit_processes() {
    need!(bpf());
    let lab = Lab::new();
    let path = match made(&lab) {
        Ok(path) => path,
        Err(reason) => return skip(&reason),
    };
    let yaml = "probes:\n  - { name: table, hook: { tracepoint: 'syscalls:sys_enter_getppid' } }\n  \
                - { name: all, hook: { raw_tracepoint: sys_enter }, capture: { number: arg1 }, buffer: 16MiB }\n";
    let mut run = lab.ready(yaml, &[]);
    let mut child = Command::new(&path).stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let seen = run.event(|event| event["pid"] == pid && event["number"] == 64);
    assert_eq!((&seen["probe"], &seen["comm"]), (&json!("all"), &json!("small")));
    // A process of 64 bits is seen by both.
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getppid() };
    run.event(|event| event["probe"] == "table" && event["pid"] == std::process::id());
    let events = run.interrupt().code(0).events();
    assert!(!events.iter().any(|event| event["probe"] == "table" && event["pid"] == pid), "it is seen after all");

    let checked = lab.run(&["check", "--kernel", "probes.yaml"]).code(0);
    let said = checked.stdout.join("\n");
    assert_eq!(said.matches("warning[W0403]").count(), 1, "{said}");
    assert!(
        said.contains("this kernel can run 32-bit processes, and tracepoints of system calls do not see their calls")
    );
    assert!(said.contains("`syscall: { name: getppid, at: entry }` sees all processes"), "{said}");
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(1);
    lab.run(&["check", "--strict", "probes.yaml"]).code(0);
    // A program that brings such hooks along says it once.
    lab.yaml(
        "probes:\n  - { name: failed, program: exec, params: { failed: true } }\n  - { name: execs, program: exec }\n",
    );
    let said = lab.run(&["check", "--kernel", "probes.yaml"]).code(0).stdout.join("\n");
    assert_eq!((said.matches("warning[").count(), said.matches("W0403").count()), (1, 1), "{said}");
}
