// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first gate: the schema. What passes it has the right shape; nothing is said yet about what it means.

mod message;
mod validate;

#[cfg(test)]
mod oracle;

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

/// The violation in words; `None` for what has its problem already.
pub(super) fn problem(source: &Arc<SourceFile>, root: &Node, violation: &Violation<'_>) -> Option<Problem> {
    message::problem(source, root, violation)
}
