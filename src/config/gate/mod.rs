// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first gate: the schema. What passes it has the right shape; nothing is said yet about what it means.

mod help;
mod keys;
mod message;
mod validate;
mod written;

#[cfg(test)]
mod oracle;

use std::collections::HashSet;
use std::sync::Arc;

pub(super) use validate::Violation;

use super::problem::Problem;
use super::schema;
use super::source::SourceFile;
use super::yaml::Node;

/// Everything in the tree that the schema forbids.
pub(super) fn violations(root: &Node) -> Vec<Violation<'static>> {
    validate::validate(schema::shared(), root)
}

/// For a key that its mapping does not have: the key that is probably meant, if any.
pub(super) fn unknown_key_meant<'s>(violation: &Violation<'s>) -> Option<Option<&'s str>> {
    match &violation.kind {
        validate::Kind::UnknownKey { key, allowed } => Some(keys::meant(key, allowed)),
        _other => None,
    }
}

/// True for what could not be read, as a whole or in part.
pub(super) fn is_unread(violation: &Violation<'_>) -> bool {
    matches!(violation.kind, validate::Kind::Broken)
}

/// The violations in words, but for those that have their problem already or follow from another.
///
/// At most `most` are made.
pub(super) fn problems(
    source: &Arc<SourceFile>,
    root: &Node,
    violations: &[Violation<'_>],
    most: usize,
) -> Vec<Problem> {
    let keys = |violation: &Violation<'_>| written::find(root, &violation.path).map_or(0, |node| node.entries().len());
    let follows = |violation: &Violation<'_>| {
        keys::is_misspelt(violation, violations) || keys::is_of_unknown_keys(violation, violations, keys(violation))
    };
    let worth = |violation: &&Violation<'_>| !follows(violation);
    // What an alias repeats is said once.
    let mut seen = HashSet::new();
    let mut first = |problem: &Problem| seen.insert((problem.code, problem.primary.span, problem.message.clone()));
    let problems = violations.iter().filter(worth).filter_map(|violation| message::problem(source, root, violation));
    problems.filter(|problem| first(problem)).take(most).collect()
}
