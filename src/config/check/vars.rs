// SPDX-License-Identifier: MIT OR Apache-2.0
//! `vars` of a file: what its `${var:NAME}` stand for, and what is wrong with the declarations.

use std::sync::Arc;

use super::run::Run;
use crate::config::codes;
use crate::config::discretion::names_in;
use crate::config::environment::Environment;
use crate::config::origin::THROUGH;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::vars::{Var, Vars, is_var_name};
use crate::config::yaml::{self, Entry, Node, Value};
use crate::words;

/// What a file says of its variables.
#[derive(Default)]
pub(crate) struct FileVars {
    pub(crate) vars: Vars,
    /// What is wrong with them and found out no other way.
    pub(super) problems: Vec<Problem>,
    /// Those that have their values from the environment, with the names there.
    pub(super) through: Vec<(String, Vec<String>)>,
}

/// The variables of a file, read before the rest of it: they may be used above the place where they are declared. A file
/// without references has nothing to find out.
pub(crate) fn read(source: &Arc<SourceFile>, environment: &Environment<'_>) -> FileVars {
    let mut read = FileVars::default();
    let text = &source.text;
    // Without one, `${NAME}` may still be meant as a variable, and is said to be.
    let refers = text.contains("${var:") || text.contains("${") && text.contains("vars");
    if !refers {
        return read;
    }
    let (root, found) = yaml::parse(source, &environment.without_vars());
    let node = root.as_ref().and_then(|root| root.get("vars"));
    let declared = node.map(|entry| entry.value.entries()).unwrap_or_default();
    read.vars.incomplete = root.as_ref().is_none_or(Node::is_incomplete)
        || node.is_some_and(|entry| entry.value.is_incomplete() || !matches!(entry.value.value, Value::Map(_)));
    for entry in declared {
        let value = value_of(entry);
        let written = text.get(value.span.start..value.span.end).unwrap_or_default();
        let set = environment.settings().iter().rev().find(|(name, _)| *name == entry.key);
        if set.is_none() {
            read.through.push((entry.key.clone(), names_in(written)));
        }
        let quoted = written.starts_with(['"', '\'', '|', '>']);
        let said = set.map(|(_, value)| value.clone()).or_else(|| text_of(value, text));
        read.vars.declare(&entry.key, Var { text: said, quoted });
        let inside = |place: Span| (value.span.start..=value.span.end).contains(&place.start);
        let nested = found.iter().filter(|problem| problem.code == codes::VAR_IN_VAR && inside(problem.primary.span));
        let alias = value.origin.as_ref().and_then(|origin| origin.alias).map(|alias| Location::new(source, alias));
        read.problems.extend(nested.map(|problem| match &alias {
            Some(alias) => problem.clone().related(alias.clone(), THROUGH),
            None => problem.clone(),
        }));
    }
    read
}

/// The value itself, of the long form as well.
fn value_of(entry: &Entry) -> &Node {
    entry.value.at(&["value"]).unwrap_or(&entry.value)
}

/// What stands there, or what the environment made of it.
fn text_of(value: &Node, source: &str) -> Option<String> {
    match &value.value {
        Value::Text(text) => Some(text.text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(value.shown(source).to_owned()),
        Value::Null | Value::Seq(_) | Value::Map(_) | Value::Broken => None,
    }
}

/// Checks the names, and whether they are used; `whole` is false where parts of the file could not be read.
pub(super) fn check(
    source: &Arc<SourceFile>,
    root: &Node,
    vars: &Vars,
    whole: bool,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    for entry in root.at(&["vars"]).map(Node::entries).unwrap_or_default() {
        let (name, place) = (&entry.key, Location::new(source, entry.key_span));
        run.declare_var(name);
        if !is_var_name(name) {
            let message = "the name of a variable must be letters, digits and `_`, no leading digit, at most 64";
            let problem = Problem::new(codes::WRONG_FORM, place, message);
            let better: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let better = is_var_name(&better).then(|| format!("for example `{better}`"));
            problems.push(problem.maybe_help(better));
        } else if whole && vars.is_unused(name) {
            let problem = Problem::warning(codes::UNUSED_VAR, place, format!("the variable `{name}` is not used"));
            problems.push(problem.help(format!("write `${{var:{name}}}` where its value belongs, or remove it")));
        }
    }
}

/// What `--set` gives to variables that no file has. The command line is shown in the place of a file.
pub(super) fn unknown_settings(environment: &Environment<'_>, run: &mut Run) {
    let Some(declared) = run.declared_vars() else { return };
    let known = || declared.iter().map(String::as_str);
    let mut problems: Vec<Problem> = Vec::new();
    for (name, value) in environment.settings().iter().filter(|(name, _)| !declared.contains(name)) {
        let line = Arc::new(SourceFile::new("--set", format!("{name}={value}")));
        let place = Location::new(&line, Span::new(0, name.len()));
        let problem = Problem::new(codes::UNKNOWN_VAR, place, format!("no file declares the variable `{name}`"));
        let problem = Problem { severity: environment.unknown(), ..problem };
        let nearest = words::nearest(name, known()).map(|nearest| format!("did you mean `{nearest}`?"));
        let problem = match words::list(known(), 16) {
            list if list.is_empty() => problem.help(format!("declare it in the file: `vars: {{ {name}: VALUE }}`")),
            list => problem.maybe_help(nearest).note(format!("variables: {list}")),
        };
        problems.push(problem);
    }
    run.add_problems(problems);
}
