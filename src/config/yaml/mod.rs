// SPDX-License-Identifier: MIT OR Apache-2.0
//! Located YAML: text becomes a tree whose every key and value knows its bytes.
//!
//! One document of YAML 1.2 (core schema), at most 1 MiB, 64 levels deep, 100,000 values. Never a panic and never a
//! deep recursion, whatever the text. Aliases and merge keys are written out as the file is read and count towards these
//! limits; `${env:NAME}` in a value is replaced when the scalar has been read, so it never becomes structure. Tags are
//! problems. Where the parser has to stop, what is complete before it is kept.

mod anchors;
mod build;
mod explain;
mod marks;
mod node;
mod scalar;
mod spans;
mod tabs;

pub(crate) use node::{Entry, Node, Segment, Text, Value};

use std::sync::Arc;

use super::codes;
use super::environment::Environment;
use super::problem::Problem;
use super::source::{Location, SourceFile, Span};

/// Most bytes of a file.
pub const MAX_BYTES: usize = 1 << 20;
/// Most levels of lists and mappings.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most values in a file, keys included.
pub(crate) const MAX_NODES: usize = 100_000;

/// Most commas and opening brackets. The parser keeps all tokens of a list in brackets before it gives out the first, since the
/// whole list could be a key: half a million of them would take 200 MB. A probe of a few lines has ten.
const MAX_FLOW: usize = 65_536;

const MINIMAL: &str =
    "the smallest useful file is\n    version: 1\n    probes:\n      - name: execs\n        program: exec";

/// Reads a file's text. The tree is `None` where nothing can be said about the content; parts of it that have their
/// problem already are [`Value::Broken`], lists and mappings that lack such parts are [`Node::is_incomplete`]: all that is
/// open where reading stops.
pub(crate) fn parse(source: &Arc<SourceFile>, environment: &Environment<'_>) -> (Option<Node>, Vec<Problem>) {
    if source.text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; the limit is {MAX_BYTES}", source.text.len());
        let problem = Problem::new(codes::TOO_LARGE, Location::new(source, Span::default()), message)
            .help("check that it is the right file, or split it: all files of a directory are read");
        return (None, vec![problem]);
    }
    if let Some(surplus) = source.text.match_indices([',', '[', '{']).nth(MAX_FLOW) {
        let place = Location::new(source, Span::new(surplus.0, surplus.0 + 1));
        let message = format!("the file has more than {MAX_FLOW} commas and brackets");
        return (
            None,
            vec![Problem::new(codes::TOO_LARGE, place, message).help("check that it is the right file, or split it")],
        );
    }
    let (root, mut problems) = build::build(source, environment);
    let nothing = root.as_ref().is_none_or(|node| node.value == Value::Null);
    if nothing && problems.is_empty() {
        let problem = Problem::new(codes::EMPTY, Location::new(source, Span::default()), "the file has no content");
        problems.push(problem.note(MINIMAL));
        return (None, problems);
    }
    (root, problems)
}

#[cfg(test)]
mod tests;
