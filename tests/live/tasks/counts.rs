// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks that count system calls and what the kernel allocates for them.

use std::fs;

use libc::{SYS_getpriority, SYS_ioprio_get, SYS_mq_open, SYS_mq_unlink, SYS_rt_sigtimedwait, SYS_umask};
use serde_json::json;

use super::rows::{rows, sum};
use super::{Calls, Task};
use crate::cgroups::{Cgroup, cgroup2};
use crate::lab::{Lab, need};

/// A wait that ends after 3 ms, twenty times: nobody else makes this call.
pub(super) fn latency_by_name() {
    let task = Task::start("101");
    let mut calls = Calls::start(&task.lab);
    let begin = std::time::Instant::now();
    for _ in 0..20 {
        // A signal that nobody sends, for 3,000,000 ns.
        assert_eq!(calls.call(SYS_rt_sigtimedwait, "b:0002 0 b:0000000000000000c0c62d0000000000 8"), -11);
    }
    let most = begin.elapsed().as_nanos() as u64;
    for _ in 0..30 {
        calls.call(SYS_ioprio_get, "1 0");
    }
    drop(calls);
    let events = task.told(&[], &[]);
    let of = |name: &str| json!({ "probe": "syscall-latency", "syscall": name });
    let time = sum(&events, &of("rt_sigtimedwait"), "time");
    assert_eq!((sum(&events, &of("rt_sigtimedwait"), "calls"), sum(&events, &of("ioprio_get"), "calls")), (20, 30));
    assert!(time >= 20 * 3_000_000 && time <= most, "{time} of {most}");
    // Calls that do not come back take no time that anybody knows.
    assert!(sum(&events, &of("exit_group"), "calls") > 0);
    assert_eq!(sum(&events, &of("exit_group"), "time"), 0);
}

pub(super) fn failures() {
    let task = Task::start("102");
    let mut calls = Calls::start_as(&task.lab, "task102");
    for _ in 0..8 {
        assert_eq!(calls.call(SYS_getpriority, "1 999999999"), -3);
        calls.call(SYS_umask, "18");
    }
    for _ in 0..5 {
        assert_eq!(calls.call(SYS_ioprio_get, "77 0"), -22);
    }
    drop(calls);
    let events = task.told(&[], &[json!({ "error": null })]);
    let of = |call: &str, error: &str| {
        sum(
            &events,
            &json!({ "probe": "failed-syscalls", "comm": "task102", "syscall": call, "error": error }),
            "failures",
        )
    };
    assert_eq!((of("getpriority", "ESRCH"), of("ioprio_get", "EINVAL")), (8, 5), "{events:?}");
    assert_eq!(rows(&events, &json!({ "comm": "task102", "syscall": "umask" })).count(), 0);
}

/// Queues of messages, of which each has an inode of a cache of its own.
pub(super) fn slabs() {
    let cache = "/sys/kernel/slab/mqueue_inode_cache/slab_size";
    need!(fs::read_to_string(cache).map(drop).map_err(|error| format!("{cache}: {error}")));
    let size: u64 = fs::read_to_string(cache).unwrap().trim().parse().unwrap();
    let task = Task::start("110");
    let mut calls = Calls::start(&task.lab);
    const QUEUES: u64 = 1000;
    for number in 0..QUEUES {
        let name = format!("ebpf-run-{}-{number}", std::process::id());
        let queue = calls.call(SYS_mq_open, &format!("s:{name} 66 0600 0"));
        assert!(queue > 0, "{queue}");
        assert_eq!(calls.call(SYS_mq_unlink, &format!("s:{name}")), 0);
        assert_eq!(calls.call(libc::SYS_close, &queue.to_string()), 0);
    }
    let events = task.told(&[], &[]);
    let wanted = json!({ "probe": "slabs", "name": "mqueue_inode_cache" });
    assert_eq!(
        (sum(&events, &wanted, "allocations"), sum(&events, &wanted, "bytes")),
        (QUEUES, QUEUES * size),
        "{events:?}"
    );
}

/// Another container than the file names: its id has as many digits as those of Docker.
pub(super) fn calls_of_a_container() {
    need!(cgroup2().map(drop));
    let id = format!("{:064x}", 0xe0bf_0122_u64 << 32 | u64::from(std::process::id()));
    let above = cgroup2().unwrap().join("system.slice");
    let made = (!above.exists()).then(|| Cgroup(above.clone()));
    fs::create_dir_all(&above).unwrap();
    let group = Cgroup(above.join(format!("docker-{id}.scope")));
    fs::create_dir(&group.0).unwrap();
    let task = Task::start_in(Lab::new(), "122", &[("docker-abc", &format!("docker-{id}"))]);
    let mut calls = Calls::start(&task.lab);
    calls.call(SYS_umask, "18");
    fs::write(group.0.join("cgroup.procs"), calls.pid().to_string()).unwrap();
    for _ in 0..9 {
        calls.call(SYS_umask, "18");
        calls.call(SYS_getpriority, "1 999999999");
    }
    drop(calls);
    let events = task.told(&[], &[]);
    let container = events[0]["container"].as_str().unwrap();
    assert!(id.starts_with(container) && container.len() >= 12, "{events:?}");
    let of = |call: &str| sum(&events, &json!({ "container": container, "syscall": call }), "calls");
    assert_eq!((of("umask"), of("getpriority"), of("exit_group")), (9, 9, 1), "{events:?}");
    assert!(events.iter().all(|row| row["container"] == container), "{events:?}");
    drop(group);
    drop(made);
}
