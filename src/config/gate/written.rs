// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a file has in the place of a violation.

use super::validate::Violation;
use crate::config::source::SourceFile;
use crate::config::yaml::{Node, Segment};

/// The value that a path leads to.
pub(super) fn find<'n>(root: &'n Node, path: &[Segment]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, segment| match segment {
        Segment::Key(key) => node.get(key).map(|entry| &entry.value),
        Segment::Index(index) => node.items().get(*index),
    })
}

/// True for the `version` of the file.
pub(super) fn is_version(path: &[Segment]) -> bool {
    matches!(path, [Segment::Key(key)] if key == "version")
}

/// The value on one line: as written, or what the environment made of it.
pub(super) fn shown(source: &SourceFile, root: &Node, violation: &Violation<'_>) -> String {
    let written = || source.text.get(violation.span.start..violation.span.end).unwrap_or_default();
    let node = find(root, &violation.path).filter(|node| node.span == violation.span);
    let raw = node.map_or_else(written, |node| node.shown(&source.text));
    raw.lines().next().unwrap_or_default().chars().take(60).collect()
}

/// True for a text without quotes that has more lines than people see at a glance.
pub(super) fn goes_on(source: &SourceFile, root: &Node, violation: &Violation<'_>) -> bool {
    let written = source.text.get(violation.span.start..violation.span.end).unwrap_or_default();
    let is_text = find(root, &violation.path).is_some_and(|node| node.span == violation.span && node.text().is_some());
    is_text && written.trim_end().contains('\n') && !written.starts_with(['"', '\'', '|', '>'])
}
