// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hook: { span: { start: …, end: …, key: [tid] } }`

use super::definition::Checking;
use super::expression;
use super::set_names::note_sets;
use crate::config::{Cx, Entry, Node, TARGET, Value, codes, pattern};
use crate::hook::{self, SPAN, can_be_in_span, not_in_a_span};
use crate::spec::{Expr, HookKind, Place, Span, SpanEnds, SpanPart, SpanRole, Targets};
use crate::words;

/// Most numbers of a key.
const MAX_KEY: usize = 4;

/// Reads the hooks of a span. The schema has seen to the form.
pub(super) fn check(checking: &mut Checking<'_>) {
    let Some(node) = checking.cx.node.at(&["hook", SPAN]) else { return };
    checking.cx.note_place(Place::Hook, checking.cx.key(&["hook", SPAN]));
    let problems = checking.cx.problems.len();
    let shared = node.get("key").map(|entry| &entry.value);
    let mut parts: Vec<SpanPart> = Vec::new();
    for (role, word) in SpanRole::WORDS {
        let Some(hooks) = node.at(&[word]) else { continue };
        let hooks: Vec<&Node> = if hooks.items().is_empty() { vec![hooks] } else { hooks.items().iter().collect() };
        for (number, hook) in hooks.into_iter().enumerate() {
            parts.extend(part(checking, role, number, hook, shared));
        }
    }
    same_length(checking, &parts);
    let expire = expire(node);
    let keeps_first = node.at(&["repeat"]).and_then(Node::text) == Some("keep");
    let max_open = match node.at(&["max_open"]).map(|node| &node.value) {
        Some(Value::Int(number)) => u32::try_from(*number).unwrap_or(Span::MAX_OPEN),
        _usual => Span::MAX_OPEN,
    };
    parts.sort_by_key(|part| part.role);
    let Some(end) = parts.first().filter(|part| part.role == SpanRole::End) else { return };
    checking.hook = Some((Some(end.hook.clone()), Targets::One));
    if checking.cx.problems.len() > problems {
        // What is left of it would be judged by what is missing.
        checking.hook = None;
        return;
    }
    checking.span = Some(Box::new(Span { ends: SpanEnds::Across(parts), keeps_first, expire, max_open }));
}

/// One hook, with its key and its conditions.
fn part(
    checking: &mut Checking<'_>,
    role: SpanRole,
    number: usize,
    node: &Node,
    shared: Option<&Node>,
) -> Option<SpanPart> {
    let of = |place| Place::SpanHook(role, number, Box::new(place));
    let kinds: Vec<(&Entry, HookKind)> =
        node.entries().iter().filter_map(|entry| Some((entry, HookKind::of_word(&entry.key)?))).collect();
    let cx = &mut checking.cx;
    // Of lists the schema does not say what may stand in them.
    let known = |key: &str| HookKind::of_word(key).is_some_and(can_be_in_span) || key == "key" || key == "where";
    if let Some(entry) = node.entries().iter().find(|entry| !known(&entry.key)) {
        let (key, word) = (&entry.key, role.word());
        if let Some((message, help)) = not_in_a_span(key, word) {
            cx.report(cx.error(codes::UNKNOWN_KEY, entry.key_span, message).help(help));
            return None;
        }
        let message = format!("unknown key `{key}` in `{word}`");
        let problem = cx.error(codes::UNKNOWN_KEY, entry.key_span, message);
        let words = HookKind::WORDS.into_iter().filter(|(kind, _)| can_be_in_span(*kind)).map(|(_, word)| word);
        cx.report(problem.maybe_help(words::suggest(key, words.chain(["key", "where"]), "there are")));
        return None;
    }
    let (entry, kind) = match kinds.as_slice() {
        [one] => *one,
        [] => {
            let problem = cx.error(TARGET, node.span, format!("`{}` names no hook", role.word()));
            cx.report(problem.help("name one kind of hook, for example `tracepoint: \"sched:sched_switch\"`"));
            return None;
        }
        [_, (second, _), ..] => {
            let problem = cx.error(TARGET, second.key_span, format!("`{}` has two hooks in one mapping", role.word()));
            cx.report(problem.help("write a list: `[{ … }, { … }]`"));
            return None;
        }
    };
    cx.note_place(of(Place::Hook), entry.key_span);
    let at = node.at(&[&entry.key, "at"]).filter(|at| at.text() == Some("span"));
    if let Some(at) = at.filter(|_| can_be_in_span(kind)) {
        let problem = cx.error(codes::UNKNOWN_WORD, at.span, "a hook of a span is one end of a call");
        cx.report(problem.help("write `at: entry` or `at: return`"));
        return None;
    }
    // The kind reads what stands under `hook`.
    let wrapped = Entry { key: "hook".to_owned(), key_span: entry.key_span, merged: None, value: node.clone() };
    let wrapped = Node::new(node.span, Value::Map(vec![wrapped]));
    let mut inner = Cx { source: cx.source, node: &wrapped, problems: &mut *cx.problems, places: Vec::new() };
    let found = hook::check(&mut inner, kind);
    let places = inner.places;
    cx.places.extend(places.into_iter().filter(|(place, _)| *place != Place::Hook).map(|(place, span)| match place {
        Place::Part { of: whole, range } => (of(*whole).part(Some(range)), span),
        place => (of(place), span),
    }));
    let (hook, targets) = found?;
    let own = node.get("key").map(|entry| &entry.value);
    let Some(key) = own.or(shared) else {
        let problem = cx.error(TARGET, entry.key_span, format!("`{}` has no `key`", role.word()));
        let help = "add `key` to the span, for example `key: [tid]`, or to each of its hooks";
        cx.report(problem.label("nothing tells which start it belongs to").help(help));
        return None;
    };
    let key = expressions(checking, key, "`key`", &|part| of(Place::Key(part)))?;
    let filter = match node.at(&["where"]) {
        Some(filter) => expressions(checking, filter, "`where`", &|clause| of(Place::Clause(clause)))?,
        None => Vec::new(),
    };
    Some(SpanPart { role, number, hook, asked: None, targets, elsewhere: Vec::new(), key, filter })
}

/// A list of expressions, or one.
fn expressions(
    checking: &mut Checking<'_>,
    node: &Node,
    what: &str,
    place: &dyn Fn(usize) -> Place,
) -> Option<Vec<Expr>> {
    let items: Vec<&Node> = if node.text().is_some() { vec![node] } else { node.items().iter().collect() };
    let mut all = Vec::new();
    let mut good = true;
    for item in items {
        match expression::read(&mut checking.cx, item, what) {
            Some(expr) if note_sets(checking, &expr, item) => {
                checking.cx.note_text(place(all.len()), item);
                all.push(expr);
            }
            Some(_) | None => good = false,
        }
    }
    good.then_some(all)
}

/// Keys are as many everywhere.
fn same_length(checking: &mut Checking<'_>, parts: &[SpanPart]) {
    let Some(first) = parts.first() else { return };
    let wanted = first.key.len();
    let cx = &mut checking.cx;
    let place = |part: &SpanPart| Place::SpanHook(part.role, part.number, Box::new(Place::Key(0)));
    let span = |cx: &Cx<'_>, part: &SpanPart| {
        let found = cx.places.iter().find(|(known, _)| *known == place(part)).map(|(_, span)| *span);
        found.unwrap_or_else(|| cx.key(&["hook", SPAN]))
    };
    if wanted > MAX_KEY {
        let message = format!("a key has at most {MAX_KEY} numbers, and this one has {wanted}");
        let problem = cx.error(codes::KEY_COUNT, span(cx, first), message);
        cx.report(problem.help("pair by one that says it all: an address, an id"));
    }
    let count = |part: &SpanPart| match part.key.len() {
        1 => "1 number".to_owned(),
        count => format!("{count} numbers"),
    };
    if let Some(other) = parts.iter().find(|part| part.key.len() != wanted) {
        let message = format!(
            "the key of `{}` has {}, that of `{}` {}",
            other.role.word(),
            count(other),
            first.role.word(),
            count(first)
        );
        let problem = cx.error(codes::KEY_COUNT, span(cx, other), message);
        let problem = problem.related(cx.at(span(cx, first)), "the other key");
        cx.report(problem.help("keys are compared number by number: give all hooks as many"));
    }
}

/// The schema has seen to the form.
fn expire(node: &Node) -> Option<std::time::Duration> {
    Some(pattern::duration(node.at(&["expire"])?.text()?))
}
