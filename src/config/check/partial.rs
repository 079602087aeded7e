// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be checked of a probe that did not pass the first gate, so that one mistake does not hide the others.

use std::sync::Arc;

use super::probe::{self, InFile};
use super::run::Run;
use crate::config::codes;
use crate::config::gate::{Violation, unknown_key_meant};
use crate::config::problem::Problem;
use crate::config::source::{SourceFile, Span};
use crate::config::yaml::{Entry, Node, Segment, Text, Value};

/// Mappings whose entries stand for themselves: a broken one says nothing of the others.
const MAPS: &[&str] = &["labels", "params", "capture", "limits"];

/// Checks what is left of a probe without the parts that `violations` (all of this probe) blame.
///
/// `unread` is true where something in the probe could not be read at all. What only follows from a part that is left out
/// is not said.
pub(super) fn check(
    file: &InFile<'_>,
    node: &Node,
    violations: &[&Violation<'_>],
    unread: bool,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    let Value::Map(entries) = &node.value else { return };
    let mut entries = entries.clone();
    // A key that is not known, or could not be read, may have been meant as another that is missed.
    let (mut hook_uncertain, mut program_uncertain, mut fewer_captures) = (unread, unread, unread);
    for violation in violations {
        match violation.path.get(2..) {
            Some([]) if let Some(meant) = unknown_key_meant(violation) => {
                entries.retain(|entry| entry.key_span != violation.span);
                hook_uncertain = true;
                program_uncertain |= meant == Some("program");
            }
            Some([Segment::Key(map), Segment::Key(key), ..]) if MAPS.contains(&map.as_str()) => {
                fewer_captures |= map == "capture";
                let within = entries.iter_mut().find(|entry| entry.key == *map);
                if let Some(Value::Map(inner)) = within.map(|entry| &mut entry.value.value) {
                    inner.retain(|entry| entry.key != *key);
                }
            }
            Some([Segment::Key(key), ..]) => entries.retain(|entry| entry.key != *key),
            _missing => {}
        }
    }
    let has = |entries: &[Entry], key: &str| entries.iter().any(|entry| entry.key == key);
    let lost = |key: &str| node.get(key).is_some() && !has(&entries, key);
    let no_hook = lost("hook") || (hook_uncertain && !has(&entries, "hook"));
    let no_program = lost("program") || (!has(&entries, "program") && (program_uncertain || lost("hook")));
    let no_name = !has(&entries, "name");
    if no_program {
        // They mean what the program makes of them.
        entries.retain(|entry| !MAPS.contains(&entry.key.as_str()));
    }
    if no_name {
        let text = Text { text: "?".to_owned(), verbatim_at: None };
        let value = Node::new(node.span, Value::Text(text));
        entries.push(Entry { key: "name".to_owned(), key_span: Span::default(), merged: None, value });
    }
    let rest = Node { span: node.span, value: Value::Map(entries), origin: node.origin.clone() };
    let mut found = Vec::new();
    let source: &Arc<SourceFile> = file.source;
    // What cannot be decoded was blamed by the first gate.
    if let Some(raw) = super::file::decode(source, &rest, &mut Vec::new()) {
        probe::check(file, &rest, &raw, false, run, &mut found);
    }
    found.retain(|problem| match problem.code {
        codes::MISSING_HOOK => !(no_hook || no_program || no_name),
        codes::TOO_MANY_CAPTURES => !fewer_captures,
        _said => true,
    });
    problems.append(&mut found);
}
