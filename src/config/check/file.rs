// SPDX-License-Identifier: MIT OR Apache-2.0
//! One file: through both gates, probe by probe, so that a mistake in one does not hide those of the others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::run::Run;
use super::{defaults, partial, probe, sinks, vars};
use crate::catalog::Catalog;
use crate::config::environment::Environment;
use crate::config::origin::{add_origins, with_origin};
use crate::config::problem::Problem;
use crate::config::set::FileSets;
use crate::config::source::{Location, SourceFile};
use crate::config::yaml::{Entry, Node, Segment, Value};
use crate::config::{codes, gate, guess, yaml};

/// Problems of one file that are shown; after that a file is not what it was meant to be.
const MAX_PROBLEMS: usize = 100;

/// Checks one file and hands what is good to the run.
pub(super) fn check(source: &Arc<SourceFile>, catalog: &Catalog, environment: &Environment<'_>, run: &mut Run) {
    let mut problems = Vec::new();
    one_file(source, catalog, environment, run, &mut problems);
    forget_repeated(&mut problems, 0);
    problems.iter_mut().for_each(add_notes);
    problems.sort_by_key(|problem| problem.primary.span.start);
    if problems.len() > MAX_PROBLEMS {
        let any_error = problems.iter().any(Problem::is_error);
        problems.truncate(MAX_PROBLEMS);
        if let Some(last) = problems.last_mut() {
            last.notes.push(format!("only the first {MAX_PROBLEMS} problems of this file are shown"));
            if any_error {
                last.severity = crate::config::Severity::Error;
            }
        }
    }
    run.add_problems(problems);
}

/// Adds notes on how the text looks that is to blame.
fn add_notes(problem: &mut Problem) {
    let span = problem.primary.span;
    let text = problem.primary.source.text.get(span.start..span.end).unwrap_or_default();
    if problem.code != codes::SYNTAX && !text.contains('\n') {
        problem.notes.extend(guess::notes(text));
    }
}

fn one_file(
    source: &Arc<SourceFile>,
    catalog: &Catalog,
    environment: &Environment<'_>,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    let mut declared = vars::read(source, environment);
    problems.append(&mut declared.problems);
    run.note_environment(source, &mut declared.through);
    let file_vars = declared.vars;
    let (root, mut yaml_problems) = yaml::parse(source, &environment.with_vars(&file_vars));
    let whole = yaml_problems.is_empty();
    problems.append(&mut yaml_problems);
    let Some(root) = root else { return run.note_unread() };
    if !whole && root.is_incomplete() {
        run.note_unread();
    }

    let violations = gate::violations(&root);
    let gate_problems = gate::problems(source, &root, &violations, MAX_PROBLEMS + 1);
    if let Some(other_version) = gate_problems.iter().find(|problem| problem.code == codes::VERSION) {
        // Written for another version: what else looks wrong may be right there.
        problems.push(other_version.clone());
        return;
    }
    problems.extend(gate_problems.into_iter().map(|problem| with_origin(source, &root, problem)));
    let broken: HashSet<&[Segment]> = violations.iter().filter_map(|violation| violation.path.get(..2)).collect();
    let clean = |part: &[Segment]| !broken.contains(part);

    vars::check(source, &root, &file_vars, whole, run, problems);
    let file_sinks = declared_sinks(source, &root, &violations, &clean, run, problems);
    let defaults = defaults::check(source, &root, &clean, (catalog, &file_sinks), run, problems);
    let file_sets = declared_sets(source, &root, &violations, &clean, problems);
    file_sets.specs().for_each(|set| run.add_set(set));
    run.add_set_files(file_sets.files());
    let file = probe::InFile { source, catalog, sinks: &file_sinks, sets: &file_sets, defaults: &defaults };
    probes(&file, &root, &violations, &clean, run, problems);
    if whole && !problems.iter().any(Problem::is_error) {
        file_sets.say_unused(source, problems);
    }
}

/// The sinks that the file declares.
fn declared_sinks(
    source: &Arc<SourceFile>,
    root: &Node,
    violations: &[gate::Violation<'_>],
    clean: &dyn Fn(&[Segment]) -> bool,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) -> sinks::FileSinks {
    let entries = root.at(&["sinks"]).map(Node::entries).unwrap_or_default();
    let mut file_sinks = sinks::FileSinks::with_room(entries.len());
    run.expect_files(entries.len());
    let sinks_key = Segment::Key("sinks".to_owned());
    file_sinks.incomplete = match root.get("sinks") {
        Some(sinks) => {
            violations.iter().any(|violation| violation.path == [sinks_key.clone()]) || is_repeated(sinks, problems)
        }
        None => root.is_incomplete(),
    };
    for entry in entries {
        let is_clean = clean(&[sinks_key.clone(), Segment::Key(entry.key.clone())]);
        let before = problems.len();
        file_sinks.declare(source, entry, is_clean, run, problems);
        add_origins(source, root, problems, before);
    }
    file_sinks
}

/// The sets that the file declares.
fn declared_sets(
    source: &Arc<SourceFile>,
    root: &Node,
    violations: &[gate::Violation<'_>],
    clean: &dyn Fn(&[Segment]) -> bool,
    problems: &mut Vec<Problem>,
) -> FileSets {
    let mut file_sets = FileSets::default();
    let key = Segment::Key("sets".to_owned());
    file_sets.incomplete = match root.get("sets") {
        Some(sets) => {
            violations.iter().any(|violation| violation.path == [key.clone()])
                || sets.value.is_incomplete()
                || is_repeated(sets, problems)
        }
        None => root.is_incomplete(),
    };
    for entry in root.at(&["sets"]).map(Node::entries).unwrap_or_default() {
        let is_clean = clean(&[key.clone(), Segment::Key(entry.key.clone())]);
        let before = problems.len();
        file_sets.declare(source, entry, is_clean, problems);
        add_origins(source, root, problems, before);
    }
    file_sets
}

/// The probes of the file, each by itself.
fn probes(
    file: &probe::InFile<'_>,
    root: &Node,
    violations: &[gate::Violation<'_>],
    clean: &dyn Fn(&[Segment]) -> bool,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    let source = file.source;
    let Some(list) = root.at(&["probes"]) else { return };
    if list.value == Value::Seq(Vec::new()) && !list.is_incomplete() {
        let place = Location::new(source, list.span);
        let problem = Problem::warning(codes::NO_PROBES, place, "the file has no probes");
        problems.push(problem.help("add one: an entry that begins with `- name: NAME`; or remove the file"));
    }
    let mut of_probe: HashMap<usize, Vec<&gate::Violation<'_>>> = HashMap::new();
    for violation in violations {
        if let [Segment::Key(key), Segment::Index(index), ..] = violation.path.as_slice()
            && key == "probes"
        {
            of_probe.entry(*index).or_default().push(violation);
        }
    }
    for (index, node) in list.items().iter().enumerate() {
        if problems.len() > MAX_PROBLEMS {
            break;
        }
        let before = problems.len();
        run.claim_name(source, node, problems);
        let path = [Segment::Key("probes".to_owned()), Segment::Index(index)];
        if !clean(&path) {
            let of_probe = of_probe.get(&index).map(Vec::as_slice).unwrap_or_default();
            partial::check(file, node, of_probe, run, problems);
        } else {
            probe::check(file, node, true, run, problems);
        }
        add_origins(source, node, problems, before);
        forget_repeated(problems, before);
    }
}

/// Drops problems from `before` on that have been said already: an alias repeats what it stands for.
fn forget_repeated(problems: &mut Vec<Problem>, before: usize) {
    if problems.len() == before {
        return;
    }
    let mut seen = HashSet::new();
    let mut index = 0;
    problems.retain(|problem| {
        let first = seen.insert((problem.code, problem.primary.span, problem.message.clone()));
        index += 1;
        first || index <= before
    });
}

/// True where the key is given once more: what stands there was not taken in.
fn is_repeated(entry: &Entry, problems: &[Problem]) -> bool {
    let repeats = |problem: &&Problem| problem.code == codes::DUPLICATE_KEY;
    let mut firsts = problems.iter().filter(repeats).flat_map(|problem| &problem.related);
    firsts.any(|(first, _)| first.span == entry.key_span)
}
