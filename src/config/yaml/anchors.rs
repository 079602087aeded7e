// SPDX-License-Identifier: MIT OR Apache-2.0
//! Anchors, what aliases refer to, and merge keys.
//!
//! ```yaml
//! - &base { name: opens, hook: { kprobe: do_sys_openat2 } }
//! - { <<: *base, name: more-opens }
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::node::{Entry, Node, Value};
use super::spans::sigil;
use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::words;

/// Names of anchors that are kept for suggestions.
const MAX_NAMES: usize = 1000;

/// The anchors of a file so far, by the parser's numbers.
#[derive(Default)]
pub(super) struct Anchors {
    complete: HashMap<usize, Anchored>,
    /// Lists and mappings with an anchor that have begun.
    begun: HashMap<usize, Span>,
    names: Vec<String>,
}

/// A value with an anchor, and what it costs to write it out once more.
pub(super) struct Anchored {
    node: Node,
    /// The `&name`.
    pub(super) place: Span,
    /// Values in it, keys included.
    pub(super) nodes: usize,
    /// Bytes of text in it.
    pub(super) bytes: usize,
    /// Levels of lists and mappings.
    pub(super) depth: usize,
}

impl Anchored {
    /// The value for an alias at `alias`. What is not written at all stands where the alias stands.
    pub(super) fn at(&self, alias: Span) -> Node {
        let mut node = self.node.clone();
        if node.span.start == node.span.end {
            node.span = alias;
        }
        node.origin.get_or_insert_default().alias = Some(alias);
        node
    }
}

impl Anchors {
    /// A list or mapping begins; `anchor` is 0 where it has none.
    pub(super) fn open(&mut self, anchor: usize, start: Span) {
        if anchor != 0 {
            self.begun.insert(anchor, start);
        }
    }

    /// A value is complete; `anchor` is 0 where it has none.
    pub(super) fn close(&mut self, text: &str, anchor: usize, node: &Node) {
        if anchor == 0 {
            return;
        }
        let start = self.begun.get(&anchor).copied().unwrap_or(node.span);
        let place = sigil(text, start, '&');
        if self.names.len() < MAX_NAMES {
            self.names.push(text.get(place.start + 1..place.end).unwrap_or_default().to_owned());
        }
        let (nodes, bytes, depth) = cost(node);
        self.complete.insert(anchor, Anchored { node: node.clone(), place, nodes, bytes, depth });
    }

    /// What an alias refers to; `None` while that is not complete.
    pub(super) fn get(&self, anchor: usize) -> Option<&Anchored> {
        self.complete.get(&anchor)
    }

    /// Where a list or mapping with an anchor begins.
    pub(super) fn start(&self, anchor: usize) -> Option<Span> {
        self.begun.get(&anchor).copied()
    }

    /// The problem of an alias at `place` that no anchor is for.
    pub(super) fn unknown(&self, source: &Arc<SourceFile>, place: Span) -> Problem {
        let name = source.text.get(place.start + 1..place.end).unwrap_or_default();
        let known = || self.names.iter().map(String::as_str);
        let message = format!("unknown anchor `{name}`");
        let problem = Problem::new(codes::ANCHOR, Location::new(source, place), message);
        match words::nearest(name, known()) {
            Some(nearest) => problem.help(format!("did you mean `*{nearest}`?")),
            None if self.names.is_empty() => {
                problem.help(format!("a string that begins with `*` needs quotes: `\"*{name}\"`"))
            }
            None => problem
                .help(format!(
                    "put `&{name}` before the value it refers to; a string that begins with `*` needs quotes"
                ))
                .note(format!("anchors above: {}", words::list(known(), 16))),
        }
    }
}

/// Values, bytes and levels of a tree. Not deep: the tree has a bounded depth.
fn cost(node: &Node) -> (usize, usize, usize) {
    let (mut nodes, mut bytes, mut depth) = (1, 0, 0);
    let mut add = |(more_nodes, more_bytes, below): (usize, usize, usize)| {
        nodes += more_nodes;
        bytes += more_bytes;
        depth = depth.max(below);
    };
    match &node.value {
        Value::Text(text) => add((0, text.text.len(), 0)),
        Value::Seq(items) => items.iter().for_each(|item| add(cost(item))),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            add((1, entry.key.len(), 0));
            add(cost(&entry.value));
        }),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Broken => {}
    }
    let own = usize::from(matches!(node.value, Value::Seq(_) | Value::Map(_)));
    (nodes, bytes, depth + own)
}

/// Puts what `<<` names into a mapping, at `at`, where the `<<` stands. Keys that the mapping has itself (`seen`) win,
/// then those of the first mapping that has them. False where something could not be taken in: then keys are missing.
pub(super) fn merge(
    source: &Arc<SourceFile>,
    entries: &mut Vec<Entry>,
    seen: &HashMap<String, Span>,
    at: usize,
    merged: Node,
    problems: &mut Vec<Problem>,
) -> bool {
    let alias = |node: &Node| node.origin.as_ref().and_then(|origin| origin.alias);
    let outer = alias(&merged);
    let merged_incomplete = merged.is_incomplete();
    let (list, sources) = match merged.value {
        Value::Seq(items) => (true, items),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Map(_)
        | Value::Broken => (false, vec![merged]),
    };
    let mut taken: HashSet<String> = HashSet::new();
    let mut new = Vec::new();
    let mut whole = !merged_incomplete;
    for node in sources {
        let incomplete = node.is_incomplete();
        let via = outer.or(alias(&node)).unwrap_or(node.span);
        match node.value {
            Value::Map(found) => {
                whole &= !incomplete;
                for entry in found {
                    if !seen.contains_key(&entry.key) && taken.insert(entry.key.clone()) {
                        new.push(Entry { merged: Some(via), ..entry });
                    }
                }
            }
            Value::Broken => whole = false,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Seq(_) => {
                let message = if list {
                    format!("a list after `<<` must hold mappings, not {}", node.kind())
                } else {
                    format!("`<<` needs a mapping, not {}", node.kind())
                };
                let problem = Problem::new(codes::ANCHOR, Location::new(source, via), message);
                let problem = if via == node.span {
                    problem
                } else {
                    problem.related(Location::new(source, node.span), "this is its value")
                };
                whole = false;
                problems.push(problem.help("write `<<: *NAME` or `<<: [*ONE, *TWO]`, with `&NAME` before a mapping"));
            }
        }
    }
    entries.splice(at.min(entries.len())..at.min(entries.len()), new);
    whole
}
