// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all probes at system calls share: one program at each end, as many as probes wait for the same call.

use std::fs;
use std::time::{Duration, Instant};

use ebpf_run::spec::SyscallAbi;

use crate::lab::{Lab, Run, bpf, need, sh, tid};

/// Calls that a probe can be at each end of.
fn returning() -> impl Iterator<Item = &'static str> {
    SyscallAbi::Native
        .all()
        .iter()
        .map(|(_, name)| *name)
        .filter(|name| !name.contains("exit") && !name.contains("return"))
}

/// How many programs the process has at the raw tracepoints `sys_enter` and `sys_exit`, and how many perf events.
fn attached(pid: u32) -> (usize, usize, usize) {
    let folder = format!("/proc/{pid}/fdinfo");
    let infos = fs::read_dir(folder).unwrap().filter_map(|file| fs::read_to_string(file.unwrap().path()).ok());
    let infos: Vec<String> = infos.collect();
    let at = |event: &str| infos.iter().filter(|info| info.contains(&format!("tp_name:\t{event}\n"))).count();
    let events = sh(&format!("ls -l /proc/{pid}/fd | grep -c perf_event || true"));
    (at("sys_enter"), at("sys_exit"), events.trim().parse().unwrap())
}

fn ready(lab: &Lab, probes: impl Iterator<Item = String>) -> Run {
    lab.ready(&format!("probes:\n{}", probes.collect::<String>()), &["--duration", "1h"])
}

/// A hundred probes of either hook are there at once, and gone at once: none of them is a perf event.
#[test]
fn a_hundred_probes() {
    need!(bpf());
    let lab = Lab::new();
    let calls =
        ["acct", "swapon", "swapoff", "chroot", "umask", "sync", "times", "pivot_root", "settimeofday", "syslog"];
    for as_tracepoint in [true, false] {
        let probe = |at: usize| {
            let (call, entry) = (calls[at / 2 % calls.len()], at.is_multiple_of(2));
            let hook = match (as_tracepoint, entry) {
                (true, true) => format!("tracepoint: 'syscalls:sys_enter_{call}'"),
                (true, false) => format!("tracepoint: 'syscalls:sys_exit_{call}'"),
                (false, true) => format!("syscall: {{ name: {call}, at: entry }}"),
                (false, false) => format!("syscall: {call}"),
            };
            format!("  - {{ name: p{at}, hook: {{ {hook} }}, buffer: 64KiB }}\n")
        };
        let run = ready(&lab, (0..100).map(probe));
        // Five probes wait for each call at each end.
        assert_eq!(attached(run.pid()), (5, 5, 0));
        let start = Instant::now();
        run.interrupt().code(0);
        // Seconds, if they were perf events.
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}

/// 200 probes at 200 calls are one program at each end, with and without the numbers of 32-bit processes.
#[test]
fn two_hundred_calls() {
    need!(bpf());
    let lab = Lab::new();
    let probe = |(at, call): (usize, &str)| {
        let end = if at.is_multiple_of(2) { "entry" } else { "return" };
        format!("  - {{ name: p{at}, hook: {{ syscall: {{ name: {call}, at: {end} }} }}, buffer: 4KiB }}\n")
    };
    let run = ready(&lab, returning().take(200).enumerate().map(probe));
    assert_eq!(attached(run.pid()), (1, 1, 0));
    // Nothing but descriptors holds it.
    run.signal(libc::SIGKILL);
    run.end();
}

/// Everyone who waits for a call sees it once: others at it, globs, tracepoints.
#[test]
fn the_same_call() {
    need!(bpf());
    let lab = Lab::new();
    let probes = [
        "{ name: one, hook: { syscall: getpriority }, capture: { which: which } }",
        "{ name: again, hook: { syscall: [getpriority, umask] }, capture: { which: arg0 as u32 } }",
        "{ name: glob, hook: { syscall: 'getpri*' }, capture: { which: which } }",
        "{ name: all, hook: { syscall: '*' }, capture: { which: arg0 as u32 }, where: comm == 'layers', buffer: 16MiB }",
        "{ name: entry, hook: { syscall: { name: getpriority, at: entry } }, capture: { which: which } }",
        "{ name: point, hook: { tracepoint: 'syscalls:sys_enter_getpriority' }, capture: { which: which } }",
        "{ name: left, hook: { tracepoint: 'syscalls:sys_exit_getpriority' }, capture: { ret: ret } }",
    ];
    let run = ready(&lab, probes.iter().map(|probe| format!("  - {probe}\n")));
    // Of `*`, what never returns has a program at the entry.
    assert_eq!(attached(run.pid()), (2, 5, 0));
    let before = fs::read_to_string("/proc/thread-self/comm").unwrap();
    fs::write("/proc/thread-self/comm", "layers").unwrap();
    for which in [1, 77, 2] {
        // SAFETY: takes numbers.
        unsafe { libc::syscall(libc::SYS_getpriority, which, 0) };
    }
    fs::write("/proc/thread-self/comm", before.trim()).unwrap();
    let events = run.interrupt().code(0).events();
    let mine: Vec<_> = events.iter().filter(|event| event["tid"] == tid()).collect();
    let of = |probe: &str| mine.iter().filter(|event| event["probe"] == probe).collect::<Vec<_>>();
    for probe in ["one", "again", "glob", "entry", "point"] {
        let seen: Vec<_> = of(probe).iter().map(|event| event["which"].as_u64().unwrap()).collect();
        assert_eq!(seen, [1, 77, 2], "{probe}");
    }
    let all = of("all");
    let seen =
        all.iter().filter(|event| event["syscall"] == "getpriority").map(|event| event["which"].as_u64().unwrap());
    assert_eq!(seen.collect::<Vec<_>>(), [1, 77, 2]);
    let returned: Vec<_> = of("left").iter().map(|event| event["ret"].as_i64().unwrap() < 0).collect();
    assert_eq!(returned, [false, true, false]);
}
