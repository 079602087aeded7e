// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of libbpf-tools, each beside a probe that counts the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::counted::{Both, alike, compared, equal};
use crate::lab::{self, BOUND, Lab, Run, need};
use crate::peer::Killed;
use crate::printed::{Histogram, column, counts, histograms, slots};
use crate::program;

/// Microseconds of libbpf-tools' slots, as `buckets` has them: a time that is rounded down belongs where it was.
const MICROSECONDS: &str = "[1us, 2us, 4us, 8us, 16us, 32us, 64us, 128us, 256us, 512us, 1024us, 2048us, 4096us, 8192us, 16384us, \
                            32768us, 65536us, 131072us, 262144us, 524288us, 1048576us, 2097152us]";

/// A process that waits until it is told to begin, then makes the same few system calls again and again, and ends.
struct Sleeper(Child);

impl Sleeper {
    fn new(lab: &Lab, rounds: u32, seconds: &str) -> Self {
        let (shell, pipe) = (lab.text("peer-bash"), lab.text("pipe"));
        fs::copy(program("bash").unwrap(), &shell).unwrap();
        let script = format!(
            "mkfifo {pipe}; exec 3<>{pipe}; read; for ((i = 0; i < {rounds}; i++)); do read -t {seconds} -u 3; umask 7; done; read"
        );
        let mut command = Command::new(shell);
        Self(command.args(["-c", &script]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has done all of it and reads again.
    fn go(&mut self) {
        let path = format!("/proc/{}/syscall", self.0.id());
        let calls = || fs::read_to_string(&path).unwrap_or_default();
        let reads = || calls().starts_with("0 0x0 ");
        lab::wait_for("the process", reads);
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        lab::wait_for("its work", || !reads());
        lab::wait_for("its end", reads);
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A disk that is a file, and so many reads of it.
fn read_disk(disk: &str, reads: &str) {
    for size in reads.split(' ') {
        let (bytes, count) = size.split_once('x').unwrap();
        let dd = format!("dd if={disk} of=/dev/null bs={bytes} count={count} iflag=direct status=none");
        lab::sh(&dd);
    }
}

struct Disk(String);

impl Disk {
    fn new(lab: &Lab) -> Self {
        let file = lab.text("disk");
        Self(lab::sh(&format!("head -c 16M /dev/zero >{file}; losetup --find --show {file}")).trim().to_owned())
    }

    fn name(&self) -> &str {
        self.0.strip_prefix("/dev/").unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        lab::sh(&format!("losetup --detach {}", self.0));
    }
}

/// The latency of each request of a disk, from when it is issued.
#[test]
fn biolatency() {
    need!(lab::bpf(), lab::tool("biolatency"));
    let probe = format!(
        "probes:\n  - name: disk-latency\n    hook:\n      span:\n        start: {{ tracepoint: \"block:block_rq_issue\" }}\n        \
         end: {{ tracepoint: \"block:block_rq_complete\" }}\n        key: [dev, sector]\n    interval: end\n    \
         aggregate: {{ by: {{ disk: dev as dev }}, values: {{ took: {{ histogram: duration, buckets: {MICROSECONDS} }} }} }}\n"
    );
    compared("biolatency", || {
        let lab = Lab::new();
        let disk = Disk::new(&lab);
        let both = Both::start(lab, &probe, &["biolatency", "-D"]);
        read_disk(&disk.0, "64kx200 4kx400 1Mx8");
        let said = both.end();
        let none = Histogram::new();
        let ours = said.histograms(&["disk"], "took", 1000);
        let outcome =
            alike(ours.get(disk.name()).unwrap_or(&none), slots(&said.peer).get(disk.name()).unwrap_or(&none));
        (said, outcome)
    });
}

/// Each request of a disk, with its size; `biosnoop.bt` and `biolatency.bt` with the tracepoints of newer kernels.
#[test]
fn requests_of_bpftrace() {
    need!(lab::bpf(), lab::tool("bpftrace"));
    let probe = "probes:\n  - name: disk-io\n    hook:\n      span:\n        start: { tracepoint: \"block:block_io_start\" }\n        \
                 end: { tracepoint: \"block:block_io_done\" }\n        key: [dev, sector]\n    interval: end\n    \
                 aggregate: { by: { dev: dev as u32, comm: start.current.comm }, values: { size: histogram(start.bytes), calls: count(), bytes: sum(start.bytes) } }\n";
    let script = "tracepoint:block:block_io_start { @start[args->dev, args->sector] = nsecs; @bytes[args->dev, args->sector] = args->bytes;\n  \
                  @who[args->dev, args->sector] = comm; }\n\
                  tracepoint:block:block_io_done /@start[args->dev, args->sector]/ {\n  \
                  @size[args->dev, @who[args->dev, args->sector]] = hist(@bytes[args->dev, args->sector]);\n  \
                  @sum[args->dev, @who[args->dev, args->sector]] = sum(@bytes[args->dev, args->sector]);\n  \
                  delete(@start[args->dev, args->sector]); delete(@bytes[args->dev, args->sector]); delete(@who[args->dev, args->sector]); }\n\
                  END { clear(@start); clear(@bytes); clear(@who); }\n";
    compared("biosnoop.bt", || {
        let lab = Lab::new();
        let disk = Disk::new(&lab);
        let number = lab::sh(&format!("stat -c '%Hr %Lr' {}", disk.0));
        let (major, minor) = number.trim().split_once(' ').unwrap();
        let key = format!("{}, dd", (major.parse::<u64>().unwrap() << 20) + minor.parse::<u64>().unwrap());
        let both = Both::bpftrace(lab, probe, script);
        read_disk(&disk.0, "64kx100 4kx150 256kx30");
        let said = both.end();
        let of = |all: &BTreeMap<String, u64>, key: &str| all.get(key).copied().unwrap_or(0);
        let ours = (
            said.histograms(&["dev", "comm"], "size", 1).remove(&key),
            of(&said.sums(&["dev", "comm"], "bytes"), &key),
        );
        let theirs =
            (histograms(&said.peer).remove(&format!("size {key}")), of(&counts(&said.peer), &format!("sum {key}")));
        let outcome = if ours.1 == 0 { Err("nothing was read".to_owned()) } else { equal(&ours, &theirs) };
        (said, outcome)
    });
}

/// How long one process waits for a CPU whenever it can run, be it after a sleep or after it was put aside.
#[test]
fn runqlat() {
    need!(lab::bpf(), lab::tool("runqlat"), lab::tool("bash"));
    compared("runqlat", || {
        let lab = Lab::new();
        let mut sleeper = Sleeper::new(&lab, 500, "0.002");
        let pid = sleeper.pid();
        let probe = format!(
            "probes:\n  - name: run-queue\n    hook:\n      span:\n        start:\n          \
             - {{ tracepoint: [\"sched:sched_wakeup\", \"sched:sched_wakeup_new\"], key: [args.pid], where: args.pid == {pid} }}\n          \
             - {{ tracepoint: \"sched:sched_switch\", key: [prev_pid], where: \"prev_pid == {pid} && prev_state in [0, 256]\" }}\n        \
             end: {{ tracepoint: \"sched:sched_switch\", key: [next_pid] }}\n    interval: end\n    \
             aggregate: {{ values: {{ wait: {{ histogram: duration, buckets: {MICROSECONDS} }} }} }}\n"
        );
        let both = Both::start(lab, &probe, &["runqlat", "-p", &pid.to_string()]);
        sleeper.go();
        let said = both.end();
        let ours = said.histograms(&[], "wait", 1000).remove("").unwrap_or_default();
        let outcome = alike(&ours, &slots(&said.peer).remove("").unwrap_or_default());
        (said, outcome)
    });
}

/// The system calls of one process, and how long they took.
#[test]
fn syscount() {
    need!(lab::bpf(), lab::tool("syscount"), lab::tool("bash"));
    compared("syscount", || {
        let lab = Lab::new();
        let mut sleeper = Sleeper::new(&lab, 300, "0.002");
        let pid = sleeper.pid();
        let probe = format!(
            "probes:\n  - name: calls\n    hook: {{ syscall: {{ name: \"*\", at: span }} }}\n    where: current.pid == {pid}\n    interval: end\n    \
             aggregate: {{ by: [syscall], values: {{ calls: count(), time: sum(duration) }} }}\n"
        );
        let both = Both::start(lab, &probe, &["syscount", "-L", "-T", "100", "-p", &pid.to_string()]);
        sleeper.go();
        let said = both.end();
        // Its first column is the name, then how often, then how many microseconds. It ends in the middle of one.
        let is_whole = |(name, _): &(String, u64)| name != "read";
        let ours: BTreeMap<String, u64> = said.sums(&["syscall"], "calls").into_iter().filter(is_whole).collect();
        let theirs: BTreeMap<String, u64> =
            column(&said.peer, 1).into_iter().filter(|one| is_whole(one) && !one.0.starts_with('[')).collect();
        let outcome = equal(&ours, &theirs).and_then(|same| {
            let (ours, theirs) = (said.sums(&["syscall"], "time"), times(&said.peer));
            let far = theirs.iter().find(|(name, time)| {
                let time = **time * 1000.0;
                let ours = ours.get(*name).copied().unwrap_or(0) as f64;
                // Those that sleep.
                name.as_str() != "read" && time > 50_000_000.0 && (ours - time).abs() > time / 100.0
            });
            far.map_or(Ok(same), |far| Err(format!("{far:?} of {ours:?}")))
        });
        (said, outcome)
    });
}

/// The third column.
fn times(text: &str) -> BTreeMap<String, f64> {
    let cell = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some((words.first()?.to_string(), words.get(2)?.parse().ok()?))
    };
    text.lines().filter_map(cell).collect()
}

/// Numbers that the kernel counts itself, by name: the sum over all CPUs of the lines of a file of /proc.
fn of_kernel(file: &str) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(file).unwrap();
    let cpus = text.lines().next().unwrap().split_whitespace().count();
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let sum = words.iter().skip(1).take(cpus).map(|word| word.parse::<u64>().unwrap_or(0)).sum();
        let name = if words.len() > cpus + 1 { words.last()? } else { words.first()?.strip_suffix(':')? };
        Some((name.to_string(), sum))
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// Interrupts of any device that was quiet while one of both counted and the other did not.
fn interrupts(what: &str, file: &str, probe: &str, load: &str, called: fn(&str) -> String) {
    let _turn = crate::turn();
    let start = Instant::now();
    loop {
        let lab = Lab::new();
        lab.yaml(probe);
        let mut run = Run::start(lab.command(&["probes.yaml"]));
        run.wait_until_attached();
        let first = of_kernel(file);
        let tool = program(what).unwrap();
        let mut command = Command::new(tool);
        command.arg("-d").stdin(Stdio::null()).stdout(fs::File::create(lab.path("peer.out")).unwrap());
        let mut peer = Killed::new(command.stderr(Stdio::null()).spawn().unwrap());
        peer.wait_until_attached(String::new);
        let second = of_kernel(file);
        lab::sh(load);
        let third = of_kernel(file);
        peer.end_as_ctrl_c();
        let ended = run.interrupt();
        let last = of_kernel(file);
        let theirs = slots(&fs::read_to_string(lab.path("peer.out")).unwrap());
        let theirs: BTreeMap<String, u64> =
            theirs.into_iter().map(|(name, slots)| (name, slots.values().sum())).collect();
        let mut same = Vec::new();
        for (name, _) in second.iter().filter(|(name, count)| {
            first.get(*name) == Some(*count) && third.get(*name) == last.get(*name) && third.get(*name) > Some(*count)
        }) {
            let name = called(name);
            let rows = ended.events();
            let of_name = rows.iter().filter(|row| row["name"].as_str().is_some_and(|own| called(own) == name));
            let ours: u64 = of_name.filter_map(|row| row["calls"].as_u64()).sum();
            assert_eq!(Some(&ours), theirs.get(&name), "{what}: {name}\n{theirs:?}\n{rows:?}");
            same.push(format!("{name} {ours}"));
        }
        if !same.is_empty() {
            return println!("{what}: {}", same.join(", "));
        }
        assert!(start.elapsed() < BOUND * 3, "{what}: the machine is never quiet");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Each interrupt of a device, by its handler.
#[test]
fn hardirqs() {
    need!(lab::bpf(), lab::tool("hardirqs"));
    let probe = "probes:\n  - name: hard-interrupts\n    hook:\n      span:\n        start: { tracepoint: \"irq:irq_handler_entry\" }\n        \
                 end: { tracepoint: \"irq:irq_handler_exit\" }\n        key: [cpu, irq]\n    interval: end\n    \
                 aggregate: { by: [start.name], values: { calls: count() } }\n";
    let load = "for i in 1 2 3 4 5; do ping -c 1 -W 1 192.0.2.1 >/dev/null 2>&1 || :; dd if=/dev/zero of=/var/tmp/ebpf-run-peer bs=4k count=1 \
                oflag=direct,sync status=none; done; rm /var/tmp/ebpf-run-peer";
    interrupts("hardirqs", "/proc/interrupts", probe, load, str::to_owned);
}

/// Each soft interrupt, by its kind.
#[test]
fn softirqs() {
    need!(lab::bpf(), lab::tool("softirqs"));
    let probe = "probes:\n  - name: soft-interrupts\n    hook:\n      span:\n        start: { tracepoint: \"irq:softirq_entry\" }\n        \
                 end: { tracepoint: \"irq:softirq_exit\" }\n        key: [cpu, vec]\n    interval: end\n    \
                 aggregate: { by: { name: start.vec as softirq }, values: { calls: count() } }\n";
    let load = "for i in 1 2 3 4 5 6 7; do bash -c 'echo x >/dev/udp/127.0.0.1/9' || :; done 2>/dev/null";
    let called = |name: &str| name.to_lowercase();
    interrupts("softirqs", "/proc/softirqs", probe, load, called);
}

/// How long names are looked for, with the name and the process.
#[test]
fn gethostlatency() {
    need!(lab::bpf(), lab::tool("gethostlatency"), lab::tool("getent"));
    let probe = "probes:\n  - name: lookups\n    hook: { function: { binary: libc.so.6, symbol: [getaddrinfo, gethostbyname, gethostbyname2], at: span } }\n    \
                 capture: { name: arg0 as string, took: duration }\n";
    compared("gethostlatency", || {
        let lab = Lab::new();
        let getent = lab.text("peer-getent");
        fs::copy(program("getent").unwrap(), &getent).unwrap();
        let both = Both::start(lab, probe, &["gethostlatency"]);
        lab::sh(&format!(
            "for name in localhost 127.0.0.1 no-such-host.invalid; do {getent} ahosts $name >/dev/null || :; done"
        ));
        let said = both.end();
        let ours: Vec<(u64, String, String)> = said
            .rows
            .iter()
            .filter(|row| row["comm"] == "peer-getent")
            .map(|row| {
                (row["pid"].as_u64().unwrap(), "peer-getent".to_owned(), row["name"].as_str().unwrap().to_owned())
            })
            .collect();
        let line = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, pid, comm, time, host] = words[..] else { return None };
            Some(((pid.parse().ok()?, comm.to_owned(), host.to_owned()), time.parse::<f64>().ok()?))
        };
        let (theirs, times): (Vec<_>, Vec<f64>) =
            said.peer.lines().filter_map(line).filter(|((_, comm, _), _)| comm == "peer-getent").unzip();
        let outcome = if ours.len() < 3 { Err(format!("{ours:?}")) } else { equal(&ours, &theirs) };
        let outcome = outcome.and_then(|same| {
            let took =
                said.rows.iter().filter(|row| row["comm"] == "peer-getent").filter_map(|row| row["took"].as_f64());
            let far = took.zip(&times).find(|(ours, theirs)| (ours / 1e6 - **theirs).abs() > 0.1 + **theirs / 100.0);
            far.map_or(Ok(same), |far| Err(format!("{far:?}")))
        });
        (said, outcome)
    });
}

/// How long one process is off the CPU, in all and where it waits for its pipe.
#[test]
fn offcputime() {
    need!(lab::bpf(), lab::tool("offcputime"), lab::tool("bash"));
    compared("offcputime", || {
        let lab = Lab::new();
        let mut sleeper = Sleeper::new(&lab, 100, "0.01");
        let pid = sleeper.pid();
        let probe = format!(
            "probes:\n  - name: off-cpu\n    hook:\n      span:\n        \
             start: {{ tracepoint: \"sched:sched_switch\", key: [prev_pid], where: prev_pid == {pid} }}\n        \
             end: {{ tracepoint: \"sched:sched_switch\", key: [next_pid] }}\n    interval: end\n    \
             aggregate: {{ by: [start.kstack], values: {{ time: sum(duration), times: count() }} }}\n"
        );
        let both = Both::start(lab, &probe, &["offcputime", "-p", &pid.to_string()]);
        sleeper.go();
        let said = both.end();
        let waits = |stack: &str| stack.contains("poll_schedule_timeout");
        let of_rows = |value: &str, all: bool| -> u64 {
            let rows = said.rows.iter().filter(|row| all || waits(&row["kstack"].to_string()));
            rows.filter_map(|row| row[value].as_u64()).sum()
        };
        let ours = |all: bool| of_rows("time", all) / 1000;
        // Each stack ends with a line for its process, and one with how many microseconds.
        let blocks: Vec<(&str, u64)> = said
            .peer
            .split("\n\n")
            .filter_map(|block| Some((block, block.trim_end().rsplit_once('\n')?.1.trim().parse().ok()?)))
            .collect();
        let theirs =
            |all: bool| blocks.iter().filter(|(stack, _)| all || waits(stack)).map(|(_, time)| time).sum::<u64>();
        let near = |all: bool| ours(all).abs_diff(theirs(all)) * 100 <= theirs(all);
        let text = format!("{} of {} µs; they {} of {}", ours(false), ours(true), theirs(false), theirs(true));
        // 100 times 10 ms, and what each adds by its own work is little of that. Seen on a virtual machine whose init process is protected:
        // the kernel shows nobody a switch away from one of that process's threads (neither tool, nor bpftrace). The process that comes
        // next has no end then: at most a few of these 100.
        let times = of_rows("times", false);
        let is_all = (95..=100).contains(&times) && ours(false) >= times * 10_000;
        let outcome =
            if near(true) && near(false) && is_all { Ok(text) } else { Err(format!("{text}, {times} times")) };
        (said, outcome)
    });
}
