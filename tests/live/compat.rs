// SPDX-License-Identifier: MIT OR Apache-2.0
//! 32-bit processes: what sees their system calls, what does not, and what is said of it.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::lab::{Lab, bpf, need, sh, skip, tid};

/// A 32-bit program of x86 that reads a byte, calls getppid(2), which is number 64 in its table, and ends with 7.
fn program() -> Vec<u8> {
    let code = [
        &[0x31, 0xdb, 0x89, 0xe1, 0xba, 1, 0, 0, 0][..], // xor ebx, ebx; mov ecx, esp; mov edx, 1
        &[0xb8, 3, 0, 0, 0, 0xcd, 0x80],                 // mov eax, 3; int 0x80
        &[0xb8, 64, 0, 0, 0, 0xcd, 0x80],                // mov eax, 64; int 0x80
        &[0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80], // mov eax, 1; mov ebx, 7; int 0x80
    ]
    .concat();
    file(&code)
}

/// A 32-bit program that sleeps 1.5 ms as programs did before Linux 5.1, and 2.5 ms as they do since, asks for nothing, and sends a
/// message to nobody.
fn sleeper() -> Vec<u8> {
    let push = |number: u32| [&[0x68][..], &number.to_le_bytes()].concat();
    let code = [
        // Nanoseconds, seconds. mov ebx, esp; xor ecx, ecx; mov eax, nanosleep; int 0x80
        [push(1_500_000), push(0), vec![0x89, 0xe3, 0x31, 0xc9, 0xb8, 162, 0, 0, 0, 0xcd, 0x80]].concat(),
        // Of each number the upper half first, which is anything for the nanoseconds.
        [push(0x55), push(2_500_000), push(0), push(0)].concat(),
        // mov edx, esp; mov ebx, CLOCK_MONOTONIC; xor ecx, ecx; xor esi, esi; mov eax, clock_nanosleep_time64; int 0x80
        vec![0x89, 0xe2, 0xbb, 1, 0, 0, 0, 0x31, 0xc9, 0x31, 0xf6, 0xb8, 0x97, 1, 0, 0, 0xcd, 0x80],
        // What is asked, of no file. mov ebx, esp; mov ecx, 1; xor edx, edx; mov eax, poll; int 0x80
        [push(5), push(u32::MAX), vec![0x89, 0xe3, 0xb9, 1, 0, 0, 0, 0x31, 0xd2, 0xb8, 168, 0, 0, 0, 0xcd, 0x80]]
            .concat(),
        // mov ebx, -1; mov ecx, esp; xor edx, edx; mov eax, sendmsg; int 0x80
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0x89, 0xe1, 0x31, 0xd2, 0xb8, 0x72, 1, 0, 0, 0xcd, 0x80],
        vec![0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80],
    ]
    .concat();
    file(&code)
}

/// A file with this code.
fn file(code: &[u8]) -> Vec<u8> {
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
    made_of(lab, &program())
}

fn made_of(lab: &Lab, program: &[u8]) -> Result<String, String> {
    let path = lab.text("small");
    std::fs::write(&path, program).unwrap();
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

/// Each of its calls is reported once, and has a name, where others wait for the calls of 64-bit processes that have these numbers.
#[test]
fn each_call_once() {
    need!(bpf());
    let of_small: &[&str] = &["execve", "exit", "getppid", "read"];
    let of_sleeper: &[&str] = &["clock_nanosleep_time64", "execve", "exit", "nanosleep", "poll", "sendmsg"];
    for (program, calls) in [(program(), of_small), (sleeper(), of_sleeper)] {
        let lab = Lab::new();
        let path = match made_of(&lab, &program) {
            Ok(path) => path,
            Err(reason) => return skip(&reason),
        };
        // Numbers 64, 162 and 168 of 64-bit processes.
        let yaml = "probes:\n  - { name: others, hook: { syscall: [semget, sync, swapoff] } }\n  \
                    - { name: all, hook: { syscall: '*' }, where: comm == 'small', buffer: 16MiB }\n";
        let mut run = lab.ready(yaml, &[]);
        let mut child = Command::new(&path).stdin(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        run.event(|event| event["pid"] == pid && event["syscall"] == "exit");
        let events = run.interrupt().code(0).events();
        let seen = events.iter().filter(|event| event["pid"] == pid).map(|event| event["syscall"].as_str().unwrap());
        let mut seen: Vec<&str> = seen.collect();
        seen.sort_unstable();
        assert_eq!(seen, calls);
    }
}

/// Memory of a 32-bit process is read as it lies there, or is null: both forms of a `timespec`, a struct that all have alike, and one
/// with pointers in it.
#[test]
fn memory_of_32_bit_processes() {
    need!(bpf());
    let lab = Lab::new();
    let path = match made_of(&lab, &sleeper()) {
        Ok(path) => path,
        Err(reason) => return skip(&reason),
    };
    let yaml = "probes:\n  - name: old\n    hook: { syscall: nanosleep }\n    \
                capture: { t: rqtp as timespec, sec: (rqtp as struct __kernel_timespec)->tv_sec }\n  \
                - name: new\n    hook: { syscall: clock_nanosleep }\n    capture: { t: rqtp as timespec }\n  \
                - { name: poll, hook: { syscall: poll }, capture: { fd: ufds->fd, events: ufds->events } }\n  \
                - { name: late, hook: { syscall: poll }, capture: { fd: ufds->fd }, where: ufds->events == 5 }\n  \
                - name: message\n    hook: { syscall: sendmsg }\n    \
                capture: { length: (msg as struct user_msghdr)->msg_namelen }\n  \
                - name: named\n    hook: { syscall: sendmsg }\n    \
                where: (msg as struct user_msghdr)->msg_namelen == 17 || (msg as struct user_msghdr)->msg_namelen != 17\n";
    let mut run = lab.ready(yaml, &[]);
    let mut child = Command::new(&path).stdin(Stdio::null()).spawn().unwrap();
    let narrow = u64::from(child.id());
    child.wait().unwrap();
    // The same by a process of 64 bits.
    let second = libc::timespec { tv_sec: 0, tv_nsec: 1_500_000 };
    let mut poll = libc::pollfd { fd: -1, events: 5, revents: 0 };
    // SAFETY: all of it lives across the calls; the message goes nowhere.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_namelen = 17;
        libc::syscall(libc::SYS_nanosleep, &raw const second, std::ptr::null::<u8>());
        libc::syscall(libc::SYS_clock_nanosleep, libc::CLOCK_MONOTONIC, 0, &raw const second, std::ptr::null::<u8>());
        libc::syscall(libc::SYS_poll, &raw mut poll, 1, 0);
        libc::syscall(libc::SYS_sendmsg, -1, &raw const message, 0);
    }
    // Other tests run in threads of this process.
    let own = tid();
    run.event(|event| event["tid"] == own && event["probe"] == "named");
    let events = run.interrupt().code(0).events();
    let one = |tid: u64, probe: &str, value: &str| {
        let event = events.iter().find(|event| event["tid"] == tid && event["probe"] == probe);
        event.unwrap_or_else(|| panic!("{probe} of {tid}: {events:?}"))[value].clone()
    };
    let all = |tid| {
        [
            one(tid, "old", "t"),
            one(tid, "old", "sec"),
            one(tid, "new", "t"),
            one(tid, "poll", "fd"),
            one(tid, "poll", "events"),
        ]
    };
    assert_eq!(all(own), [json!(1_500_000), json!(0), json!(1_500_000), json!(-1), json!(5)]);
    assert_eq!(all(narrow), [json!(1_500_000), json!(null), json!(2_500_000), json!(-1), json!(5)]);
    assert_eq!((one(own, "message", "length"), one(narrow, "message", "length")), (json!(17), json!(null)));
    assert_eq!((one(own, "late", "fd"), one(narrow, "late", "fd")), (json!(-1), json!(-1)));
    assert!(!events.iter().any(|event| event["probe"] == "named" && event["pid"] == narrow), "null is decided");
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
