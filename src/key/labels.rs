// SPDX-License-Identifier: MIT OR Apache-2.0
//! `labels: { team: network }`

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::definition::{Checking, InDefaults, Joined, Key};
use super::fields::{MAX_NAME_BYTES, own_fields, refuse_target_field, reserved, text_of};
use crate::catalog::Program;
use crate::config::{Cx, Node, Ordered, Problem, Scalar, SourceFile, Span, codes};
use crate::spec::RESERVED_FIELDS;

pub(super) const LABELS: Key = Key {
    word: "labels",
    schema: |schemas| schemas.subschema_for::<OfProbe>(),
    in_defaults: Some(InDefaults {
        rank: 2,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::ByEntry,
    }),
    by_entry: true,
    written,
    check,
    ..Key::PLAIN
};

/// Constant fields of every event of this probe.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "for the schema; labels are taken as they are written")]
struct OfProbe(#[schemars(schema_with = "values")] Ordered<Scalar>);

/// Constant fields of every event. A probe's own label of the same name wins; the others stay.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "for the schema")]
struct Default(#[schemars(schema_with = "values")] Ordered<Scalar>);

fn values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "examples": [{ "team": "network" }],
    })
}

/// The labels of the file's defaults must fit the probe as well; a mistake in themselves has been said.
fn check(checking: &mut Checking<'_>) {
    let own = checking.cx.node.at(&["labels"]);
    let (given, program) = (checking.default_of("labels"), checking.program);
    let inherited = given.map(Node::entries).unwrap_or_default().iter();
    let inherited: Vec<(String, Span)> = inherited.map(|entry| (entry.key.clone(), entry.key_span)).collect();
    let cx = &mut checking.cx;
    for (name, span) in &inherited {
        let replaced = own.is_some_and(|own| own.get(name).is_some());
        let problem = clash(cx, name, *span, program).filter(|_| !replaced && wrong_name(cx, name, *span).is_none());
        problem.into_iter().for_each(|problem| cx.report(problem));
    }
    let mut labels: Vec<(String, String)> = Vec::new();
    for entry in own.map(Node::entries).unwrap_or_default() {
        let (name, span) = (&entry.key, entry.key_span);
        if let Some(problem) = wrong_name(cx, name, span).or_else(|| clash(cx, name, span, program)) {
            cx.report(problem);
        }
        labels.push((name.clone(), text(cx.source, &entry.value)));
    }
    if let Some((Some(hook), targets)) = &checking.hook {
        let known =
            |name: &str| labels.iter().any(|(own, _)| own == name) || inherited.iter().any(|(own, _)| own == name);
        // A capture of this name is the one to blame.
        let captured = cx.node.at(&["capture"]);
        let has = |name: &str| known(name) && captured.is_none_or(|captured| captured.get(name).is_none());
        refuse_target_field(cx, "labels", (hook, targets), has);
    }
    checking.then(move |draft| {
        for (name, text) in &labels {
            match draft.spec.labels.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.clone_from(text),
                None => draft.spec.labels.push((name.clone(), text.clone())),
            }
        }
    });
}

/// All of them as text.
fn written(source: &SourceFile, labels: &Node) -> Json {
    let labels = labels.entries().iter();
    labels.map(|label| (label.key.clone(), Json::from(text(source, &label.value)))).collect()
}

/// The text of a label: numbers and booleans as they are written.
fn text(source: &SourceFile, node: &Node) -> String {
    node.text().unwrap_or_else(|| node.shown(&source.text)).to_owned()
}

/// What is wrong with the name of a label, whatever else the probe has.
fn wrong_name(cx: &Cx<'_>, name: &str, span: Span) -> Option<Problem> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '=' || c == '"';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(odd) {
        let problem = cx.error(codes::FIELD_NAME, span, format!("`{name}` is not a valid label name"));
        return Some(problem.label(format!("1 to {MAX_NAME_BYTES} characters, no space, `=` or `\"`")));
    }
    let problem = || cx.error(codes::FIELD_NAME, span, format!("a label cannot have the reserved name `{name}`"));
    RESERVED_FIELDS.contains(&name).then(|| reserved(problem(), name))
}

/// Whether a label has the name of another field of the events.
fn clash(cx: &Cx<'_>, name: &str, span: Span, program: Option<&Program>) -> Option<Problem> {
    let captures = cx.node.at(&["capture"]);
    let capture = captures.and_then(|captures| captures.get(text_of(name)));
    let capture = capture.or_else(|| captures?.get(name));
    if let Some(capture) = capture {
        let problem =
            cx.error(codes::FIELD_CLASH, span, format!("label `{name}` has the same name as a captured field"));
        return Some(problem.related(cx.at(capture.key_span), "captured here").help("rename one of them"));
    }
    let has = |program: &&Program| own_fields(program).any(|field| field == name || field == text_of(name));
    let program = program.filter(|program| has(program) || text_of(name) == "comm")?;
    let message = format!("label `{name}` has the same name as a field of `{}`", program.name);
    Some(cx.error(codes::FIELD_CLASH, span, message).help("rename the label"))
}
