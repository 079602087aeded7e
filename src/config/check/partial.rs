// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be checked of a probe that did not pass the first gate, so that one mistake does not hide the others.

use super::probe::{self, InFile};
use super::run::Run;
use crate::config::codes;
use crate::config::cx::NAMELESS;
use crate::config::gate::{Violation, is_unread, unknown_key_meant};
use crate::config::problem::Problem;
use crate::config::source::Span;
use crate::config::yaml::{Entry, Node, Segment, Text, Value};
use crate::hook;
use crate::key::{KEYS, Key};
use crate::spec::HookKind;

/// A list whose entries mean something by their order: nothing can be said of it where one of them is left out.
const FIRST_OF: &str = "first_of";

/// Checks what is left of a probe without the parts that `violations` (all of this probe) blame.
///
/// What only follows from a part that is left out is not said.
pub(super) fn check(
    file: &InFile<'_>,
    node: &Node,
    violations: &[&Violation<'_>],
    run: &mut Run,
    problems: &mut Vec<Problem>,
) {
    let Value::Map(entries) = &node.value else { return };
    let unread = node.is_incomplete();
    let fewer = if unread { KEYS.to_vec() } else { Vec::new() };
    let mut rest = Rest { entries: entries.clone(), meant: Vec::new(), fewer };
    violations.iter().for_each(|violation| rest.leave_out(violation));
    let has = |rest: &Rest<'_>, key: &str| rest.entries.iter().any(|entry| entry.key == key);
    let lost = |rest: &Rest<'_>, key: &str| node.get(key).is_some() && !has(rest, key);
    // A key that is not known, or could not be read, may have been meant as another that is missed.
    let hook_uncertain = unread || !rest.meant.is_empty();
    let program_uncertain = unread || rest.meant.contains(&Some("program"));
    let no_hook = lost(&rest, "hook") || (hook_uncertain && !has(&rest, "hook"));
    let no_program = lost(&rest, "program") || (!has(&rest, "program") && (program_uncertain || lost(&rest, "hook")));
    let maybe_parked = lost(&rest, "enabled") || rest.meant.contains(&Some("enabled"));
    let no_name = !has(&rest, "name");
    if no_program {
        // They mean what the program makes of them.
        rest.entries.retain(|entry| by_entry(&entry.key).is_none());
    }
    if no_name {
        // One of the wrong form still tells people which probe it is.
        let written = node.get("name").map(|entry| entry.value.clone()).filter(|name| name.text().is_some());
        let missing = || {
            let text = Text { text: NAMELESS.to_owned(), verbatim_at: None };
            Node::new(node.span, Value::Text(text))
        };
        let value = written.unwrap_or_else(missing);
        rest.entries.push(Entry { key: "name".to_owned(), key_span: Span::default(), merged: None, value });
    }
    let fewer = rest.fewer;
    let rest = Node { span: node.span, value: Value::Map(rest.entries), origin: node.origin.clone() };
    let mut found = Vec::new();
    let certain = !no_hook && !maybe_parked;
    probe::check(file, &rest, certain, run, &mut found);
    found.retain(|problem| match problem.code {
        codes::MISSING_HOOK => !(no_hook || no_program || no_name),
        // What cannot be decoded was blamed by the first gate.
        codes::WRONG_TYPE => false,
        code => !fewer.iter().any(|key| key.too_many == Some(code)),
    });
    problems.append(&mut found);
}

/// True for a key of a hook that says how, not where.
fn says_how(kind: &str, key: &str) -> bool {
    HookKind::of_word(kind).is_some_and(|kind| hook::kind(kind).how.contains(&key))
}

/// What is left of a probe.
struct Rest<'v> {
    entries: Vec<Entry>,
    /// For each of its keys that is not known: what was probably meant.
    meant: Vec<Option<&'v str>>,
    /// The keys of which an entry was left out.
    fewer: Vec<&'static Key>,
}

impl<'v> Rest<'v> {
    /// Leaves out what a violation blames, and as little else as possible.
    fn leave_out(&mut self, violation: &Violation<'v>) {
        let meant = unknown_key_meant(violation);
        let Some(path) = violation.path.get(2..) else { return };
        match path {
            [] if let Some(meant) = meant => {
                self.entries.retain(|entry| entry.key_span != violation.span);
                self.meant.push(meant);
            }
            [Segment::Key(map), Segment::Key(key), ..] if let Some(known) = by_entry(map) => {
                self.fewer.push(known);
                retain_in(&mut self.entries, &[map], |entry| entry.key != *key);
            }
            // The entries that could be read are kept.
            [Segment::Key(map)]
                if is_unread(violation)
                    && let Some(known) = self.part(map) =>
            {
                self.fewer.push(known);
            }
            [Segment::Key(hook), Segment::Key(kind)]
                if hook == "hook" && meant.flatten().is_some_and(|key| says_how(kind, key)) =>
            {
                retain_in(&mut self.entries, &[hook, kind], |entry| entry.key_span != violation.span);
            }
            [Segment::Key(hook), Segment::Key(kind), Segment::Key(key), ..]
                if hook == "hook" && says_how(kind, key) =>
            {
                retain_in(&mut self.entries, &[hook, kind], |entry| entry.key != *key);
            }
            [keys @ .., Segment::Index(_)] if drop_item(&mut self.entries, keys, violation.span) => {}
            [Segment::Key(key), ..] => self.entries.retain(|entry| entry.key != *key),
            _missing => {}
        }
    }

    /// The key whose value is a mapping of which some entries are there and others could not be read.
    fn part(&self, word: &str) -> Option<&'static Key> {
        let map = self.entries.iter().find(|entry| entry.key == word)?;
        by_entry(word).filter(|_| matches!(map.value.value, Value::Map(_)))
    }
}

/// The key of this word, if its entries stand for themselves.
fn by_entry(word: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.word == word && key.by_entry)
}

/// Leaves the entry at this place out of the list at the end of these keys. False where that would leave nothing, or something else.
fn drop_item(entries: &mut [Entry], keys: &[Segment], span: Span) -> bool {
    let Some((Segment::Key(key), deeper)) = keys.split_first() else { return false };
    let Some(within) = entries.iter_mut().find(|entry| entry.key == *key && key != FIRST_OF) else { return false };
    match (&mut within.value.value, deeper) {
        (Value::Map(inner), [_, ..]) => drop_item(inner, deeper, span),
        (Value::Seq(items), []) if items.iter().any(|item| item.span != span) => {
            items.retain(|item| item.span != span);
            true
        }
        _nothing_left => false,
    }
}

/// Keeps the entries that are `wanted` of the mapping at the end of these keys.
fn retain_in(entries: &mut Vec<Entry>, keys: &[&String], wanted: impl Fn(&Entry) -> bool) {
    let Some((key, deeper)) = keys.split_first() else { return entries.retain(wanted) };
    let within = entries.iter_mut().find(|entry| entry.key == **key);
    if let Some(Value::Map(inner)) = within.map(|entry| &mut entry.value.value) {
        retain_in(inner, deeper, wanted);
    }
}
