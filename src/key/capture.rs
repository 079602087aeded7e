// SPDX-License-Identifier: MIT OR Apache-2.0
//! `capture: { path: filename as user_string }`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, Key, Need};
use super::expression;
use super::fields::{MAX_NAME_BYTES, own_fields, refuse_target_field, reserved, sibling};
use super::set_names::note_sets;
use crate::catalog::{FetchTable, Program};
use crate::config::{Cx, Ordered, Problem, codes, is_identifier};
use crate::hook::keep_offered;
use crate::spec::{Capture, Place, RESERVED_FIELDS};
use crate::words;

/// What the head of an event holds anyway: a capture of it is a second name and costs no fetch.
const HEAD: [&str; 4] = ["pid", "tid", "uid", "comm"];
/// Most fields that are looked at; a probe with more has its problem by then.
const MAX_FIELDS: usize = 64;

pub(super) const CAPTURE: Key = Key {
    word: "capture",
    schema: |schemas| schemas.subschema_for::<Form>(),
    needs: Some(Need { met: Program::captures, refuse }),
    by_entry: true,
    too_many: Some(codes::TOO_MANY_CAPTURES),
    check,
    ..Key::PLAIN
};

/// What to read when the probe fires: field names, each with an expression. For the program `trace`.
/// An argument by its name or number (`arg0`), a tracepoint's field, `retval`, or a builtin such as `exe`; then members and elements
/// of it (`sk->sk_mark`, `a[2]`); then `as TYPE`, for instance `errno`, `path`, `sock`, `duration`, `hex`, `string(64)`. Operators
/// join such values: `flags & 3`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("minProperties" = 1, "examples" = [{ "path": "filename as user_string", "port": "sk->__sk_common.skc_dport as port" }]))]
struct Form(Ordered<String>);

fn refuse(cx: &Cx<'_>, program: &Program) -> Option<Problem> {
    let message = format!("`{}` does not use `capture`", program.name);
    let problem = cx.error(codes::NEEDLESS_CAPTURE, cx.key(&["capture"]), message).help("remove `capture`");
    let names: Vec<&str> = own_fields(program).collect();
    Some(if names.is_empty() { problem } else { problem.note(format!("it reports: {}", words::list(names, 16))) })
}

fn check(checking: &mut Checking<'_>) {
    let Some(Form(Ordered(captures))) = checking.own("capture") else { return };
    let program = checking.program;
    let cx = &mut checking.cx;
    let capacity = program.map_or(usize::MAX, capacity);
    let fetched = || captures.iter().filter(|(_, text)| !HEAD.contains(&text.trim()));
    if let Some((name, _)) = fetched().nth(capacity) {
        let message = format!("the probe captures {} values; at most {capacity} are possible", fetched().count());
        let problem = cx.error(codes::TOO_MANY_CAPTURES, cx.key(&["capture", name]), message);
        cx.report(problem.label(format!("number {}", capacity + 1)).help("write a second probe on the same hook"));
    }
    let mut checked = Vec::new();
    for (name, _) in captures.iter().take(MAX_FIELDS) {
        if let Some(problem) = wrong_name(cx, name) {
            cx.report(problem);
        }
        let node = cx.node.at(&["capture", name]);
        if let Some(expr) = node.and_then(|node| expression::read(cx, node, &format!("capture `{name}`"))) {
            if let Some(node) = cx.node.at(&["capture", name]) {
                cx.note_text(Place::Capture(name.clone()), node);
            }
            checked.push(Capture { name: name.clone(), expr });
        }
    }
    if let Some((Some(hook), targets)) = &checking.hook {
        if checking.span.is_none() {
            keep_offered(cx, hook, &mut checked);
        }
        refuse_target_field(cx, "capture", (hook, targets), |field| {
            checked.iter().any(|capture| capture.name == field)
        });
    }
    if let Some(program) = checking.stand_in {
        keep_fitting(&mut checked, program);
    }
    for Capture { name, expr } in &checked {
        if let Some(node) = checking.cx.node.at(&["capture", name]) {
            note_sets(checking, expr, node);
        }
    }
    checking.then(move |draft| draft.spec.capture.clone_from(&checked));
}

/// How many values a program can fetch.
fn capacity(program: &Program) -> usize {
    program.fetch_table.as_ref().map_or(usize::MAX, FetchTable::capacity)
}

/// Drops the captures for which the program has no room; a probe with such ones has its problem.
fn keep_fitting(captures: &mut Vec<Capture>, program: &Program) {
    let mut left = capacity(program);
    captures.retain(|capture| {
        if HEAD.contains(&capture.expr.to_string().as_str()) {
            return true;
        }
        let fits = left > 0;
        left = left.saturating_sub(1);
        fits
    });
}

/// What is wrong with the name of a capture.
fn wrong_name(cx: &Cx<'_>, name: &str) -> Option<Problem> {
    let span = cx.key(&["capture", name]);
    if !is_identifier(name) || name.len() > MAX_NAME_BYTES {
        let message = format!("`{name}` is not a valid capture name");
        let problem = cx.error(codes::FIELD_NAME, span, message);
        let problem = problem.label(format!("letters, digits and `_`, no leading digit, at most {MAX_NAME_BYTES}"));
        return Some(match suggestion(name) {
            Some(better) => problem.help(format!("for example `{better}`")),
            None => problem,
        });
    }
    if RESERVED_FIELDS.contains(&name) {
        return Some(reserved(
            cx.error(codes::FIELD_NAME, span, format!("a capture cannot have the reserved name `{name}`")),
            name,
        ));
    }
    let (text, what, when) = sibling(name)?;
    let message = format!("`{name}` clashes with the field that marks that `{text}` {what}");
    let problem = cx.error(codes::FIELD_CLASH, span, message);
    if text == "comm" {
        return Some(problem.help("choose another name"));
    }
    cx.node.at(&["capture"])?.get(text).map(|captured| {
        problem
            .related(cx.at(captured.key_span), format!("writes `{name}: true` when it {when}"))
            .help("rename one of them")
    })
}

/// The name with everything that does not fit made `_`.
fn suggestion(name: &str) -> Option<String> {
    let mut better: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if better.starts_with(|c: char| c.is_ascii_digit()) {
        better.insert(0, '_');
    }
    better.truncate(MAX_NAME_BYTES);
    (is_identifier(&better) && better.contains(|c: char| c.is_ascii_alphanumeric())).then_some(better)
}
