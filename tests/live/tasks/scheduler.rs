// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about what runs when: the scheduler, interrupts, work and timers of the kernel.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use libc::{SYS_sched_setaffinity, SYS_setsockopt, SYS_socket};
use serde_json::{Value, json};

use super::rows::{copy_of, counted, rows, stat, sum};
use super::{Calls, Task};
use crate::cgroups::{Cgroup, cgroup2};
use crate::lab::{need, sh, tool};

/// A process that is killed when it is dropped.
struct Busy(Child);

impl Busy {
    /// It does nothing but run, on one CPU.
    fn on(cpu: u32, program: &str) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", &cpu.to_string(), program, "-c", "while :; do :; done"]).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// How long it has run.
    fn ticks(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// As many as /proc/stat counts meanwhile, threads included.
pub(super) fn forks() {
    let before = stat("processes");
    let task = Task::start("005");
    let begin = stat("processes");
    sh("for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done");
    let end = stat("processes");
    let events = task.told(&[], &[]);
    let (forks, most) = (sum(&events, &json!({ "probe": "forks" }), "forks"), stat("processes") - before);
    assert!(forks >= end - begin && forks <= most, "{} <= {forks} <= {most}", end - begin);
}

/// Every wait is counted; one behind a process that nobody interrupts is named.
pub(super) fn run_queue() {
    need!(tool("chrt"), tool("taskset"));
    let task = Task::start("085");
    let waiter = copy_of(&task.lab, "sleep", "task085");
    let hog = copy_of(&task.lab, "sh", "hog085");
    sh(&format!(
        "(for i in $(seq 200); do taskset -c 0 {waiter} 0.002; done) & \
         for i in 1 2 3 4 5; do timeout 0.06 chrt -f 10 taskset -c 0 {hog} -c 'while :; do :; done' || :; done; wait"
    ));
    let events = task.told(&[], &[]);
    let slow: Vec<&Value> = events.iter().filter(|event| event["probe"] == "slow-run-queue").collect();
    // Somebody else may have been between them.
    let waits: Vec<&&Value> = slow.iter().filter(|event| event["who"] == "task085").collect();
    assert!(!waits.is_empty() && slow.iter().any(|event| event["after"] == "hog085"), "{slow:?}");
    assert!(waits.iter().all(|event| event["wait"].as_u64() > Some(10_000_000)), "{waits:?}");
    // Waits of that length are in the histogram as well.
    let long = super::rows::buckets(&events, &json!({ "probe": "run-queue" }), "wait");
    assert!(long.range(8_388_608..).map(|(_, count)| count).sum::<u64>() >= waits.len() as u64, "{long:?}");
    assert!(counted(&events, &json!({ "probe": "run-queue" }), "wait") > 200);
}

/// Four that want one CPU are four in its queue whenever one of them runs.
pub(super) fn length_of_the_run_queue() {
    need!(tool("taskset"));
    let task = Task::start("086");
    let hogs: Vec<Busy> = (0..4).map(|_| Busy::on(0, "sh")).collect();
    thread::sleep(Duration::from_secs(2));
    let ticks: u64 = hogs.iter().map(Busy::ticks).sum();
    let events = task.told(&[], &[]);
    drop(hogs);
    let lengths = super::rows::buckets(&events, &json!({ "probe": "run-queue-length" }), "length");
    let long: u64 = lengths.range(4..).map(|(_, count)| count).sum();
    assert!(ticks > 40 && long + 15 + ticks / 10 >= ticks, "{ticks}: {lengths:?}");
}

/// As many samples as a process ran hundredths of a second, all on the one CPU that it may run on.
pub(super) fn who_runs() {
    need!(tool("taskset"));
    let task = Task::start("089");
    let hog = Busy::on(1, &copy_of(&task.lab, "sh", "task089"));
    thread::sleep(Duration::from_secs(2));
    let ticks = hog.ticks();
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "who-runs", "comm": "task089", "tid": hog.0.id() });
    let samples = sum(&events, &wanted, "samples");
    assert!(samples + 12 + ticks / 10 >= ticks && samples <= ticks + 12 + ticks / 10, "{samples} of {ticks}");
    assert!(rows(&events, &wanted).all(|row| row["cpu"] == 1));
    assert!(!events.iter().any(|event| event["comm"] == "swapper/0"));
}

/// As many as /proc/interrupts counts meanwhile, by each handler.
pub(super) fn interrupts() {
    let counts = || {
        let text = fs::read_to_string("/proc/interrupts").unwrap();
        let cpus = text.lines().next().unwrap().split_whitespace().count();
        let line = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let sum = words.iter().skip(1).take(cpus).map(|word| word.parse::<u64>().unwrap_or(0)).sum::<u64>();
            (words.last().unwrap().to_string(), sum)
        };
        // Those with a number.
        let is_handler = |line: &&str| line.trim_start().starts_with(|first: char| first.is_ascii_digit());
        text.lines().filter(is_handler).map(line).collect::<Vec<(String, u64)>>()
    };
    let before = counts();
    let task = Task::start("091");
    let begin = counts();
    let file = task.lab.text("file");
    sh(&format!(
        "head -c 4M /dev/zero >{file}; sync {file}; dd if={file} of=/dev/null bs=64k iflag=direct status=none"
    ));
    let end = counts();
    let events = task.told(&[], &[]);
    let after = counts();
    let mut seen = 0;
    for (((name, before), (_, begin)), ((_, end), (_, after))) in before.iter().zip(&begin).zip(end.iter().zip(&after))
    {
        let calls = sum(&events, &json!({ "probe": "hard-interrupts", "name": name }), "calls");
        assert!(
            calls >= end - begin && calls <= after - before,
            "{name}: {} <= {calls} <= {}",
            end - begin,
            after - before
        );
        seen += calls;
    }
    assert!(seen > 0, "{before:?}");
    assert!(events.iter().all(|row| row["worst"].as_u64() <= row["time"].as_u64() && row["worst"].as_u64() > Some(0)));
}

/// A process that goes from one CPU to the other and back, in a control group of its own.
pub(super) fn migrations() {
    need!(cgroup2().map(drop));
    let name = format!("ebpf-run-task-094-{}", std::process::id());
    let group = Cgroup(cgroup2().unwrap().join(&name));
    fs::create_dir(&group.0).unwrap();
    let task = Task::start("094");
    let mut calls = Calls::start(&task.lab);
    assert_eq!(calls.call(SYS_sched_setaffinity, "0 8 b:01"), 0);
    fs::write(group.0.join("cgroup.procs"), calls.pid().to_string()).unwrap();
    for _ in 0..10 {
        assert_eq!(calls.call(SYS_sched_setaffinity, "0 8 b:02"), 0);
        assert_eq!(calls.call(SYS_sched_setaffinity, "0 8 b:01"), 0);
    }
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "migrations", "group": format!("/{name}") });
    assert_eq!(sum(&events, &wanted, "migrations"), 20);
}

/// Each read of that file has each CPU do the same work.
pub(super) fn work() {
    let task = Task::start("098");
    sh("for i in 1 2 3 4 5 6 7; do cat /proc/sys/vm/stat_refresh; done");
    let events = task.told(&[], &[]);
    let cpus = thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(counted(&events, &json!({ "probe": "work", "function": "refresh_vm_stats" }), "took"), 7 * cpus);
}

/// Each time that a connection is told to see whether the other end is still there, a timer begins.
pub(super) fn timers() {
    crate::lab::in_namespace(|| {
        let task = Task::start("099");
        let mut calls = Calls::start(&task.lab);
        let (server, client) = super::network::connected(&mut calls);
        for _ in 0..25 {
            for on in [1, 0] {
                // SO_KEEPALIVE
                assert_eq!(calls.call(SYS_setsockopt, &format!("{client} 1 9 b:0{on}000000 4")), 0);
            }
        }
        assert!(server > 0 && calls.call(SYS_socket, "2 1 0") > 0);
        let events = task.told(&[], &[]);
        let function = if fs::read_to_string("/proc/kallsyms").unwrap().contains(" tcp_keepalive_timer\n") {
            "tcp_keepalive_timer"
        } else {
            "keepalive_timer"
        };
        assert_eq!(sum(&events, &json!({ "probe": "timers", "function": function }), "timers"), 25);
    });
}

/// How often the threads of init went from a CPU. On a virtual machine whose init process is protected the kernel shows nobody these
/// switches; elsewhere they are few.
fn switches_of_init() -> u64 {
    let of_thread = |status: String| -> u64 {
        let counts = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        counts.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum()
    };
    let threads = fs::read_dir("/proc/1/task").unwrap().flatten();
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok()).map(of_thread).sum()
}

/// What the kernel itself counts of them: the switches and the forks of all CPUs.
pub(super) fn events_of_a_group() {
    let (switches, forks, hidden) = (stat("ctxt"), stat("processes"), switches_of_init());
    let task = Task::start("105");
    let (first_switch, first_fork) = (stat("ctxt"), stat("processes"));
    sh("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01; done");
    let (last_switch, last_fork) = (stat("ctxt"), stat("processes"));
    let events = task.told(&[], &[]);
    let hidden = switches_of_init() - hidden;
    let of = |event: &str| sum(&events, &json!({ "probe": "scheduler", "event": event }), "events");
    for (name, least, most) in [
        ("sched:sched_switch", (last_switch - first_switch).saturating_sub(hidden), stat("ctxt") - switches),
        ("sched:sched_process_fork", last_fork - first_fork, stat("processes") - forks),
    ] {
        assert!(of(name) >= least && of(name) <= most, "{name}: {least} <= {} <= {most}", of(name));
    }
    assert!(of("sched:sched_process_exec") >= 10);
}
