// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random edits against a model of what must run. `EBPF_RUN_EDITS=10000 EBPF_RUN_SEED=7 cargo test --release --test daemon
//! random -- --nocapture` makes more of them, others, and prints what they cost.

use std::collections::BTreeMap;
use std::fs;

use crate::daemon::Daemon;
use crate::lab::{bpf, in_namespace, need, sh, wait_for};

const EDITS: u64 = 300;
/// Files of tracepoint probes; one more has two XDP probes.
const FILES: u64 = 6;
const CALLS: [&str; 4] = ["getpriority", "sched_rr_get_interval", "mlockall", "munlockall"];

/// What a probe may say.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    /// A tracepoint, the number of captures, and whether its events have a label.
    Good { call: usize, captures: u64, label: bool },
    /// A sink that cannot be opened.
    NoSink,
    /// A tracepoint that does not exist.
    NoHook,
}

/// A file as it is, and what of it counts.
#[derive(Clone, Default)]
struct File {
    /// Its probes as it says; `None`: it has a mistake.
    says: Option<BTreeMap<String, Version>>,
    /// As it said when it had none.
    kept: Option<BTreeMap<String, Version>>,
    /// What runs of it.
    running: BTreeMap<String, usize>,
    /// The two XDP probes have changed places.
    crossed: bool,
}

/// xorshift64*, Vigna 2014.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn version(&mut self) -> Version {
        match self.below(12) {
            0 => Version::NoSink,
            1 => Version::NoHook,
            _ => Version::Good {
                call: self.below(CALLS.len() as u64) as usize,
                captures: self.below(3),
                label: self.below(2) == 0,
            },
        }
    }
}

fn yaml(name: &str, version: Version) -> String {
    let (hook, capture, label, sink) = match version {
        Version::Good { call, captures, label } => {
            let fields: Vec<String> = (0..captures).map(|at| format!("c{at}: pid")).collect();
            let capture =
                if fields.is_empty() { String::new() } else { format!(", capture: {{ {} }}", fields.join(", ")) };
            (format!("sys_enter_{}", CALLS[call]), capture, label, "jsonl:random.jsonl")
        }
        Version::NoSink => ("sys_enter_munlockall".to_owned(), String::new(), false, "jsonl:/no/such/folder/x"),
        Version::NoHook => ("sys_enter_no_such_call".to_owned(), String::new(), false, "jsonl:random.jsonl"),
    };
    let label = if label { ", labels: { which: one }" } else { "" };
    format!(
        "  - {{ name: {name}, hook: {{ tracepoint: \"syscalls:{hook}\" }}{capture}{label}, sinks: [\"{sink}\"] }}\n"
    )
}

impl File {
    /// One edit: (what the file becomes, or `None`: deleted).
    fn edit(&mut self, number: u64, random: &mut Random) -> Option<String> {
        let name = |at: u64| format!("f{number}p{at}");
        let mut says = self.says.clone().or_else(|| self.kept.clone()).unwrap_or_default();
        match random.below(10) {
            0 => return self.delete(),
            1 => {
                self.says = None;
                return Some("  - { name: broken, hook: { tracepoin: x } }\n".to_owned());
            }
            2 => drop(says.remove(&name(random.below(3)))),
            _ => drop(says.insert(name(random.below(3)), random.version())),
        }
        if says.is_empty() {
            return self.delete();
        }
        self.running.retain(|probe, _| says.contains_key(probe));
        for (probe, version) in &says {
            if let Version::Good { call, .. } = version {
                self.running.insert(probe.clone(), *call);
            }
        }
        let text = says.iter().map(|(probe, version)| yaml(probe, *version)).collect();
        self.kept = Some(says.clone());
        self.says = Some(says);
        // A comment does nothing.
        Some(if random.below(2) == 0 { format!("  # {}\n{text}", random.below(1000)) } else { text })
    }

    fn delete(&mut self) -> Option<String> {
        *self = Self { crossed: self.crossed, ..Self::default() };
        None
    }

    /// `NAME: STATE TRACEPOINT` for each of its probes.
    fn expected(&self) -> impl Iterator<Item = String> {
        self.kept.iter().flatten().map(|(probe, version)| {
            let running = self.running.get(probe).map(|call| CALLS[*call]);
            let state = match (version, running) {
                (Version::Good { .. }, _) => "running",
                (_, Some(_)) => "outdated",
                (Version::NoSink, None) => "failed",
                (Version::NoHook, None) => "waiting",
            };
            let at = running.map(|call| format!("tracepoint syscalls:sys_enter_{call}")).unwrap_or_default();
            format!("{probe}: {state} {at}")
        })
    }
}

fn crossing(crossed: bool) -> String {
    let (one, two) = if crossed { ("right", "left") } else { ("left", "right") };
    let probe = |name: &str, interface: &str| {
        format!(
            "  - {{ name: {name}, hook: {{ xdp: {{ interface: {interface} }} }}, sinks: [\"jsonl:random.jsonl\"] }}\n"
        )
    };
    probe("one", one) + &probe("two", two)
}

/// `NAME: STATE MECHANISM` for each probe.
fn actual(daemon: &Daemon) -> Vec<String> {
    let status = daemon.status();
    let text = |probe: &serde_json::Value, key: &str| probe[key].as_str().unwrap().to_owned();
    let probes = status["probes"].as_array().unwrap().iter();
    let mut all: Vec<String> = probes
        .map(|probe| format!("{}: {} {}", text(probe, "name"), text(probe, "state"), text(probe, "mechanism")))
        .collect();
    all.sort();
    all
}

/// What an idle daemon has opened, by what /proc/PID/fd calls it; besides pipes, which its standard streams are as well.
const IDLE: [(&str, usize); 6] = [
    // The event loop and its copy; one for each instance of inotify.
    ("anon_inode:[eventpoll]", 4),
    // They wake the event loop, the thread of each instance of inotify, the reader.
    ("anon_inode:[eventfd]", 4),
    // One for names, one for contents. Two more come with the first binary that is hooked, and go with the last.
    ("anon_inode:inotify", 2),
    // The listener and its copy in the event loop; a pair and a copy for signals; a pair that wakes the
    // thread that watches; netlink.
    ("socket", 8),
    ("mountinfo", 1),
    ("control.sock.lock", 1),
];

/// How many descriptors of each kind it holds, by their names without numbers and directories.
fn descriptors(daemon: &Daemon) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{}/fd", daemon.run.pid())).unwrap().flatten() {
        // One may be closed in between.
        let Ok(link) = fs::read_link(entry.path()) else { continue };
        let link = link.to_string_lossy();
        let name = link.rsplit('/').next().unwrap_or_default();
        let name = name.split_once(":[").filter(|(kind, _)| *kind != "anon_inode").map_or(name, |(kind, _)| kind);
        *all.entry(name.to_owned()).or_default() += 1;
    }
    all
}

/// Descriptors, and KiB that are resident.
fn held(daemon: &Daemon) -> (usize, u64) {
    let pid = daemon.run.pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    (fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(), rss.unwrap())
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// At each quiet moment what runs is what the model says; in the end nothing has grown.
#[test]
fn random_edits() {
    need!(bpf());
    in_namespace(|| {
        let daemon = Daemon::start(&[], &["--debounce", "2ms"]);
        let edits = variable("EBPF_RUN_EDITS").unwrap_or(EDITS);
        let seed = variable("EBPF_RUN_SEED").unwrap_or(0x5EED);
        let mut random = Random(seed.max(1));
        let mut files = vec![File::default(); FILES as usize + 1];
        let (mut made, mut marks) = (0, Vec::new());
        // Some are opened by threads that are still at it when the first answer comes.
        let is_settled = || {
            let held = descriptors(&daemon);
            IDLE.iter().all(|(what, count)| held.get(*what) == Some(count))
        };
        wait_for("what an idle daemon has opened", is_settled);
        let idle = descriptors(&daemon);
        for (what, count) in IDLE {
            assert_eq!(idle.get(what), Some(&count), "{what}: {idle:?}");
        }
        while made < edits {
            // Each file once between two quiet moments: what it was in between would be luck.
            for number in 0..FILES {
                if random.below(2) == 0 {
                    continue;
                }
                match files[number as usize].edit(number, &mut random) {
                    Some(text) => daemon.write(&format!("f{number}.yaml"), &text),
                    None => drop(fs::remove_file(daemon.file(&format!("f{number}.yaml")))),
                }
                made += 1;
            }
            if random.below(4) == 0 {
                let file = &mut files[FILES as usize];
                file.crossed = !file.crossed;
                daemon.write("x.yaml", &crossing(file.crossed));
                made += 1;
            }
            let crossed = files[FILES as usize].crossed;
            let mut expected: Vec<String> = files.iter().flat_map(File::expected).collect();
            if daemon.file("x.yaml").exists() {
                let (one, two) = if crossed { ("right", "left") } else { ("left", "right") };
                expected.extend([
                    format!("one: running xdp on {one} (native)"),
                    format!("two: running xdp on {two} (native)"),
                ]);
            }
            expected.sort();
            wait_for(&format!("after {made} edits of seed {seed}: {expected:#?}"), || actual(&daemon) == expected);
            if made > edits / 3 * (marks.len() as u64 + 1) {
                marks.push(held(&daemon));
            }
        }
        // Everything goes; then nothing is held that was not held before anything ran.
        sh(&format!("rm -f {}/*.yaml", daemon.lab.text("probes.d")));
        wait_for("nothing runs", || actual(&daemon).is_empty());
        wait_for("no BPF object is held", || daemon.holds("bpf") == 0);
        wait_for(&format!("it holds {idle:?} again"), || descriptors(&daemon) == idle);
        let (descriptors, rss) = held(&daemon);
        println!("{made} edits, seed {seed}: (descriptors, KiB) {marks:?}, at the end {:?}", (descriptors, rss));
        assert!(rss <= marks[0].1 + 4096, "{rss} KiB at the end, {marks:?} on the way");
        daemon.stop();
    });
}
