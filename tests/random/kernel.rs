// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions that the kernel decides, at a function of a program (`tests/support/called.c`) whose arguments are random. Several
//! conditions share a probe: the last argument says which one is asked.
//!
//! ```text
//! where: arg5 & 3 == 0 && (arg0 < 7) || arg5 & 3 == 1 && ((arg4 as string(32)).under("/etc")) || …
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::naive::{self, Value};
use super::tree::{Cond, Grammar, Kind, Name, Random, text};
use super::{count, seed};

/// Most conditions of one probe, and those of one start of the runner: what a program of the kernel has room for takes as long to verify
/// as one condition does.
const OF_PROBE: usize = 16;
const OF_RUN: usize = 300;
/// Calls with other arguments.
const EVENTS: usize = 12;

fn grammar() -> Grammar {
    let number = |text, bytes, signed, value| Name { text, kind: Kind::Number(bytes, signed), value };
    let name = |text, kind, value| Name { text, kind, value };
    let names = vec![
        number("(arg0 as u8)", 1, false, 0),
        number("(arg0 as i8)", 1, true, 0),
        number("(arg0 as u16)", 2, false, 0),
        number("(arg1 as i16)", 2, true, 1),
        number("(arg1 as u32)", 4, false, 1),
        number("(arg1 as i32)", 4, true, 1),
        number("(arg2 as u64)", 8, false, 2),
        number("(arg2 as i64)", 8, true, 2),
        number("arg3", 8, false, 3),
        name("(arg3 as bool)", Kind::Flag, 3),
        name("(arg3 as uid)", Kind::Uid, 3),
        name("(arg4 as string(32))", Kind::Text(32), 4),
        name("(arg4 as user_string(60))", Kind::Text(60), 4),
    ];
    Grammar { names, calculates: false }
}

/// Conditions, calls, and which of them let which pass.
struct Plan {
    /// At most `OF_PROBE` of a probe.
    probes: Vec<Vec<Cond>>,
    events: Vec<Vec<Value>>,
}

impl Plan {
    fn new(random: &mut Random, conditions: usize) -> Self {
        let grammar = grammar();
        let (mut probes, mut open) = (Vec::new(), Vec::new());
        let mut left = conditions;
        while left > 0 {
            let cond = fitting(&grammar, random);
            open.push(cond);
            if open.len() > 1 && !super::accepted::is_accepted(&asked(&open), 64) {
                let last = open.pop().into_iter().collect();
                probes.push(std::mem::replace(&mut open, last));
            }
            if open.len() == OF_PROBE {
                probes.push(std::mem::take(&mut open));
            }
            left -= 1;
        }
        probes.push(open);
        probes.retain(|probe| !probe.is_empty());
        let events = (0..EVENTS).map(|_| event(random)).collect();
        Self { probes, events }
    }

    fn yaml(&self, binary: &str) -> String {
        let mut yaml = "version: 1\nprobes:\n".to_owned();
        for (number, conditions) in self.probes.iter().enumerate() {
            writeln!(yaml, "  - name: g{number}\n    hook: {{ uprobe: \"{binary}:work\" }}\n    capture: {{ which: arg5 as u32 }}\n    where: |").unwrap();
            writeln!(yaml, "      {}", asked(conditions).replace("|| arg5", "\n      || arg5")).unwrap();
        }
        yaml
    }

    /// What the program is told.
    fn calls(&self) -> String {
        let mut calls = String::new();
        for (number, event) in self.events.iter().enumerate() {
            for which in 0..OF_PROBE {
                let argument = |value: &Value| match value {
                    Value::Number(number) => (*number as u64).to_string(),
                    Value::Text(text) => text.clone(),
                    Value::Null | Value::Address(_) => "-".to_owned(),
                };
                let arguments: Vec<String> = event.iter().map(argument).collect();
                writeln!(calls, "w {} {}", arguments.join(" "), number * OF_PROBE + which).unwrap();
            }
        }
        calls
    }

    /// The events that come out: probe, and what its last argument was.
    fn expected(&self) -> BTreeSet<(usize, usize)> {
        let mut expected = BTreeSet::new();
        for (probe, conditions) in self.probes.iter().enumerate() {
            for (number, event) in self.events.iter().enumerate() {
                for (which, cond) in conditions.iter().enumerate() {
                    if naive::truth(cond, event) == Some(true) {
                        expected.insert((probe, number * OF_PROBE + which));
                    }
                }
            }
        }
        expected
    }
}

/// What the probe of some conditions asks.
fn asked(conditions: &[Cond]) -> String {
    let asked = |(which, cond): (usize, &Cond)| format!("arg5 & {} == {which} && ({})", OF_PROBE - 1, cond.text());
    conditions.iter().enumerate().map(asked).collect::<Vec<_>>().join(" || ")
}

/// A condition that is not refused, and small enough to share a graph.
fn fitting(grammar: &Grammar, random: &mut Random) -> Cond {
    loop {
        let cond = grammar.cond(random, 2);
        if cond.text().len() < 300 && super::accepted::is_accepted(&cond.text(), 12) {
            return cond;
        }
    }
}

fn event(random: &mut Random) -> Vec<Value> {
    let mut event: Vec<Value> = (0..4).map(|_| Value::Number(random.number().rem_euclid(1 << 64))).collect();
    event.push(match random.below(8) {
        0 => Value::Null,
        _text => Value::Text(text(random, 12).chars().take(30 + random.below(40)).collect()),
    });
    event
}

/// The pairs that the runner wrote.
fn pairs(lines: &str) -> BTreeSet<(usize, usize)> {
    let after = |line: &str, key: &str| -> Option<usize> {
        let (_, rest) = line.split_once(key)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    lines.lines().filter_map(|line| Some((after(line, "\"probe\":\"g")?, after(line, "\"which\":")?))).collect()
}

/// The runner; `RANDOM_RUNNER` is another, for runs that take longer than the next build.
fn runner() -> String {
    std::env::var("RANDOM_RUNNER").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ebpf-run").to_owned())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// 300 conditions (`RANDOM_COUNT`) in this machine's kernel.
#[test]
fn this_kernel() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: this_kernel: it needs root");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
        return;
    }
    let mut random = Random(seed("this_kernel"));
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("called");
    let source = folder("tests/support/called.c");
    let compiled = Command::new("cc").args(["-O1", "-o"]).arg(&binary).arg(source).status().unwrap();
    assert!(compiled.success());
    let (mut asked, wanted, mut in_kernel) = (0, count(OF_RUN), 0);
    while asked < wanted {
        let plan = Plan::new(&mut random, OF_RUN.min(wanted - asked));
        let yaml = dir.path().join("random.yaml");
        fs::write(&yaml, plan.yaml(&binary.display().to_string())).unwrap();
        let decided = decided_in_kernel(&yaml);
        assert_eq!(decided, plan.probes.len(), "the plan leaves all of them to the kernel");
        in_kernel += plan.probes.iter().map(Vec::len).sum::<usize>();
        let ours = run(&yaml, &binary, &plan.calls());
        let theirs = plan.expected();
        if let Some((probe, call)) = ours.symmetric_difference(&theirs).next() {
            let cond = plan.probes[*probe][call % OF_PROBE].text();
            let passes = ours.contains(&(*probe, *call));
            panic!("{cond}\npasses: {passes}\n{:?}", plan.events[call / OF_PROBE]);
        }
        asked += plan.probes.iter().map(Vec::len).sum::<usize>();
        println!("{asked} conditions, {in_kernel} in the kernel; {} events pass", theirs.len());
    }
}

/// How many probes the plan leaves to the kernel.
fn decided_in_kernel(yaml: &Path) -> usize {
    let output = Command::new(runner()).arg("plan").arg(yaml).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.matches("in the kernel: ").count()
}

/// Runs the probes while the program makes its calls.
fn run(yaml: &Path, binary: &Path, calls: &str) -> BTreeSet<(usize, usize)> {
    let mut runner = Command::new(runner()).arg(yaml).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(runner.stderr.take().unwrap());
    while !said.starts_with("ready") {
        said.clear();
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended before it was ready");
    }
    let stdout = runner.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap());
    let drain = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap());
    let mut program = Command::new(binary).arg("x").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(calls.as_bytes()).unwrap();
    assert!(program.wait().unwrap().success());
    let pid = rustix::process::Pid::from_child(&runner);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = runner.wait().unwrap();
    let said = drain.join().unwrap();
    assert!(status.success(), "{said}");
    pairs(&reader.join().unwrap())
}

/// The scenario for the kernels of `tests/vm` is made from a seed of its own; `UPDATE=1 cargo test --test random` rewrites it.
#[test]
fn scenario() {
    let seed = std::env::var("RANDOM_SCENARIO").map_or(20_261_127, |seed| seed.parse().unwrap());
    let plan = Plan::new(&mut Random(seed), OF_RUN);
    let expected: String = plan.expected().iter().map(|(probe, which)| format!("g{probe} {which}\n")).collect();
    let files = [
        ("probe.yaml", format!("# Made by tests/random: {OF_RUN} random conditions.\n{}", plan.yaml("/vm/called"))),
        ("trigger", format!("/vm/called x >/run/called <<'END'\n{}END\n", plan.calls())),
        ("expect", "# Which pass is compared in `cleanup`.\n{\"which\":{\"$ge\":0}}\n".to_owned()),
        (
            "cleanup",
            format!(
                "sed -n 's/.*\"probe\":\"\\(g[0-9]*\\)\".*\"which\":\\([0-9]*\\).*/\\1 \\2/p' \"$STDOUT\" | sort >/run/ours\n\
                 sort >/run/theirs <<'END'\n{expected}END\n\
                 diff /run/theirs /run/ours >/run/diff || {{ head -5 /run/diff; exit 1; }}\n"
            ),
        ),
    ];
    let folder = folder("tests/vm/scenarios/where-random");
    for (name, text) in files {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{} differs; UPDATE=1 rewrites it", path.display());
    }
}
