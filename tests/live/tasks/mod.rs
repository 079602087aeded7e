// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of `tests/tasks` run as they are: what each is about is made to happen, and the event tells it. Only what a file names of
//! one machine (a binary, a process, a folder) is another one here, which the test brings.
//!
//! [`TASKS`] says where each of them runs; those that need kprobes, trampolines or BPF LSM, which not every kernel has, run in virtual
//! machines, with the oldest and the newest kernel at least.

mod counts;
mod disks;
mod files;
mod machine;
mod network;
mod processes;
mod programs;
mod rows;
mod scheduler;
mod sockets;
mod stacks;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::lab::{Lab, Run, bpf, need, sh, tool, wait_for};

/// Where a file of `tests/tasks` runs.
#[derive(Clone, Copy)]
enum Place {
    /// On this kernel.
    Here(fn()),
    /// In a scenario of `tests/vm`.
    Vm(&'static str),
}

/// Every file of `tests/tasks`, and where it runs.
const TASKS: [(&str, Place); 96] = [
    ("001", Place::Here(processes::new_processes)),
    ("002", Place::Here(processes::ends)),
    ("003", Place::Here(processes::failed_execs)),
    ("005", Place::Here(scheduler::forks)),
    ("006", Place::Here(processes::threads)),
    ("007", Place::Here(processes::signals)),
    ("009", Place::Here(processes::typed_in_bash)),
    ("010", Place::Here(processes::printed_by_descendants)),
    ("011", Place::Vm("tasks")),
    ("013", Place::Here(processes::sleeps)),
    ("014", Place::Here(machine::namespaces_and_roots)),
    ("015", Place::Here(processes::grandparents)),
    ("017", Place::Here(files::opens)),
    ("018", Place::Here(files::failed_opens)),
    ("019", Place::Here(files::writes_below_a_path)),
    ("021", Place::Here(files::stats)),
    ("022", Place::Here(files::removed_and_renamed)),
    ("023", Place::Vm("tasks-counted")),
    ("025", Place::Here(files::syncs)),
    ("026", Place::Here(disks::sizes_of_reads)),
    ("027", Place::Vm("tasks-counted")),
    ("029", Place::Vm("tasks-counted")),
    ("030", Place::Vm("tasks-counted")),
    ("033", Place::Vm("tasks")),
    ("035", Place::Here(disks::files_that_are_read)),
    ("037", Place::Here(disks::latency_of_a_disk)),
    ("038", Place::Here(disks::requests)),
    ("039", Place::Here(disks::sizes_by_process)),
    ("041", Place::Here(files::disk_errors)),
    ("042", Place::Here(disks::top_of_disks)),
    ("043", Place::Here(stacks::requests)),
    ("045", Place::Vm("tasks")),
    ("046", Place::Vm("tasks")),
    ("047", Place::Vm("tasks")),
    ("049", Place::Here(sockets::sessions)),
    ("050", Place::Here(sockets::states)),
    ("051", Place::Here(network::retransmissions)),
    ("053", Place::Here(network::resets)),
    ("054", Place::Here(sockets::drops_with_stacks)),
    ("055", Place::Here(network::drops)),
    ("057", Place::Vm("tasks-counted")),
    ("058", Place::Vm("tasks-counted")),
    ("059", Place::Vm("tasks")),
    ("061", Place::Vm("tasks")),
    ("062", Place::Here(sockets::datagrams_without_room)),
    ("065", Place::Here(sockets::connects)),
    ("066", Place::Here(sockets::first_bytes)),
    ("067", Place::Here(sockets::sockets_by_family)),
    ("069", Place::Vm("tasks-counted")),
    ("070", Place::Vm("tasks-counted")),
    ("073", Place::Here(sockets::sizes_by_device)),
    ("074", Place::Vm("tasks-accept")),
    ("077", Place::Here(network::packets_of_an_interface)),
    ("078", Place::Here(sockets::packets_by_port)),
    ("081", Place::Here(network::xdp_exceptions)),
    ("083", Place::Here(sockets::bytes_by_cgroup)),
    ("085", Place::Here(scheduler::run_queue)),
    ("086", Place::Here(scheduler::length_of_the_run_queue)),
    ("087", Place::Here(stacks::off_cpu)),
    ("089", Place::Here(scheduler::who_runs)),
    ("090", Place::Here(stacks::switches)),
    ("091", Place::Here(scheduler::interrupts)),
    ("093", Place::Here(stacks::wakers)),
    ("094", Place::Here(scheduler::migrations)),
    ("095", Place::Vm("tasks-counted")),
    ("097", Place::Here(stacks::page_faults)),
    ("098", Place::Here(scheduler::work)),
    ("099", Place::Here(scheduler::timers)),
    ("101", Place::Here(counts::latency_by_name)),
    ("102", Place::Here(counts::failures)),
    ("103", Place::Here(processes::calls_of_one)),
    ("105", Place::Here(scheduler::events_of_a_group)),
    ("106", Place::Here(machine::out_of_memory)),
    ("109", Place::Here(stacks::allocations)),
    ("110", Place::Here(counts::slabs)),
    ("111", Place::Vm("tasks-machine")),
    ("113", Place::Here(machine::users)),
    ("114", Place::Here(machine::to_root)),
    ("115", Place::Vm("tasks-counted")),
    ("117", Place::Here(machine::loaded_programs)),
    ("118", Place::Vm("tasks")),
    ("119", Place::Vm("tasks")),
    ("121", Place::Vm("tasks-every-lsm")),
    ("122", Place::Here(counts::calls_of_a_container)),
    ("123", Place::Here(machine::clock)),
    ("125", Place::Vm("tasks-lsm")),
    ("126", Place::Here(programs::slow_queries)),
    ("127", Place::Here(programs::imports)),
    ("129", Place::Vm("tasks")),
    ("130", Place::Vm("tasks-counted")),
    ("131", Place::Vm("tasks-counted")),
    ("133", Place::Vm("tasks-counted")),
    ("134", Place::Here(programs::open_files)),
    ("135", Place::Here(programs::sockets)),
    ("137", Place::Here(programs::bpf_programs)),
    ("138", Place::Vm("tasks-machine")),
];

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// No file is left out: the table has all of them, and each scenario that it names runs the file and expects events of its probes.
#[test]
fn every_task_runs_somewhere() {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let files: BTreeSet<String> =
        fs::read_dir(folder("tasks")).unwrap().map(|entry| stem(entry.unwrap().path())).collect();
    assert_eq!(files, TASKS.iter().map(|(task, _)| (*task).to_owned()).collect());
    for (task, place) in TASKS {
        let Place::Vm(scenario) = place else { continue };
        let folder = folder("vm/scenarios").join(scenario);
        let link = fs::read_link(folder.join(format!("{task}.yaml"))).unwrap();
        assert_eq!(link, Path::new("../../../tasks").join(format!("{task}.yaml")));
        let arguments = fs::read_to_string(folder.join("arguments")).unwrap();
        assert!(arguments.contains(&format!("/vm/scenarios/{scenario}/{task}.yaml")), "{task}: {arguments}");
        let expect = format!("\n{}", fs::read_to_string(folder.join("expect")).unwrap());
        for line in text(task).lines() {
            let Some(probe) = line.trim_start().strip_prefix("- name: ") else { continue };
            let probe = probe.split(" #").next().unwrap().trim_end();
            assert!(expect.contains(&format!("\n{{\"probe\":\"{probe}\"")), "{task}: nothing is expected of {probe}");
        }
    }
}

/// Each of those that this kernel can run, two at a time; `EBPF_RUN_TASK=026` runs one of them.
#[test]
fn every_task_of_this_kernel() {
    need!(bpf(), tool("cc"), tool("bash"));
    let (queue, failed) = (Mutex::new(TASKS.iter()), Mutex::new(Vec::new()));
    let only = std::env::var("EBPF_RUN_TASK").ok();
    let next = || queue.lock().unwrap().next();
    let worker = || {
        while let Some((task, place)) = next() {
            let Place::Here(run) = *place else { continue };
            if only.as_deref().is_some_and(|only| !only.split(' ').any(|one| one == *task)) {
                continue;
            }
            let named = thread::Builder::new().name(format!("task {task}"));
            // The programs that a task starts end with its thread; what went wrong stands under its name.
            if thread::scope(|scope| named.spawn_scoped(scope, run).unwrap().join()).is_err() {
                failed.lock().unwrap().push(*task);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(worker);
        worker();
    });
    assert_eq!(*failed.lock().unwrap(), [""; 0]);
}

/// Ok where the record of a tracepoint has a field, which older kernels leave out.
fn has_field(event: &str, field: &str) -> Result<(), String> {
    let format = fs::read_to_string(format!("/sys/kernel/tracing/events/{event}/format")).map_err(|e| e.to_string())?;
    let found = format.lines().any(|line| line.contains(&format!(" {field};")));
    if found { Ok(()) } else { Err(format!("the tracepoint {event} of this kernel has no `{field}`")) }
}

/// The text of a task.
fn text(task: &str) -> String {
    fs::read_to_string(folder("tasks").join(format!("{task}.yaml"))).unwrap()
}

/// A task while it runs.
struct Task {
    lab: Lab,
    run: Run,
}

impl Task {
    /// Starts a file as it is.
    fn start(task: &str) -> Self {
        Self::start_in(Lab::new(), task, &[])
    }

    /// Starts a file in which these words, which must be there, are others. The machine's own check has nothing against it.
    fn start_in(lab: Lab, task: &str, instead: &[(&str, &str)]) -> Self {
        let mut yaml = text(task);
        for (word, other) in instead {
            assert!(yaml.contains(word), "{task} does not have {word}");
            yaml = yaml.replace(word, other);
        }
        fs::write(lab.path("probes.yaml"), yaml).unwrap();
        lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(0);
        let mut run = Run::start(lab.command(&["probes.yaml"]));
        run.wait_until_ready();
        Self { lab, run }
    }

    /// Ends it: for each of `expected` there is an event that has these fields with these values, and for none of `never`.
    #[track_caller]
    fn told(self, expected: &[Value], never: &[Value]) -> Vec<Value> {
        let events = self.run.interrupt().code(0).events();
        for wanted in expected {
            let near = || events.iter().max_by_key(|event| same_fields(event, wanted));
            assert!(events.iter().any(|event| has(event, wanted)), "no {wanted}; the nearest is {:?}", near());
        }
        for unwanted in never {
            let found = events.iter().find(|event| has(event, unwanted));
            assert!(found.is_none(), "found what must not be: {found:?}");
        }
        events
    }
}

/// Whether an event has these fields with these values, or composite values with these parts.
fn has(event: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => {
            fields.iter().all(|(name, value)| event.get(name).is_some_and(|found| has(found, value)))
        }
        plain => event == plain,
    }
}

fn same_fields(event: &Value, wanted: &Value) -> usize {
    let fields = wanted.as_object().unwrap();
    fields.iter().filter(|(name, value)| event.get(*name).is_some_and(|found| has(found, value))).count()
}

/// A process that makes the system calls that it is told to (`tests/support/calls.c`).
struct Calls {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Calls {
    /// Compiles it.
    fn build(lab: &Lab, name: &str) -> String {
        let binary = lab.text(name);
        sh(&format!("cc -O1 -o {binary} {} -lpthread", folder("support/calls.c").display()));
        binary
    }

    /// Starts it.
    fn start(lab: &Lab) -> Self {
        Self::start_as(lab, "calls")
    }

    /// The same under a name of its own, which tells it from those of tests that run meanwhile.
    fn start_as(lab: &Lab, name: &str) -> Self {
        let mut command = Command::new(Self::build(lab, name));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it waits for a call.
    fn asleep(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        wait_for("it to wait", || fs::read_to_string(&stat).unwrap().contains(") S "));
    }

    /// Has it make a call; gives the result, `-errno` in case.
    fn call(&mut self, number: i64, arguments: &str) -> i64 {
        self.line(&format!("{number} {arguments}"))
    }

    fn line(&mut self, line: &str) -> i64 {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut said = String::new();
        self.said.read_line(&mut said).unwrap();
        said.trim().parse().unwrap_or_else(|error| panic!("{error}: {line}: {said}"))
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
