// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks that count by call stacks.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libc::{SYS_clock_nanosleep, SYS_close, SYS_mq_open, SYS_mq_unlink, SYS_rt_sigtimedwait, SYS_umask};
use serde_json::{Value, json};

use super::rows::{rows, sum};
use super::{Calls, Task, folder};
use crate::lab::{Lab, need, sh};

/// True where one of the functions of a stack has this in its name. Who finds out names has much to do while the whole machine is looked
/// at: what has none is looked up here.
fn has_function(stack: &Value, name: &str) -> bool {
    let frames = stack.as_array().map(Vec::as_slice).unwrap_or_default();
    frames.iter().any(|frame| match frame["symbol"].as_str() {
        Some(symbol) => symbol.contains(name),
        None => function_of_kernel(address(frame)).is_some_and(|symbol| symbol.contains(name)),
    })
}

fn address(frame: &Value) -> u64 {
    u64::from_str_radix(&frame["addr"].as_str().unwrap()[2..], 16).unwrap()
}

/// The function at an address of the kernel.
fn function_of_kernel(address: u64) -> Option<&'static str> {
    static ALL: LazyLock<BTreeMap<u64, String>> = LazyLock::new(|| {
        let text = fs::read_to_string("/proc/kallsyms").unwrap();
        let line = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Some((u64::from_str_radix(words[0], 16).ok()?, words[2].to_owned()))
        };
        text.lines().filter_map(line).collect()
    });
    (address >> 63 == 1).then(|| ALL.range(..=address).next_back()).flatten().map(|(_, name)| name.as_str())
}

/// What a value of the rows comes to whose stack has this function.
fn sum_at(events: &[Value], wanted: &Value, (stack, function): (&str, &str), value: &str) -> u64 {
    rows(events, wanted).filter(|row| has_function(&row[stack], function)).map(|row| row[value].as_u64().unwrap()).sum()
}

/// Pieces of a disk that are given back, one request each: nobody else does that.
pub(super) fn requests() {
    let lab = Lab::new();
    let file = lab.text("disk");
    let disk = sh(&format!("head -c 1M /dev/zero >{file}; losetup --find --show {file}")).trim().to_owned();
    let task = Task::start_in(lab, "043", &[]);
    let done = std::process::Command::new("sh")
        .args(["-ec", &format!("for i in 0 1 2 3 4 5 6; do blkdiscard -o $((i * 65536)) -l 65536 {disk}; done")])
        .output()
        .unwrap();
    sh(&format!("losetup --detach {disk}"));
    let events = task.told(&[], &[]);
    need!(if done.status.success() { Ok(()) } else { Err(format!("{done:?}")) });
    // What file systems give back does not come from a call.
    let of_discards = events.iter().filter(|row| has_function(&row["kstack"], "blkdev_ioctl"));
    let times = of_discards.flat_map(|row| row["took"].as_array().unwrap()).filter_map(|bucket| bucket[2].as_u64());
    assert_eq!(times.sum::<u64>(), 7, "{events:?}");
}

/// A process that sleeps, and waits for us between.
pub(super) fn off_cpu() {
    let begin = Instant::now();
    let mut task = Task::start("087");
    let mut calls = Calls::start_as(&task.lab, "task087");
    // One of the switches may be hidden (`switches_of_init`), and with it 100 ms.
    for _ in 0..5 {
        assert_eq!(calls.call(SYS_clock_nanosleep, "1 0 b:000000000000000000e1f50500000000 0"), 0);
    }
    task.run.event(|row| {
        let depth = |stack: &str| row[stack].as_array().map_or(0, Vec::len);
        row["comm"] == "task087" && has_function(&row["kstack"], "nanosleep") && depth("ustack") > 0
    });
    let events = task.told(&[], &[]);
    let time = sum(&events, &json!({ "probe": "off-cpu", "comm": "task087" }), "time");
    let most = begin.elapsed().as_nanos() as u64;
    assert!(time >= 300_000_000 && time <= most, "{time} of {most}");
}

/// Waits for a signal that does not come: one switch each, from a function that nobody else waits in.
pub(super) fn switches() {
    let task = Task::start("090");
    let mut calls = Calls::start(&task.lab);
    for _ in 0..800 {
        assert_eq!(calls.call(SYS_rt_sigtimedwait, "b:0002 0 b:000000000000000040420f0000000000 8"), -11);
    }
    let events = task.told(&[], &[]);
    let switches = sum_at(&events, &json!({ "probe": "switches" }), ("kstack", "sigtimedwait"), "switches");
    // Another of these tests makes a few of them, too.
    assert!((800..=850).contains(&switches), "{switches}");
}

/// A process that waits for what we write into its pipe.
pub(super) fn wakers() {
    let task = Task::start("093");
    let mut calls = Calls::start_as(&task.lab, "task093");
    for _ in 0..50 {
        calls.asleep();
        calls.call(SYS_umask, "18");
    }
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "wakers", "sleeper": "task093", "waker": "task 093" });
    let woken = rows(&events, &wanted)
        .filter(|row| has_function(&row["asleep_in"], "pipe_read") && has_function(&row["woken_from"], "pipe_write"))
        .map(|row| row["off_cpu"].as_u64().unwrap());
    assert!(woken.sum::<u64>() > 0, "{events:?}");
}

/// As many as the process is told of by the kernel, in the function that touches the pages.
pub(super) fn page_faults() {
    let mut task = Task::start("097");
    let program = task.lab.text("task097");
    sh(&format!("cc -O1 -no-pie -fno-omit-frame-pointer -o {program} {}", folder("support/faults.c").display()));
    let touches = sh(&format!("nm {program} | grep touch_pages"));
    let touches = u64::from_str_radix(touches.split(' ').next().unwrap(), 16).unwrap();
    let is_touched = |row: &Value| {
        let at = row["ustack"].get(0).map_or(0, address);
        row["comm"] == "task097" && (touches..touches + 64).contains(&at)
    };
    // Where much else happens, the table has no room for a second, and says so.
    for _ in 0..8 {
        let mut command = Command::new(&program);
        let mut child = command.arg("20000").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: u64 = line.trim().parse().unwrap();
        // Perhaps in two intervals.
        let mut faults = 0;
        while faults < 20_000
            && let Some(row) = task.run.try_event(Duration::from_secs(5), is_touched)
        {
            faults += row["faults"].as_u64().unwrap();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(faults <= 20_000 && (20_000..20_020).contains(&told), "{faults} of {told}");
        if faults == 20_000 {
            task.told(&[], &[]);
            return;
        }
    }
    panic!("the table never has room: {}", task.run.stderr_now());
}

/// Inodes of queues of messages, each as large as its cache says.
pub(super) fn allocations() {
    let cache = "/sys/kernel/slab/mqueue_inode_cache/slab_size";
    need!(fs::read_to_string(cache).map(drop).map_err(|error| format!("{cache}: {error}")));
    let size: u64 = fs::read_to_string(cache).unwrap().trim().parse().unwrap();
    let mut task = Task::start("109");
    let mut calls = Calls::start_as(&task.lab, "task109");
    let is_ours = |row: &Value| row["comm"] == "task109" && has_function(&row["kstack"], "mqueue_alloc_inode");
    // Where much else happens, the table has no room for a second, and says so.
    for attempt in 0..8 {
        for number in 0..100 {
            let name = format!("ebpf-run-109-{}-{attempt}-{number}", std::process::id());
            let queue = calls.call(SYS_mq_open, &format!("s:{name} 66 0600 0"));
            assert!(queue > 0, "{queue}");
            assert_eq!(calls.call(SYS_mq_unlink, &format!("s:{name}")), 0);
            assert_eq!(calls.call(SYS_close, &queue.to_string()), 0);
        }
        let mut counted = 0;
        while counted < 100
            && let Some(row) = task.run.try_event(Duration::from_secs(4), is_ours)
        {
            counted += row["calls"].as_u64().unwrap();
            assert_eq!((&row["mean"], &row["total"]), (&json!(size), &json!(row["calls"].as_u64().unwrap() * size)));
            assert!(row["kstack"].as_array().unwrap().len() <= 5, "{row}");
        }
        assert!(counted <= 100, "{counted}");
        if counted == 100 {
            task.told(&[], &[]);
            return;
        }
    }
    panic!("the table never has room: {}", task.run.stderr_now());
}
