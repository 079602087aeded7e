// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: the kernel's own arguments by name and number, and members behind pointers.

use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need};

/// Arguments by name and by number are the same; members are followed through pointers, arrays and inner structs.
#[test]
fn members_of_arguments() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: execs\n    hook: { raw_tracepoint: sched_process_exec }\n    capture:\n      \
         file: bprm->filename as string\n      same: arg2->filename as string\n      old: old_pid\n      number: arg1\n      \
         its: p->pid\n      parent: p->real_parent->tgid\n      grandparent: p->real_parent->real_parent->tgid\n      \
         name: p->comm\n      first: \"p->comm[0] as u8\"\n      argc: bprm->argc\n      task: p\n      head: \"p->comm as bytes[4]\"\n",
        &[],
    );
    let script = lab.text("raw-script");
    std::fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
    crate::lab::sh(&format!("chmod 755 {script}"));
    let child = Command::new(&script).args(["one", "two"]).stdin(Stdio::null()).spawn().unwrap().wait_with_output();
    child.unwrap();
    let event = run.event(|event| event["file"] == *script);
    for (field, value) in [
        ("same", json!(script)),
        ("its", event["pid"].clone()),
        ("old", event["pid"].clone()),
        ("number", event["pid"].clone()),
        ("parent", json!(std::process::id())),
        ("name", json!("raw-script")),
        ("first", json!(u32::from(b'r'))),
        ("head", json!("7261772d")),
        ("comm", json!("raw-script")),
        // The kernel has put the interpreter before them.
        ("argc", json!(4)),
    ] {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ppid: u32 = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok()).unwrap();
    assert_eq!(event["grandparent"], ppid);
    assert!(event["task"].as_str().unwrap().starts_with("0xffff"), "{event}");
    run.interrupt().code(0);
}

/// Every argument number of a tracepoint with many of them is accepted by the verifier: each alone and all together.
#[test]
fn every_argument() {
    need!(bpf());
    let lab = Lab::new();
    let all = |count: usize| (0..count).map(|at| format!("a{at}: arg{at} as hex")).collect::<Vec<_>>().join(", ");
    let yaml = |name: &str, capture: &str| {
        format!("probes:\n  - {{ name: x, hook: {{ raw_tracepoint: {name} }}, capture: {{ {capture} }} }}\n")
    };
    lab.whole(&yaml("sched_switch", &all(4)), &["--duration", "1ms"]).code(0);
    for index in 0..4 {
        let capture = format!("a: arg{index} as hex");
        lab.whole(&yaml("sched_switch", &capture), &["--duration", "1ms"]).code(0);
    }
    // Six arguments.
    let ended = lab.whole(&yaml("block_rq_remap", &all(3)), &["--duration", "1ms"]);
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{}", ended.stderr);
}

/// A value of an enum has its name, members are found behind several pointers, text in a struct is text.
#[test]
fn enums_and_structs() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: drops\n    hook: { raw_tracepoint: kfree_skb }\n    capture:\n      \
         reason: reason\n      number: reason as u32\n      device: skb->dev->name\n      also: skb->dev->name as string\n      \
         mtu: skb->dev->mtu\n      length: skb->len\n      protocol: skb->protocol as port\n",
        &[],
    );
    // Nobody listens at the port: the kernel drops what arrives there.
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = taken.local_addr().unwrap();
    drop(taken);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut send = || {
        socket.send_to(&[0; 777], target).unwrap();
        run.try_event(Duration::from_secs(2), |event| event["reason"] == "SKB_DROP_REASON_NO_SOCKET")
    };
    // The second one is answered by the error of the first.
    let event = send().expect("the drop is seen");
    assert_eq!((&event["device"], &event["also"]), (&json!("lo"), &json!("lo")), "{event}");
    assert_eq!(event["mtu"], 65536);
    assert_eq!(event["protocol"], 0x800);
    assert!(event["number"].as_u64().unwrap() > 0 && event["length"].as_u64().unwrap() >= 777, "{event}");
    run.interrupt().code(0);
}

/// A bool in a register is `true` or `false`; what lies behind a pointer to nothing is `null`, the rest is there.
#[test]
fn pointers_to_nothing() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: switches\n    hook: { raw_tracepoint: sched_switch }\n    buffer: 16MiB\n    capture:\n      \
         preempt: preempt\n      name: next->comm\n      number: next->pid\n      mm: next->mm\n      start: next->mm->arg_start as hex\n",
        &[],
    );
    // Kernel threads have no memory of their own, and the idle task has none; one of them is switched to all the time.
    let event = run.event(|event| event["mm"] == "0x0");
    assert_eq!(event["start"], Value::Null, "{event}");
    assert!(event["number"].is_u64() && event["name"].as_str().is_some_and(|name| !name.is_empty()), "{event}");
    assert!(event["preempt"].is_boolean(), "{event}");
    let user = run.event(|event| event["mm"] != "0x0");
    assert!(user["start"].as_str().unwrap().starts_with("0x"), "{user}");
    run.interrupt().code(0);
}
