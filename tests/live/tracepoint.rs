// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: fields by name, their width and sign, text, and what cannot be read.

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{Lab, Run, bpf, need, open_missing, openat, tid};

const OPENAT: &str = r#"probes:
  - name: opens
    hook: { tracepoint: "syscalls:sys_enter_openat" }
    capture: "#;

fn opens(lab: &Lab, capture: &str) -> Run {
    lab.ready(&format!("{OPENAT}{capture}\n"), &[])
}

fn comm() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end().to_owned()
}

/// Fields have the width and sign of their C type, `as` changes them, builtins tell who it was.
#[test]
fn integers_and_builtins() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(
        &lab,
        "{ path: filename as user_string, dfd: dfd, flags: flags as hex, mode: mode, low: mode as u8, \
         signed_low: mode as i8, unsigned: dfd as u32, gid: gid, cpu: cpu, who: comm, thread: tid, user: uid }",
    );
    let path = lab.text("missing");
    assert_eq!(openat(libc::AT_FDCWD, path.as_bytes(), libc::O_NOCTTY, 0o644), -i64::from(libc::ENOENT));
    let event = run.event(|event| event["path"] == *path);
    for (field, value) in [
        ("probe", json!("opens")),
        ("pid", json!(std::process::id())),
        ("tid", json!(tid())),
        ("uid", json!(0)),
        ("comm", json!(comm())),
        ("dfd", json!(-100)),
        ("flags", json!(format!("{:#x}", libc::O_NOCTTY))),
        ("mode", json!(0o644)),
        ("low", json!(0o644 & 0xff)),
        ("signed_low", json!((0o644 & 0xff) - 256)),
        ("unsigned", json!((-100i32).cast_unsigned())),
        ("gid", json!(0)),
        ("who", json!(comm())),
        ("thread", json!(tid())),
        ("user", json!(0)),
    ] {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    assert!(event["cpu"].as_u64().unwrap() < 4096);
    let ts = event["ts"].as_str().unwrap();
    assert!(ts.len() == 30 && ts.ends_with('Z'), "nanoseconds, UTC: {ts}");
    let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    let order = ["ts", "probe", "pid", "tid", "uid", "comm", "path", "dfd", "flags", "mode", "low", "signed_low"];
    assert_eq!(keys[..12], order, "the order of the file");
    run.interrupt().code(0);
}

/// The time of an event is the wall time of when it happened.
#[test]
fn time_is_wall_time() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(&lab, "{ path: filename as user_string }");
    let path = lab.text("missing");
    let before = now();
    open_missing(&path);
    let after = now();
    let event = run.event(|event| event["path"] == *path);
    let ts = event["ts"].as_str().unwrap();
    let parsed = Command::new("date").args(["-u", "+%s.%N", "-d", ts]).output().unwrap();
    let at: f64 = String::from_utf8(parsed.stdout).unwrap().trim().parse().unwrap();
    assert!(before - 0.01 < at && at < after + 0.01, "{before} < {at} < {after}");
    run.interrupt().code(0);
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A user and a group other than root's are those of the process.
#[test]
fn user_and_group() {
    need!(bpf(), crate::lab::tool("setpriv"));
    let lab = Lab::new();
    let mut run = opens(&lab, "{ path: filename as user_string, group: gid }");
    let path = lab.text("nobody");
    let script = format!("cat {path}");
    let setpriv = ["--reuid=65534", "--regid=65533", "--clear-groups", "sh", "-c", &script];
    Command::new("setpriv").args(setpriv).output().unwrap();
    let event = run.event(|event| event["path"] == *path);
    assert_eq!((&event["uid"], &event["group"]), (&json!(65534), &json!(65533)), "{event}");
    assert_eq!(event["comm"], "cat");
    run.interrupt().code(0);
}

/// A negative result stays negative in eight bytes and in four, and is a large number only when asked for.
#[test]
fn negative_results() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: results\n    hook: { tracepoint: \"syscalls:sys_exit_openat\" }\n    \
         capture: { ret: ret, four: ret as i32, big: ret as u64, bits: ret as hex }\n",
        &[],
    );
    open_missing(&lab.text("missing"));
    let event = run.event(|event| event["tid"] == tid() && event["ret"].as_i64() < Some(0));
    assert_eq!(event["ret"], -2);
    assert_eq!(event["four"], -2);
    assert_eq!(event["big"], json!(u64::MAX - 1));
    assert_eq!(event["bits"], "0xfffffffffffffffe");
    run.interrupt().code(0);
}

/// Numbers above 2^63 are exact.
#[test]
fn large_numbers() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: reads\n    hook: { tracepoint: \"syscalls:sys_enter_pread64\" }\n    \
         capture: { fd: fd, count: count, bits: count as hex, signed: count as i64, pos: pos, upos: pos as u64 }\n",
        &[],
    );
    let count = (1u64 << 63) + 12345;
    // SAFETY: the descriptor is invalid: the kernel reads and writes nothing.
    unsafe { libc::syscall(libc::SYS_pread64, -7, 0, count, i64::MIN + 1) };
    let event = run.event(|event| event["tid"] == tid());
    assert_eq!(event["fd"], json!((-7i32).cast_unsigned()));
    assert_eq!(event["count"], json!(count));
    assert_eq!(event["bits"], "0x8000000000003039");
    assert_eq!(event["signed"], json!(count.cast_signed()));
    assert_eq!(event["pos"], json!(i64::MIN + 1));
    assert_eq!(event["upos"], json!((1u64 << 63) + 1));
    run.interrupt().code(0);
}

/// An element of an array in the record, counted from 0; a number that no system call has.
#[test]
fn elements_of_an_array() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: calls\n    hook: { tracepoint: \"raw_syscalls:sys_enter\" }\n    buffer: 16MiB\n    \
         capture: { id: id, first: \"args[0]\", second: \"args[1]\", last: \"args[5] as hex\" }\n",
        &[],
    );
    let mut call = || {
        // SAFETY: there is no system call of this number.
        unsafe { libc::syscall(7777, 11u64, u64::MAX - 4, 0, 0, 0, 0xabcu64) };
        run.try_event(Duration::from_secs(2), |event| event["tid"] == tid() && event["id"] == 7777)
    };
    // Every call of the machine is an event: one may be lost.
    let event = (0..10).find_map(|_| call()).expect("the call is seen");
    assert_eq!(event["first"], 11);
    assert_eq!(event["second"], json!(u64::MAX - 4));
    assert_eq!(event["last"], "0xabc");
    run.interrupt().code(0);
}

/// Text as long as its limit is whole; one byte more, and it is cut and says so.
#[test]
fn cut_text() {
    need!(bpf());
    let lab = Lab::new();
    let path = lab.text("exact");
    let limit = path.len();
    let mut run =
        opens(&lab, &format!("{{ path: \"filename as user_string[{limit}]\", all: filename as user_string }}"));
    open_missing(&path);
    open_missing(&format!("{path}x"));
    let whole = run.event(|event| event["all"] == *path);
    assert_eq!(whole["path"], *path);
    assert!(whole.get("path_truncated").is_none(), "{whole}");
    let cut = run.event(|event| event["all"] == format!("{path}x"));
    assert_eq!((&cut["path"], &cut["path_truncated"]), (&json!(path), &json!(true)));
    assert!(cut.get("all_truncated").is_none(), "{cut}");
    run.interrupt().code(0);
}

/// The longest text that a path can be fits into the largest limit, and 256 is the limit that nobody asked for.
#[test]
fn long_text() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(&lab, "{ path: \"filename as user_string[4096]\", usual: filename as user_string }");
    let base = lab.text("x");
    let path = format!("{base}{}", "/0123456789abcde".repeat((4095 - base.len()) / 16));
    openat(libc::AT_FDCWD, path.as_bytes(), 0, 0);
    let event = run.event(|event| event["path"].as_str().is_some_and(|text| text.starts_with(&base)));
    assert_eq!(event["path"], *path);
    assert!(event.get("path_truncated").is_none());
    assert_eq!((event["usual"].as_str().unwrap(), &event["usual_truncated"]), (&path[..256], &json!(true)));
    run.interrupt().code(0);
}

/// Whatever bytes a path holds, the line is one valid line of JSON.
#[test]
fn hostile_paths() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(&lab, "{ path: filename as user_string }");
    let base = lab.text("");
    for (name, shown) in [
        (&b"quote\" back\\slash"[..], "quote\" back\\slash"),
        (b"line\nfeed\ttab\x1b[2J", "line\nfeed\ttab\u{1b}[2J"),
        (b"invalid \xff\xc3(", "invalid \\xff\\xc3("),
        ("übung € 🦀".as_bytes(), "übung € 🦀"),
        (b"", ""),
    ] {
        openat(libc::AT_FDCWD, &[base.as_bytes(), name].concat(), 0, 0);
        let event = run.event(|event| event["path"].as_str().is_some_and(|path| path.starts_with(&base)));
        assert_eq!(event["path"], format!("{base}{shown}"));
    }
    run.interrupt().code(0);
}

/// A pointer to nowhere is `null`, in text and in bytes; the other values of the event are there.
#[test]
fn unreadable_memory() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(
        &lab,
        "{ path: filename as user_string, bytes: \"filename as bytes[4]\", where: filename as hex, flags: flags as hex }",
    );
    // SAFETY: the kernel refuses the address with EFAULT.
    unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 0x10, libc::O_CLOEXEC, 0) };
    let event = run.event(|event| event["tid"] == tid() && event["where"] == "0x10");
    assert_eq!((&event["path"], &event["bytes"]), (&Value::Null, &Value::Null), "{event}");
    assert_eq!((&event["where"], &event["flags"]), (&json!("0x10"), &json!("0x80000")));
    run.interrupt().code(0);
}

/// Raw bytes of the process's memory, behind a pointer of a system call.
#[test]
fn bytes_of_user_memory() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = opens(&lab, "{ path: filename as user_string, head: \"filename as bytes[5]\" }");
    let path = lab.text("missing");
    open_missing(&path);
    let event = run.event(|event| event["path"] == *path);
    assert_eq!(event["head"], path[..5].bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    run.interrupt().code(0);
}

/// Text whose place the record tells (`__data_loc`), text that lies in the record, a bool, a field that hides a builtin.
#[test]
fn text_in_the_record() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - { name: execs, hook: { tracepoint: \"sched:sched_process_exec\" }, \
         capture: { file: filename, cut: \"filename as string[8]\", old: old_pid, its: pid } }\n  \
         - { name: ends, hook: { tracepoint: \"sched:sched_process_exit\" }, capture: { name: comm, last: group_dead } }\n",
        &[],
    );
    let script = lab.text("a-script-of-ours");
    std::fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
    crate::lab::sh(&format!("chmod 755 {script}; {script}"));
    let event = run.event(|event| event["probe"] == "execs" && event["file"] == *script);
    assert_eq!((&event["cut"], &event["cut_truncated"]), (&json!(script[..8]), &json!(true)));
    assert_eq!((&event["its"], &event["old"]), (&event["pid"], &event["pid"]));
    let end = run.event(|end| end["probe"] == "ends" && end["pid"] == event["pid"]);
    assert_eq!(end["name"], "a-script-of-our", "the kernel keeps 15 bytes: {end}");
    assert_eq!(end["last"], true, "{end}");
    run.interrupt().code(0);
}

/// Addresses and ports of a TCP connection over loopback, IPv4 and IPv6.
#[test]
fn addresses_and_ports() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: states\n    hook: { tracepoint: \"sock:inet_sock_set_state\" }\n    capture:\n      \
         from: saddr as ipv4\n      to: daddr as ipv4\n      sport: sport\n      dport: dport\n      swapped: dport as port\n      \
         from6: saddr_v6 as ipv6\n      to6: daddr_v6 as ipv6\n      raw: daddr\n      old: oldstate\n      new: newstate\n      \
         number: newstate as i32\n      sock: skaddr\n      family: family as u16\n      named: family\n",
        &[],
    );
    let connect = |run: &mut Run, address: &str| {
        let listener = TcpListener::bind(address).ok()?;
        let port = listener.local_addr().unwrap().port();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let own = stream.local_addr().unwrap().port();
        // The client's side: its own port is known after that.
        let event = run.event(|event| event["dport"] == port && event["new"] == "TCP_SYN_SENT");
        let made = run.event(|event| event["dport"] == port && event["old"] == "TCP_SYN_SENT" && event["number"] == 1);
        assert_eq!(made["sport"], own);
        assert_eq!(event["swapped"], port.swap_bytes(), "the tracepoint has it in host order");
        Some(made)
    };
    let v4 = connect(&mut run, "127.0.0.1:0").unwrap();
    assert_eq!((&v4["from"], &v4["to"], &v4["raw"]), (&json!("127.0.0.1"), &json!("127.0.0.1"), &json!("7f000001")));
    assert_eq!((&v4["from6"], &v4["family"]), (&json!("::ffff:127.0.0.1"), &json!(libc::AF_INET)));
    assert_eq!((&v4["new"], &v4["named"]), (&json!("TCP_ESTABLISHED"), &json!("AF_INET")));
    assert!(v4["sock"].as_str().unwrap().starts_with("0xffff"), "{v4}");
    if let Some(v6) = connect(&mut run, "[::1]:0") {
        assert_eq!((&v6["from6"], &v6["to6"]), (&json!("::1"), &json!("::1")));
    }
    run.interrupt().code(0);
}

/// What a dynamic array does not have is no value: behind it lie other fields, and what an older event left there.
#[test]
fn behind_a_dynamic_array() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "probes:\n  - name: queued\n    hook: { tracepoint: \"net:net_dev_queue\" }\n    capture:\n      \
                device: name\n      whole: name as bytes[3]\n      more: name as bytes[4]\n      second: name[1]\n      \
                beyond: name[30]\n      number: name as u64\n";
    let mut run = lab.ready(yaml, &[]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
    let event = run.event(|event| event["device"] == "lo" && event["pid"] == std::process::id());
    for (field, value) in [
        ("whole", json!("6c6f00")),
        ("second", json!(i64::from(b'o'))),
        ("more", Value::Null),
        ("beyond", Value::Null),
        ("number", Value::Null),
    ] {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    run.interrupt().code(0);
}
