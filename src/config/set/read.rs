// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a set of a file holds, or where that is from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::{number_entry, set_entry};
use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::{Entry, Node, Value};
use crate::spec::{SetEntry, SetKind, SetSource};
use crate::words::Refusal;

/// The kind of a set and its source; `None`, and said, where something is wrong with it.
pub(super) fn read(source: &Arc<SourceFile>, set: &Entry, problems: &mut Vec<Problem>) -> Option<(SetKind, SetSource)> {
    let at = |span: Span| Location::new(source, span);
    let name = &set.key;
    let entries = set.value.entries();
    if let [first, second, ..] = entries {
        let problem = Problem::new(codes::KEY_COUNT, at(second.key_span), format!("the set `{name}` is of two kinds"));
        let problem = problem.related(at(first.key_span), "one kind").label("another");
        problems.push(problem.help("declare two sets, and ask for both: `x in A || x in B`"));
        return None;
    }
    let (entry, kind) = entries.first().and_then(|entry| Some((entry, SetKind::of_word(&entry.key)?)))?;
    let before = problems.len();
    let found = match &entry.value.value {
        Value::Map(_) => from(source, &entry.value, problems)?,
        Value::Seq(items) => SetSource::Entries(listed(source, kind, items, problems)),
        Value::Text(_) | Value::Int(_) => {
            SetSource::Entries(listed(source, kind, std::slice::from_ref(&entry.value), problems))
        }
        // The schema has blamed it.
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Broken => return None,
    };
    let wrong = problems.iter().skip(before).any(Problem::is_error);
    (!wrong).then_some((kind, found))
}

/// `{ file: PATH }`, `{ descendants: N }`
fn from(source: &Arc<SourceFile>, node: &Node, problems: &mut Vec<Problem>) -> Option<SetSource> {
    if let Some(Value::Int(number)) = node.at(&["descendants"]).map(|node| &node.value) {
        return Some(SetSource::Descendants(u32::try_from(*number).ok()?));
    }
    let file = node.at(&["file"])?;
    match path_of(file.text()?, &source.path) {
        Ok(path) => Some(SetSource::File(path)),
        Err(refusal) => {
            problems.push(refused(source, file.span, codes::WRONG_FORM, refusal));
            None
        }
    }
}

/// The file, seen from the directory of the configuration.
pub(in crate::config) fn path_of(text: &str, configuration: &Path) -> Result<PathBuf, Refusal> {
    let refused = |message: &str, help: &str| Err(Refusal::new(message).help(help));
    match text {
        "" => Err(Refusal::new("the path is missing")),
        _ if text.trim() != text => Err(Refusal::new("the path begins or ends with a space")),
        _ if text.contains('\0') => Err(Refusal::new("a path cannot contain NUL")),
        _ if text.starts_with("~/") => refused("`~` is not expanded", "write the whole path"),
        _ if text.starts_with('$') => refused("variables of a shell are not expanded", "write `${env:NAME}`"),
        _ if text.ends_with('/') => refused("this is a directory", "add the name of a file"),
        _good => Ok(configuration.parent().map_or_else(|| PathBuf::from(text), |folder| folder.join(text))),
    }
}

/// The entries of a list, sorted.
fn listed(source: &Arc<SourceFile>, kind: SetKind, items: &[Node], problems: &mut Vec<Problem>) -> Vec<SetEntry> {
    let mut found: BTreeMap<SetEntry, Span> = BTreeMap::new();
    for item in items {
        let read = match &item.value {
            Value::Text(text) => set_entry(kind, &text.text),
            Value::Int(number) => number_entry(kind, *number),
            // The schema has blamed it.
            Value::Null | Value::Bool(_) | Value::Float(_) | Value::Seq(_) | Value::Map(_) | Value::Broken => continue,
        };
        match read {
            Err(refusal) => problems.push(refused(source, item.span, codes::SET_ENTRY, refusal)),
            Ok(entry) => {
                if let Some(first) = found.get(&entry) {
                    let message = format!("the set has `{entry}` twice");
                    let problem = Problem::warning(codes::REPEATED_ENTRY, Location::new(source, item.span), message);
                    let problem = problem.related(Location::new(source, *first), "first here");
                    problems.push(problem.help("remove one of them"));
                } else {
                    found.insert(entry, item.span);
                }
            }
        }
    }
    found.into_keys().collect()
}

fn refused(source: &Arc<SourceFile>, span: Span, code: &'static str, refusal: Refusal) -> Problem {
    Problem::new(code, Location::new(source, span), refusal.message).maybe_help(refusal.help)
}
