// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scenarios in virtual machines: every kernel boots a few times and runs them all. `make test-vm` calls this; a plain
//! `cargo test` names it as skipped. `tests/vm/README.md` says how to add a scenario.
//!
//! ```text
//! ok 6.1 kprobe-open (1.2 s)
//! FAIL 6.1 tcp-sendmsg (1.4 s)
//! skip sid (9 scenarios): qemu-system-x86_64 is not installed (apt-get install qemu-system-x86)
//! 8 passed, 1 failed, 9 skipped
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, clippy::unwrap_used)]

mod expect;
mod machine;
mod results;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::{env, thread};

use expect::Expectations;
use machine::{Boot, NoResults};
use results::Outcome;

/// Oldest first; `tests/vm/fetch` knows where each comes from.
const KERNELS: [&str; 4] = ["5.10", "6.1", "6.12", "sid"];

const USAGE: &str = "usage: cargo test --test vm -- [--kernel 5.10|6.1|6.12|sid]… [--scenario NAME]…";

/// What the whole run comes to.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

struct Selection {
    kernels: Vec<String>,
    scenarios: Vec<String>,
    /// The scenarios are those that the command line names: their `kernels` do not count.
    named: bool,
}

impl Selection {
    fn of(&self, kernel: &str) -> impl Iterator<Item = &String> {
        self.scenarios.iter().filter(move |scenario| self.named || runs_on(scenario, kernel))
    }
}

/// Whether a scenario runs on a kernel unless it is asked for by name.
fn runs_on(scenario: &str, kernel: &str) -> bool {
    let kernels = fs::read_to_string(scenarios_folder().join(scenario).join("kernels"));
    kernels.map_or(true, |kernels| kernels.split_whitespace().any(|known| known == kernel))
}

fn main() -> ExitCode {
    if env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if env::var_os("EBPF_RUN_VM").is_none() {
        println!("skipped: the VM tests, which `make test-vm` runs");
        return ExitCode::SUCCESS;
    }
    let Some(binary) = env::var_os("EBPF_RUN_STATIC").map(PathBuf::from).filter(|path| path.is_file()) else {
        eprintln!("EBPF_RUN_STATIC does not name the static ebpf-run; `make test-vm` builds it");
        return ExitCode::FAILURE;
    };
    let selection = match select(env::args().skip(1)) {
        Ok(selection) => selection,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };

    let tally = Mutex::new(Tally::default());
    let jobs = jobs(&selection, &tally);
    let queue = Mutex::new(jobs.iter());
    // One VM keeps one core busy, but for the time that its scenarios wait.
    let workers = thread::available_parallelism().map_or(1, |cores| usize::from(cores) + 1).min(jobs.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = next(&queue) {
                    test_boot(job, &binary, &tally);
                }
            });
        }
    });

    let Tally { passed, failed, skipped } = tally.into_inner().unwrap();
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    let skip_fails = env::var("CI").is_ok_and(|ci| ci == "true");
    if failed > 0 || (skip_fails && skipped > 0) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Scenarios that one boot runs.
struct Job {
    kernel: String,
    options: String,
    number: usize,
    scenarios: Vec<String>,
}

/// More than these are two boots: what takes longest ends last, and a VM has only so long.
const MOST_IN_ONE: usize = 32;

/// A boot for the scenarios that want the same of a kernel, the longest first.
fn jobs(selection: &Selection, tally: &Mutex<Tally>) -> Vec<Job> {
    let mut jobs = Vec::new();
    // The newest kernel verifies slowest.
    for kernel in selection.kernels.iter().rev() {
        let mut boots: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for scenario in selection.of(kernel) {
            if let Some(why) = machine::lacks(&scenarios_folder().join(scenario)) {
                tally.lock().unwrap().skipped += 1;
                println!("skip {kernel} {scenario}: {why}");
                continue;
            }
            let options = fs::read_to_string(scenarios_folder().join(scenario).join("boot")).unwrap_or_default();
            boots.entry(options.trim().to_owned()).or_default().push(scenario.clone());
        }
        let parts = boots.iter().flat_map(|(options, all)| {
            let each = all.len().div_ceil(all.len().div_ceil(MOST_IN_ONE));
            all.chunks(each).map(move |part| (options.clone(), part.to_vec()))
        });
        let of_kernel = |(number, (options, scenarios))| Job { kernel: kernel.clone(), options, number, scenarios };
        jobs.extend(parts.enumerate().map(of_kernel));
    }
    jobs.sort_by_key(|job| Reverse(job.scenarios.len()));
    jobs
}

/// The next boot; the queue is free again when this returns.
fn next<'a>(queue: &Mutex<impl Iterator<Item = &'a Job>>) -> Option<&'a Job> {
    queue.lock().unwrap().next()
}

fn scenarios_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm/scenarios")
}

/// What the command line asks for; all kernels and all scenarios when it names none.
fn select(mut arguments: impl Iterator<Item = String>) -> Result<Selection, String> {
    let mut all: Vec<String> = fs::read_dir(scenarios_folder())
        .map_err(|error| format!("failed to read the scenarios: {error}"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    all.sort();
    let (mut kernels, mut scenarios) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--kernel" if KERNELS.contains(&value.as_str()) => kernels.push(value),
            "--kernel" => return Err(format!("unknown kernel {value} (known: {})", KERNELS.join(", "))),
            "--scenario" if all.contains(&value) => scenarios.push(value),
            "--scenario" => return Err(format!("unknown scenario {value} (known: {})", all.join(", "))),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if kernels.is_empty() {
        kernels = KERNELS.map(str::to_owned).to_vec();
    }
    let named = !scenarios.is_empty();
    if !named {
        scenarios = all;
    }
    Ok(Selection { kernels, scenarios, named })
}

/// Boots one kernel once, judges its scenarios, and prints a line for each.
fn test_boot(job: &Job, binary: &Path, tally: &Mutex<Tally>) {
    let Job { kernel, options, number, scenarios } = job;
    let run = machine::run(&Boot { kernel, options, number: *number }, scenarios, binary);
    // Held until the end: lines of two kernels do not mix.
    let mut tally = tally.lock().unwrap();
    let run = match run {
        Ok(run) => run,
        Err(NoResults::Skipped(why)) => {
            tally.skipped += scenarios.len();
            println!("skip {kernel} ({} scenarios): {why}", scenarios.len());
            return;
        }
        Err(NoResults::Failed(why)) => {
            tally.failed += scenarios.len();
            println!("FAIL {kernel} ({} scenarios)\n{}", scenarios.len(), indent(&why));
            return;
        }
    };

    let mut failed = 0;
    for scenario in scenarios {
        let (faults, seconds) = match run.results.scenarios.get(scenario) {
            Some(outcome) => (judge(scenario, outcome), format!(" ({} s)", outcome.values["seconds"])),
            None if run.results.open.as_ref() == Some(scenario) => {
                (vec!["the VM died in this one, see below".to_owned()], String::new())
            }
            None => (vec!["not run: the VM died before".to_owned()], String::new()),
        };
        if faults.is_empty() {
            tally.passed += 1;
            println!("ok {kernel} {scenario}{seconds}");
        } else {
            failed += 1;
            println!("FAIL {kernel} {scenario}{seconds}\n{}", indent(&faults.join("\n")));
        }
    }
    tally.failed += failed;
    if !machine::has_bpftool() {
        tally.skipped += 1;
        println!("skip {kernel} programs and links left behind: bpftool is not installed (apt-get install bpftool)");
    }
    if let Some(death) = &run.death {
        println!("{kernel}: {death}");
        // All scenarios may be in when a VM dies on its way to power-off.
        tally.failed += usize::from(failed == 0);
    }
    if failed > 0 || run.death.is_some() {
        println!("{kernel}: console and results are in {}", run.folder().display());
    } else {
        run.forget();
    }
}

/// How the events differ from those of `expect`.
fn unexpected(scenario: &str, stdout: &[u8]) -> Vec<String> {
    let text = fs::read_to_string(scenarios_folder().join(scenario).join("expect"));
    match text.map_err(|error| format!("expect: {error}")).and_then(|text| Expectations::parse(&text)) {
        Ok(expectations) => expectations.faults(stdout),
        Err(error) => vec![error],
    }
}

/// The lines of `refusal` that are not among those of stderr.
fn unsaid(refusal: &str, stderr: &[u8]) -> Vec<String> {
    let stderr = String::from_utf8_lossy(stderr);
    let said = |line: &&str| stderr.lines().any(|said| said.trim() == line.trim());
    refusal.lines().filter(|line| !said(line)).map(|line| format!("refusal: stderr does not say {line:?}")).collect()
}

/// What is wrong with a scenario, with the output of everything that ran in it; empty when all is well.
fn judge(scenario: &str, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    if outcome.values.get("complete").map(String::as_str) != Some("true") {
        faults.push("the serial port lost a part of the results".to_owned());
    }
    let refusal = fs::read_to_string(scenarios_folder().join(scenario).join("refusal")).ok();
    let wanted = if refusal.is_some() { "1" } else { "0" };
    match outcome.values.get("exit").map(String::as_str) {
        Some(status) if status == wanted => {}
        status => faults.push(format!("ebpf-run: exit status {}, not {wanted}", status.unwrap_or("unknown"))),
    }
    for (name, what) in [("notes", "in the VM"), ("leftovers", "still attached 10 s after the end")] {
        let text = outcome.file(name);
        if !text.is_empty() {
            faults.push(format!("{what}:\n{}", indent(&String::from_utf8_lossy(text))));
        }
    }
    match &refusal {
        Some(refusal) => faults.extend(unsaid(refusal, outcome.file("stderr"))),
        None => faults.extend(unexpected(scenario, outcome.file("stdout"))),
    }
    if !faults.is_empty() {
        for name in ["stderr", "setup", "trigger", "cleanup"] {
            let text = outcome.file(name);
            if !text.is_empty() {
                faults.push(format!("{name}:\n{}", indent(&String::from_utf8_lossy(text))));
            }
        }
    }
    faults
}

fn indent(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
