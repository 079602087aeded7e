// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of the kernel that have names of their own: what `tracepoint`, `raw_tracepoint` and `lsm` share.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::names::{names, targets};
use crate::config::forms::{Names, NamesOr, form_with};
use crate::config::{Cx, Span, codes};
use crate::spec::{HookKind, Targets};

/// The long form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Event {
    /// The event's name, a list of names, or a glob. With anything but one name, events carry a field that says which one
    /// it was.
    #[serde(default)]
    name: Option<Names>,
    /// The first of these events that exists in the kernel, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    first_of: Option<Vec<String>>,
}

/// What may stand under the key of such a kind.
pub(super) fn form(generator: &mut SchemaGenerator, examples: Value) -> Schema {
    form_with::<NamesOr<Event>>(generator, examples)
}

/// `{ name: NAME }` for a name or a list of them.
pub(super) fn long(value: Value) -> Value {
    match value {
        Value::String(_) | Value::Array(_) => json!({ "name": value }),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// One name as it is written.
pub(super) struct Written<'n> {
    pub(super) name: &'n str,
    pub(super) span: Span,
    /// Whether it may be a glob.
    pub(super) may_be_glob: bool,
}

/// The first name, and what there is of them. `is_good` judges each, and reports what is wrong with it.
pub(super) fn check(
    cx: &mut Cx<'_>,
    kind: HookKind,
    is_good: impl Fn(&mut Cx<'_>, Written<'_>) -> bool,
) -> Option<(String, Targets)> {
    let word = kind.word();
    let raw = cx.decode::<NamesOr<Event>>(&["hook", word])?;
    let (given, first_of) = match &raw {
        NamesOr::Names(given) => (Some(given), None),
        NamesOr::Long(long) => (long.name.as_ref(), long.first_of.as_ref()),
    };
    let one_of = |cx: &mut Cx<'_>, found: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", word]), format!("`{kind}` {found}"));
        cx.report(problem.label("needs exactly one of `name` and `first_of`"));
        None
    };
    let names = match (given, first_of) {
        (Some(given), None) => names(cx, &["hook", word, "name"], given),
        (None, Some(first_of)) => names(cx, &["hook", word, "first_of"], &Names::Several(first_of.clone())),
        (Some(_), Some(_)) => return one_of(cx, "has both `name` and `first_of`"),
        (None, None) => return one_of(cx, "has no name"),
    };
    let mut good = true;
    for (name, span) in &names {
        good &= is_good(cx, Written { name, span: *span, may_be_glob: first_of.is_none() });
    }
    let found = match first_of {
        Some(names) => (names.first()?.clone(), Targets::FirstOf(names.clone())),
        None => targets(names)?,
    };
    good.then_some(found)
}

/// The same text with a letter for each sign of a glob, where it may be one.
pub(super) fn without_stars(text: &str, may_be_glob: bool) -> String {
    if may_be_glob { text.replace(['*', '?'], "_") } else { text.to_owned() }
}
