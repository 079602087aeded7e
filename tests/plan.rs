// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon decides, without a kernel: `tests/plan/CASE/1`, `2` … are the files as they are found one after the other,
//! `tests/plan/CASE/expected.txt` is what is done about them. `UPDATE=1 cargo test --test plan` rewrites it.
//!
//! | file in a step | what it is |
//! |---|---|
//! | `*.yaml` | all files that are there then |
//! | `after` | the time since the step before: `1500ms`; without YAML beside it, the files stay as they are |
//! | `refused` | the units that the machine refuses in this step, one a line |

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ebpf_run::catalog::{Catalog, builtin};
use ebpf_run::config::{CheckedProbe, Config, Environment, SourceFile, check};
use ebpf_run::plan::{Action, Content, Current, Desired, Failure, FileNow, Unit, UnitId, accept, backoff, plan};
use ebpf_run::spec::{Destination, ProbeSpec, Targets};

/// What a daemon would remember.
struct Machine {
    catalog: Catalog,
    files: Vec<FileNow>,
    kept: BTreeMap<PathBuf, Arc<str>>,
    current: Current,
    failures: BTreeMap<UnitId, u32>,
    now: Duration,
}

impl Machine {
    fn new() -> Self {
        Self {
            catalog: builtin().unwrap(),
            files: Vec::new(),
            kept: BTreeMap::new(),
            current: Current::new(),
            failures: BTreeMap::new(),
            now: Duration::ZERO,
        }
    }

    /// One step of a case, as `expected.txt` shows it.
    fn step(&mut self, folder: &Path) -> String {
        self.now += millis(&read(&folder.join("after")));
        let refused = read(&folder.join("refused"));
        let refused: BTreeSet<&str> = refused.lines().collect();
        let files = yaml_files(folder);
        if !files.is_empty() {
            self.files = files;
        }
        let mut text = format!("step {}, {} ms\n", folder.file_name().unwrap().display(), self.now.as_millis());
        let desired = self.look(&mut text);
        let todo = plan(&desired, &self.current, self.now);
        if todo.actions.is_empty() {
            text += "  nothing to do\n";
        }
        for action in &todo.actions {
            self.act(action, &desired, &refused, &mut text);
        }
        // What comes of it must be what was wanted, as far as nothing was refused.
        let next = plan(&desired, &self.current, self.now);
        assert_eq!(next.actions, [], "not done with it: {text}");
        if let Some(at) = next.next_retry {
            writeln!(text, "  again at {} ms", at.as_millis()).unwrap();
        }
        for (id, unit) in &self.current {
            let words = unit.running.as_ref().map_or_else(|| "-".to_owned(), words);
            writeln!(text, "  {id}: {words}").unwrap();
        }
        text
    }

    /// What the files say is wanted.
    fn look(&mut self, text: &mut String) -> Desired {
        let variables = |_: &str| None;
        let accepted =
            accept(&self.files, &self.kept, |files| check(files, &self.catalog, &Environment::new(&variables)));
        for (path, problems) in &accepted.refused {
            let (kept, path) = (accepted.texts.contains_key(path), path.display());
            let problem = problems.iter().find(|problem| problem.is_error()).unwrap();
            let rest = if kept { ", what it said before counts" } else { "" };
            writeln!(text, "  {path} refused{rest}: {}: {}", problem.code, problem.message).unwrap();
        }
        self.kept = accepted.texts;
        wanted(&accepted.config)
    }

    fn act(&mut self, action: &Action, desired: &Desired, refused: &BTreeSet<&str>, text: &mut String) {
        let (verb, id) = match action {
            Action::Rename(from, to) => {
                let unit = self.current.remove(from).unwrap();
                self.current.insert(to.clone(), unit);
                writeln!(text, "  rename {from} to {to}").unwrap();
                return;
            }
            Action::Stop(id) => ("stop", id),
            Action::Forget(id) => ("forget the failure of", id),
            Action::Replace(id) => ("replace", id),
            Action::Reroute(id) => ("reroute", id),
            Action::Start(id) => ("start", id),
        };
        write!(text, "  {verb} {id}").unwrap();
        match action {
            Action::Stop(_) | Action::Rename(..) => drop(self.current.remove(id)),
            Action::Forget(_) => self.current.get_mut(id).unwrap().failure = None,
            Action::Replace(_) | Action::Reroute(_) | Action::Start(_) => {
                let content = desired[id].clone();
                let unit = self.current.entry(id.clone()).or_default();
                if refused.contains(id.to_string().as_str()) {
                    let again = unit.failure.as_ref().is_some_and(|failure| failure.content == content);
                    let times = self.failures.entry(id.clone()).or_default();
                    *times = if again { *times + 1 } else { 1 };
                    unit.failure = Some(Failure { content, retry_at: self.now + backoff(*times) });
                    *text += ": refused";
                } else {
                    *unit = Unit { running: Some(content), failure: None };
                }
            }
        }
        text.push('\n');
    }
}

/// The units of all probes; a target that is named is there.
fn wanted(config: &Config) -> Desired {
    let units = |probe: &CheckedProbe| -> Vec<(UnitId, Content)> {
        let spec = &probe.spec;
        let content = |spec: &ProbeSpec| Content::new(spec, &probe.program, &config.sinks);
        let at = |name: &String| content(&spec.at(name));
        let id = |target| UnitId { probe: spec.id.clone(), target };
        match &spec.targets {
            Targets::Each(names) => names.iter().map(|name| (id(Some(name.clone())), at(name))).collect(),
            Targets::One | Targets::FirstOf(_) => vec![(id(None), content(spec))],
        }
    };
    config.probes.iter().flat_map(units).collect()
}

/// `tracepoint syscalls:sys_enter_openat, captures path → stdout`
fn words(content: &Content) -> String {
    let captures: Vec<&str> = content.spec.capture.iter().map(|capture| capture.name.as_str()).collect();
    let captures = if captures.is_empty() { String::new() } else { format!(", captures {}", captures.join(", ")) };
    let labels: String = content.spec.labels.iter().map(|(name, value)| format!(", {name}={value}")).collect();
    let hook = content.spec.hook.as_ref().map_or_else(|| "the program's own hooks".to_owned(), ToString::to_string);
    let target = format!("{hook}{captures}{labels}");
    let sink = |destination: &Destination| match destination {
        Destination::Stdout => "stdout".to_owned(),
        Destination::Stderr => "stderr".to_owned(),
        Destination::File(path) => path.display().to_string(),
        Destination::Metrics => "metrics".to_owned(),
    };
    let sinks: Vec<String> = content.sinks.iter().map(|spec| sink(&spec.destination)).collect();
    format!("{target} → {}", sinks.join(", "))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn millis(text: &str) -> Duration {
    let number = text.trim().trim_end_matches("ms");
    if number.is_empty() { Duration::ZERO } else { Duration::from_millis(number.parse().unwrap()) }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn yaml_files(folder: &Path) -> Vec<FileNow> {
    let yaml = sorted(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| FileNow { path: path.file_name().unwrap().into(), text: Ok(read(&path).into()), withheld: None })
        .collect()
}

/// Each case does what stands beside it.
#[test]
fn cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut differ = Vec::new();
    let cases = sorted(&root);
    assert!(cases.len() >= 10, "{cases:?}");
    for case in cases {
        let mut machine = Machine::new();
        let steps: Vec<PathBuf> = sorted(&case).into_iter().filter(|path| path.is_dir()).collect();
        assert!(steps.len() < 10, "one digit each: they are sorted by name");
        let done: Vec<String> = steps.iter().map(|step| machine.step(step)).collect();
        let (done, expected) = (done.join("\n"), case.join("expected.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &done).unwrap();
        } else if read(&expected) != done {
            differ.push(format!("{}:\n{done}\ninstead of\n{}", case.display(), read(&expected)));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

/// What was refused because another one has its interface is tried as soon as that one leaves, not when its time has come.
#[test]
fn a_free_interface_is_taken_at_once() {
    let catalog = builtin().unwrap();
    let units = |probe: &str| {
        let text = format!("version: 1\nprobes:\n  - {{ {probe} }}\n");
        let file = SourceFile::new("a.yaml", text);
        let config = check(&[file], &catalog, &Environment::default()).config.unwrap();
        wanted(&config).into_iter().next().unwrap()
    };
    let (holder, held) = units("name: holder, hook: { xdp: { interface: eth0 } }");
    let (_, moved) = units("name: holder, hook: { xdp: { interface: eth1 } }");
    let (glob, refused) = units("name: glob, hook: { xdp: { interface: [eth0] } }");
    let later = Duration::from_secs(60);
    let failure = |content: &Content| Some(Failure { content: content.clone(), retry_at: later });
    let plan_with = |wanted: Option<&Content>, failed: Option<Failure>| {
        let mut desired = Desired::from([(glob.clone(), refused.clone())]);
        desired.extend(wanted.map(|content| (holder.clone(), content.clone())));
        let current = Current::from([
            (glob.clone(), Unit { running: None, failure: failure(&refused) }),
            (holder.clone(), Unit { running: Some(held.clone()), failure: failed }),
        ]);
        plan(&desired, &current, Duration::ZERO)
    };
    let (stop, start) = (Action::Stop(holder.clone()), Action::Start(glob.clone()));
    assert_eq!(plan_with(None, None).actions, [stop, start.clone()]);
    assert_eq!(plan_with(Some(&moved), None).actions, [Action::Replace(holder.clone()), start]);
    // It stays: nothing has changed for the other one, whose time is still to come.
    for stays in [plan_with(Some(&held), None), plan_with(Some(&moved), failure(&moved))] {
        assert_eq!((stays.actions, stays.next_retry), (Vec::new(), Some(later)));
    }
}
