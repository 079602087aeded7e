// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first gate: the schema. What passes it has the right shape; nothing is said yet about what it means.

mod limits;
mod message;
mod other_words;
mod validate;

#[cfg(test)]
mod oracle;

use std::collections::HashSet;
use std::sync::Arc;

pub(super) use message::name_like;
pub(super) use validate::Violation;

use super::problem::Problem;
use super::schema;
use super::source::{SourceFile, Span};
use super::yaml::Node;

/// Everything in the tree that the schema forbids.
pub(super) fn violations(root: &Node) -> Vec<Violation<'static>> {
    validate::validate(schema::shared(), root)
}

/// For a key that its mapping does not have: the key that is probably meant, if any.
pub(super) fn unknown_key_meant<'s>(violation: &Violation<'s>) -> Option<Option<&'s str>> {
    match &violation.kind {
        validate::Kind::UnknownKey { key, allowed } => Some(message::meant(key, allowed)),
        _other => None,
    }
}

/// The violations in words, but for those that have their problem already or follow from another.
///
/// At most `most` are made. `has_unread` tells whether something inside a place could not be read: what is missing there may come from it.
pub(super) fn problems(
    source: &Arc<SourceFile>,
    root: &Node,
    violations: &[Violation<'_>],
    has_unread: &dyn Fn(Span) -> bool,
    most: usize,
) -> Vec<Problem> {
    let worth = |violation: &&Violation<'_>| {
        let missing = matches!(violation.kind, validate::Kind::MissingKey { .. });
        !missing || !(has_unread(violation.span) || message::is_misspelt(violation, violations))
    };
    // What an alias repeats is said once.
    let mut seen = HashSet::new();
    let mut first = |problem: &Problem| seen.insert((problem.code, problem.primary.span, problem.message.clone()));
    let problems = violations.iter().filter(worth).filter_map(|violation| message::problem(source, root, violation));
    problems.filter(|problem| first(problem)).take(most).collect()
}
