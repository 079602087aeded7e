// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of fields of an event: what captures and labels cannot be called.

use super::definition::Checking;
use crate::catalog::Program;
use crate::config::{Cx, Problem, Span, codes, is_identifier};
use crate::spec::{Hook, RESERVED_FIELDS, Targets};
use crate::words;

/// Longest name of a field.
pub(super) const MAX_NAME_BYTES: usize = 64;
/// What the siblings of a text are called after the text's own name, what they say, and when they are written.
const SIBLINGS: [(&str, &str, &str); 2] =
    [("_truncated", "was cut", "is cut"), ("_escaped", "is not UTF-8", "is not UTF-8")];

/// The text that a field of this name would be a sibling of, what the sibling says, and when.
pub(super) fn sibling(name: &str) -> Option<(&str, &'static str, &'static str)> {
    SIBLINGS.into_iter().find_map(|(end, what, when)| Some((name.strip_suffix(end)?, what, when)))
}

/// The same text; of any other field itself.
pub(super) fn text_of(name: &str) -> &str {
    sibling(name).map_or(name, |(text, ..)| text)
}

pub(super) fn reserved(problem: Problem, name: &str) -> Problem {
    let problem = problem.label("reserved");
    let problem = if ["pid", "tid", "uid", "comm"].contains(&name) {
        problem.help(format!(
            "every event has the `{name}` of the process; choose another name, for example \
                              `the_{name}`"
        ))
    } else {
        problem.help(format!("choose another name, for example `my_{name}`"))
    };
    problem.note(format!("reserved names: {}", words::list(RESERVED_FIELDS, 16)))
}

/// What a program reports without being asked.
pub(super) fn own_fields(program: &Program) -> impl Iterator<Item = &str> {
    let event = program.event.iter().flat_map(|layout| &layout.fields);
    let counters = program.counters.iter().flat_map(|counters| &counters.row.fields);
    event.chain(counters).map(|field| field.name.as_str())
}

/// A probe with several targets says in a field which one an event comes from: no other field can have that name.
pub(super) fn refuse_target_field(
    cx: &mut Cx<'_>,
    key: &str,
    (hook, targets): (&Hook, &Targets),
    has: impl Fn(&str) -> bool,
) {
    let Some(field) = hook.target_field().filter(|field| has(field)) else { return };
    match targets {
        Targets::One | Targets::FirstOf(_) => {}
        Targets::Each(_) => {
            let message = format!("two fields would have the name `{field}`");
            let problem = cx.error(codes::FIELD_CLASH, cx.key(&[key, field]), message);
            let label = format!("this is the field for the {field} that an event comes from");
            cx.report(problem.label(label).help("choose another name"));
        }
    }
}

/// True, and reported, for what a field of a row cannot be called.
pub(super) fn wrong_field_of_row(checking: &mut Checking<'_>, what: &str, name: &str, span: Span) -> bool {
    let cx = &mut checking.cx;
    if !is_identifier(name) || name.len() > MAX_NAME_BYTES {
        let problem = cx.error(codes::FIELD_NAME, span, format!("`{name}` is not a valid name of a {what}"));
        cx.report(problem.label(format!("letters, digits and `_`, no leading digit, at most {MAX_NAME_BYTES}")));
        return true;
    }
    if is_reserved_in_rows(name) {
        let problem = cx.error(codes::FIELD_NAME, span, format!("a {what} cannot have the reserved name `{name}`"));
        cx.report(reserved_in_rows(problem, &format!("choose another name, for example `my_{name}`")));
        return true;
    }
    false
}

/// True for what every row has.
pub(super) fn is_reserved_in_rows(name: &str) -> bool {
    OF_ROWS.contains(&name)
}

/// The problem of such a name.
pub(super) fn reserved_in_rows(problem: Problem, help: &str) -> Problem {
    let problem = problem.label("reserved").help(help);
    problem.note(format!("reserved names: {}", words::list(OF_ROWS.iter().copied(), 16)))
}

/// What every row has; the fields of a process may be keys.
const OF_ROWS: &[&str] = &["ts", "probe", "type", "interval_ms", "table", "cumulative", "short_record", "left_out"];
