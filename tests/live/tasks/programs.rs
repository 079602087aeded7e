// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks about programs with USDT probes, and about what is there: open files, sockets, BPF programs.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;

use libc::{SYS_bind, SYS_openat, SYS_socket};
use serde_json::{Value, json};

use super::network::{DATAGRAM, HERE, connected};
use super::rows::sum;
use super::{Calls, Task, folder};
use crate::lab::{Lab, in_namespace, need, sh};

/// A stand-in for the database, which is rarely installed.
pub(super) fn slow_queries() {
    let lab = Lab::new();
    let database = lab.text("mysqld");
    sh(&format!("cc -O1 -o {database} {}", folder("support/queries.c").display()));
    let task = Task::start_in(lab, "126", &[("/usr/sbin/mysqld", &database)]);
    let long = format!("SELECT {}", "x".repeat(600));
    sh(&format!("printf '1 SELECT 1\\n150 SELECT slow\\n2 SELECT 2\\n130 {long}\\n' | {database}"));
    let events = task.told(&[], &[]);
    let queries: Vec<&str> = events.iter().filter_map(|event| event["query"].as_str()).collect();
    assert!(queries.len() == 2 && queries[0] == "SELECT slow" && queries[1].starts_with(&long[..500]), "{queries:?}");
    let times: Vec<u64> = events.iter().filter_map(|event| event["took"].as_u64()).collect();
    assert!(times[0] >= 150_000_000 && (130_000_000..150_000_000).contains(&times[1]), "{times:?}");
}

/// A Python that was built with its probes, as Debian's is.
pub(super) fn imports() {
    let python = ["/usr/bin/python3.11", "/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3"];
    let has_probes = |path: &&&str| {
        Path::new(**path).exists() && sh(&format!("readelf -n {path} 2>&1 || :")).contains("import__find__load__start")
    };
    let found = python.iter().find(has_probes).ok_or_else(|| "no Python with USDT probes".to_owned());
    need!(found);
    let python = *found.unwrap();
    let task = Task::start_in(Lab::new(), "127", &[("python3:", &format!("{python}:"))]);
    for _ in 0..3 {
        sh(&format!("{python} -I -c 'import colorsys; import colorsys; import this_is_not_there' 2>&1 || :"));
    }
    let events = task.told(&[], &[]);
    let of = |module: &str| sum(&events, &json!({ "probe": "imports", "module": module }), "imports");
    // What was imported already is not looked for again.
    assert_eq!((of("colorsys"), of("this_is_not_there")), (3, 3), "{events:?}");
}

/// As /proc tells them.
pub(super) fn open_files() {
    let lab = Lab::new();
    let mut calls = Calls::start(&lab);
    let path = lab.text("file");
    fs::write(&path, "").unwrap();
    let fd = calls.call(SYS_openat, &format!("-100 s:{path} 0"));
    let mut task = Task::start_in(lab, "134", &[]);
    let pid = calls.pid();
    task.run.event(|event| event["pid"] == pid && event["fd"] == fd);
    let there: BTreeSet<(u64, String)> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|entry| {
            let path = fs::read_link(&entry).unwrap().to_str().unwrap().to_owned();
            (entry.file_name().unwrap().to_str().unwrap().parse().unwrap(), path)
        })
        .collect();
    let events =
        task.told(&[json!({ "probe": "open-files", "pid": pid, "fd": fd, "path": path, "comm": "calls" })], &[]);
    let seen: BTreeSet<(u64, String)> = events
        .iter()
        .filter(|event| event["pid"] == pid)
        .map(|event| (event["fd"].as_u64().unwrap(), event["path"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(seen, there);
}

/// As /proc tells them.
pub(super) fn sockets() {
    in_namespace(|| {
        let lab = Lab::new();
        let mut calls = Calls::start(&lab);
        connected(&mut calls);
        let datagram = calls.call(SYS_socket, DATAGRAM);
        assert_eq!(calls.call(SYS_bind, &format!("{datagram} {HERE}")), 0);
        let mut task = Task::start_in(lab, "135", &[]);
        task.run.event(|event| event["probe"] == "udp-sockets");
        let proc_net = |name: &str| -> usize {
            let text = sh(&format!("cat /proc/{}/net/{name}", calls.pid()));
            text.lines().count() - 1
        };
        let (tcp, udp) = (proc_net("tcp"), proc_net("udp"));
        let listens = json!({ "conn": { "source": "127.0.0.1:4711" }, "state": "TCP_LISTEN", "owner": 0 });
        let accepted = json!({ "conn": { "source": "127.0.0.1:4711" }, "state": "TCP_ESTABLISHED" });
        let connects = json!({ "conn": { "destination": "127.0.0.1:4711" }, "state": "TCP_ESTABLISHED" });
        let datagrams =
            json!({ "probe": "udp-sockets", "conn": { "source": "127.0.0.1:4711", "protocol": "IPPROTO_UDP" } });
        let events = task.told(&[listens, accepted, connects, datagrams], &[]);
        let of = |probe: &str| events.iter().filter(|event| event["probe"] == probe).count();
        assert_eq!((of("tcp-sockets"), of("udp-sockets")), (tcp, udp));
    });
}

/// A program that ran ten times while the kernel counted runs, as its own descriptor tells.
pub(super) fn bpf_programs() {
    // SAFETY: takes a number; gives a new descriptor or an error.
    let counting = unsafe { libbpf_sys::bpf_enable_stats(libbpf_sys::BPF_STATS_RUN_TIME) };
    assert!(counting >= 0, "{counting}");
    // SAFETY: the descriptor is new and nobody else owns it.
    let _counting = unsafe { OwnedFd::from_raw_fd(counting) };
    // `return 0`
    let program = super::machine::load(libbpf_sys::BPF_PROG_TYPE_SOCKET_FILTER, "task_137", &[0xb7, 0x95]);
    let data = [0u8; 64];
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
        data_in: data.as_ptr().cast(),
        data_size_in: 64,
        ..Default::default()
    };
    for _ in 0..10 {
        // SAFETY: the options and the data live across the call.
        assert_eq!(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) }, 0);
    }
    let facts = fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd())).unwrap();
    let fact = |name: &str| -> u64 {
        facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t")).unwrap().parse().unwrap()
    };
    let mut task = Task::start("137");
    let id = fact("prog_id");
    let program: Value = task.run.event(|event| event["id"] == id);
    task.told(&[], &[]);
    assert_eq!((&program["program"], &program["kind"]), (&json!("task_137"), &json!("BPF_PROG_TYPE_SOCKET_FILTER")));
    assert_eq!(
        (program["runs"].as_u64(), program["time"].as_u64()),
        (Some(fact("run_cnt")), Some(fact("run_time_ns")))
    );
}
