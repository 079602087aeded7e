// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of `tests/tasks` beside one line of bpftrace each: its map has the same counts, and the same sizes in the same buckets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::counted::{Both, Said, compared, equal};
use crate::lab::{self, Lab, need};
use crate::printed::{counts, histograms};
use crate::program;

/// The text of a task.
fn task(number: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/tasks/{number}.yaml"));
    let text = fs::read_to_string(path).unwrap();
    text.replace("version: 1\n", "")
}

/// What the rows say, and what the map of the script does.
type Ours<'f, T> = &'f dyn Fn(&Said) -> T;
type Theirs<'f, T> = &'f dyn Fn(&str) -> T;

/// Runs a task beside a script while a load happens in a folder that has these programs as `peer-`; compares what both say.
fn beside<T: PartialEq + std::fmt::Debug>(
    number: &str,
    (probe, script): (&str, &str),
    (tools, load): (&[&str], &str),
    (ours, theirs): (Ours<'_, T>, Theirs<'_, T>),
) {
    need!(lab::bpf(), lab::tool("bpftrace"));
    compared(number, || {
        let lab = Lab::new();
        for tool in tools {
            fs::copy(program(tool).unwrap(), lab.path(&format!("peer-{tool}"))).unwrap();
        }
        let folder = lab.text("");
        let both = Both::bpftrace(lab, probe, script);
        lab::sh(&format!("cd {folder}; {load}"));
        let said = both.end();
        let outcome = equal(&ours(&said), &theirs(&said.peer));
        (said, outcome)
    });
}

/// The entries whose keys begin so; there must be one.
fn only<T>(all: BTreeMap<String, T>, begin: &str) -> BTreeMap<String, T> {
    let all: BTreeMap<String, T> = all.into_iter().filter(|(key, _)| key.starts_with(begin)).collect();
    assert!(!all.is_empty(), "nothing of `{begin}`");
    all
}

fn without_name<T>(all: BTreeMap<String, T>) -> BTreeMap<String, T> {
    all.into_iter()
        .map(|(key, value)| (key.split_once(' ').map_or_else(String::new, |(_, key)| key.to_owned()), value))
        .collect()
}

#[test]
fn sizes_of_reads() {
    let script = "tracepoint:syscalls:sys_exit_read /args->ret >= 0/ { @bytes[comm] = hist(args->ret); }";
    let load = "for bytes in 1 3 700 4096 5000 70000; do ./peer-dd if=/dev/zero of=/dev/null bs=$bytes count=50 status=none; done";
    let ours = |said: &Said| only(said.histograms(&["comm"], "bytes", 1), "peer-dd");
    let theirs = |said: &str| only(without_name(histograms(said)), "peer-dd");
    beside("026", (&task("026"), script), (&["dd"], load), (&ours, &theirs));
}

/// `bitesize.bt`
#[test]
fn sizes_of_requests() {
    let script = "tracepoint:block:block_rq_issue { @size[args->comm] = hist(args->bytes); }";
    let load = "head -c 16M /dev/zero >file; disk=$(losetup --find --show file); \
                for bytes in 4k 16k 64k 256k; do ./peer-dd if=$disk of=/dev/null bs=$bytes count=20 iflag=direct status=none; done; losetup --detach $disk";
    let ours = |said: &Said| only(said.histograms(&["comm"], "size", 1), "peer-dd");
    let theirs = |said: &str| only(without_name(histograms(said)), "peer-dd");
    beside("039", (&task("039"), script), (&["dd"], load), (&ours, &theirs));
}

#[test]
fn sizes_of_packets() {
    let script = "tracepoint:net:net_dev_queue { @bytes[str(args->name)] = hist(args->len); }";
    let load = "unshare --net sh -ec 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add peer73 type veth peer name peer73b; ip link set peer73 arp off; ip addr add 10.9.9.1/24 dev peer73; ip link set peer73 up; ip link set peer73b up; \
                for bytes in 10 100 200 1000; do for i in 1 2 3; do head -c $bytes /dev/zero | ./peer-bash -c \"cat >/dev/udp/10.9.9.2/9\"; done; done'";
    let ours = |said: &Said| only(said.histograms(&["event", "name"], "bytes", 1), "net:net_dev_queue, peer73");
    let theirs = |said: &str| {
        let all = only(without_name(histograms(said)), "peer73").into_iter();
        all.map(|(name, sizes)| (format!("net:net_dev_queue, {name}"), sizes)).collect()
    };
    beside("073", (&task("073"), script), (&["bash"], load), (&ours, &theirs));
}

#[test]
fn failures_by_process() {
    let script =
        "tracepoint:raw_syscalls:sys_exit /args->ret < 0 && args->ret >= -4095/ { @failures[comm] = count(); }";
    let load = "for i in 1 2 3 4 5; do ./peer-sh -c 'cat /no/such; (cd /no/such/either) || ls /not/here' 2>/dev/null || :; ./peer-ls /no/such 2>/dev/null || :; done";
    let ours = |said: &Said| only(said.sums(&["comm"], "failures"), "peer-");
    let theirs = |said: &str| only(without_name(counts(said)), "peer-");
    beside("102", (&task("102"), script), (&["sh", "ls"], load), (&ours, &theirs));
}

#[test]
fn sockets_by_family() {
    let script =
        "tracepoint:syscalls:sys_enter_socket { @sockets[args->family, args->type, args->protocol] = count(); }";
    let load = "perl -e 'for (1..5) { syscall(41, 9, 4, 0); syscall(41, 2, 2050, 136); syscall(41, 16, 3, 11) }'";
    let named = [
        ("AF_X25, SOCK_RDM, IPPROTO_IP", "9, 4, 0"),
        ("AF_INET, SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDPLITE", "2, 2050, 136"),
        ("AF_NETLINK, SOCK_RAW, 11", "16, 3, 11"),
    ];
    let calls = |all: &BTreeMap<String, u64>, names: [&str; 3]| {
        let found = names.map(|name| all.get(name).copied().unwrap_or(0));
        assert_eq!(found, [5, 5, 5], "{all:?}");
        found
    };
    let ours = |said: &Said| {
        let all = said.sums(&["family", "socket_type", "protocol"], "sockets");
        calls(&all, named.map(|(ours, _)| ours))
    };
    let theirs = |said: &str| calls(&without_name(counts(said)), named.map(|(_, theirs)| theirs));
    beside("067", (&task("067"), script), (&["sh"], load), (&ours, &theirs));
}

#[test]
fn work_and_timers() {
    let both = |name: &str| task(name).replace("probes:\n", "");
    let probe = format!("probes:\n{}{}", both("098"), both("099"));
    let script = "tracepoint:workqueue:workqueue_execute_start { @[ksym(args->function)] = count(); }\n\
                  tracepoint:timer:timer_start { @[ksym(args->function)] = count(); }";
    let load = "for i in 1 2 3 4 5; do cat /proc/sys/vm/stat_refresh; done; /usr/bin/python3 -c '\nimport socket\n\
                s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(1)\nc = socket.create_connection(s.getsockname())\n\
                for i in range(40): c.setsockopt(1, 9, 1 - i % 2)'";
    let pick = |all: &BTreeMap<String, u64>| {
        ["refresh_vm_stats", "tcp_keepalive_timer"].map(|name| all.get(name).copied().unwrap_or(0))
    };
    let ours = |said: &Said| {
        let times = said.rows_of("work").into_iter().filter(|row| row["function"] == "refresh_vm_stats");
        let work =
            times.flat_map(|row| row["took"].as_array().unwrap().clone()).filter_map(|bucket| bucket[2].as_u64()).sum();
        let timers = said.rows_of("timers").into_iter().filter(|row| row["function"] == "tcp_keepalive_timer");
        [work, timers.filter_map(|row| row["timers"].as_u64()).sum()]
    };
    let theirs = |said: &str| {
        let found = pick(&without_name(counts(said)));
        assert!(found.iter().all(|count| *count >= 10), "{said}");
        found
    };
    beside("098, 099", (&probe, script), (&["sh"], load), (&ours, &theirs));
}

#[test]
fn imports() {
    let python = "/usr/bin/python3.11";
    let has_probes =
        Path::new(python).exists() && lab::sh(&format!("readelf -n {python} 2>&1 || :")).contains("import__find");
    need!(if has_probes { Ok(()) } else { Err("no Python with USDT probes".to_owned()) });
    let script = format!("usdt:{python}:python:import__find__load__start {{ @imports[str(arg0)] = count(); }}");
    let load = format!("for i in 1 2 3 4; do {python} -I -c 'import json, colorsys, colorsys'; done");
    let probe = task("127").replace("\"python3:", &format!("\"{python}:"));
    let ours = |said: &Said| said.sums(&["module"], "imports");
    let theirs = |said: &str| without_name(counts(said));
    let fit = |all: BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        let known = ["json", "json.decoder", "colorsys", "re"];
        let all: BTreeMap<String, u64> = all.into_iter().filter(|(name, _)| known.contains(&name.as_str())).collect();
        assert!(all.get("colorsys") == Some(&4), "{all:?}");
        all
    };
    beside("127", (&probe, &script), (&["sh"], &load), (&|said| fit(ours(said)), &|said| fit(theirs(said))));
}

/// What a stack is called differs; how often each has come does not.
#[test]
fn stacks_of_switches() {
    let probe = "probes:\n  - name: switches\n    hook: { tracepoint: \"sched:sched_switch\" }\n    where: prev_comm == \"peer-bash\"\n    \
                 interval: end\n    aggregate: { by: [kstack], values: { switches: count() } }\n";
    let script = "tracepoint:sched:sched_switch /args->prev_comm == \"peer-bash\"/ { @[kstack] = count(); }";
    let load = "mkfifo pipe; ./peer-bash -c 'exec 3<>pipe; for i in {1..300}; do read -t 0.001 -u 3; done' || :";
    let ours = |said: &Said| {
        let mut all: Vec<u64> = said.sums(&["kstack"], "switches").into_values().collect();
        all.sort_unstable();
        all
    };
    let theirs = |said: &str| {
        let count = |line: &str| line.strip_prefix("]: ")?.parse().ok();
        let mut all: Vec<u64> = said.lines().filter_map(count).collect();
        all.sort_unstable();
        assert!(all.iter().sum::<u64>() >= 300, "{said}");
        all
    };
    beside("090", (probe, script), (&["bash"], load), (&ours, &theirs));
}
