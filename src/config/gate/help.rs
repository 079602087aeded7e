// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to write instead of a value of the wrong type, or where there is none.

use serde_json::{Map, Value as Json};

use super::meant::{hook_help, is_quoted_integer, meant_as_mapping, sample_of_number, sink_help};
use super::validate::{Violation, types};
use super::written::{find, goes_on, is_version, shown};
use super::wrong_form::{mode_help, with_unit};
use crate::config::flow::flow;
use crate::config::pattern;
use crate::config::source::SourceFile;
use crate::config::yaml::{Node, Segment, Value};
use crate::words;

pub(super) fn missing_help(key: &str, schema: &Map<String, Json>) -> Option<String> {
    if key == "version" {
        return Some("begin the file with `version: 1`".to_owned());
    }
    if key == "probes" {
        return Some("add `probes:` and under it a list; each entry begins with `- name: NAME`".to_owned());
    }
    let example = schema.get("properties")?.get(key)?.get("examples")?.get(0).map(flow);
    Some(match example {
        Some(example) => format!("add it, for example `{key}: {example}`"),
        None => format!("add `{key}: …`"),
    })
}

/// What to write instead of a value of the wrong type.
pub(super) fn type_help(violation: &Violation<'_>, source: &SourceFile, root: &Node) -> Option<String> {
    let raw = shown(source, root, violation);
    let expected = types(violation.schema);
    let wants = |name: &str| expected.contains(&name);
    let node = find(root, &violation.path)?;
    let key = match violation.path.last() {
        Some(Segment::Key(key)) => key.as_str(),
        Some(Segment::Index(_)) | None => "",
    };
    let scalar = matches!(node.value, Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Float(_));
    if is_version(&violation.path) {
        return Some("write `version: 1`: a whole number, without quotes".to_owned());
    }
    if violation.path.is_empty() {
        return Some("begin with `version: 1`, then `probes:` and under it the list".to_owned());
    }
    if node.value == Value::Null && matches!(violation.path.last(), Some(Segment::Index(_))) {
        return Some("write the entry behind its `-`, or remove the `-`".to_owned());
    }
    if node.value == Value::Null && takes_no_keys(violation.schema) {
        return Some(format!("write `{key}: {{}}`"));
    }
    if node.value == Value::Null {
        return Some(example(violation.schema).map_or_else(
            || format!("write the value behind `{key}:`, indented if on lines of its own; or remove the key"),
            |example| format!("write for example `{key}: {example}`, or remove the key"),
        ));
    }
    if let Some(truth) = node.text().filter(|_| wants("boolean")).and_then(words::truth) {
        return Some(format!("YAML 1.2 has only `true` and `false`: write `{key}: {truth}`"));
    }
    if let Some(text) = node.text().filter(|text| wants("boolean") && matches!(*text, "true" | "false")) {
        return Some(format!("remove the quotes: `{key}: {text}`"));
    }
    if let Some(help) = substituted_help(node, source, key, &expected) {
        return Some(help);
    }
    if let Some(help) = node.text().filter(|_| key == "hook" && wants("object")).and_then(hook_help) {
        return Some(help);
    }
    if let Some(help) = sink_help(&violation.path, node) {
        return Some(help);
    }
    let unquoted = node.text().filter(|text| wants("integer") && is_quoted_integer(text));
    if let Some(text) = unquoted {
        return Some(format!("remove the quotes: `{key}: {text}`"));
    }
    if let Some(help) = meant_as_mapping(key, node, violation.schema).filter(|_| wants("object")) {
        return Some(help);
    }
    if wants("array") && scalar && !wants("string") {
        let text = node.text().unwrap_or(&raw);
        if goes_on(source, root, violation) {
            let words: Vec<&str> = text.split_whitespace().collect();
            return Some(format!("write it as a list: `{key}: [{}]`", words.join(", ")));
        }
        return Some(format!("write it as a list: `{key}: [{text}]`"));
    }
    if wants("array") && matches!(node.value, Value::Map(_)) {
        let named = violation.schema.get("items").is_some_and(|items| items["properties"].get("name").is_some());
        let first = node.entries().first().map_or("NAME", |entry| entry.key.as_str());
        let value = if first == "name" { node.get("name").and_then(|entry| entry.value.text()) } else { Some(first) };
        let start = if named { format!("name: {}", value.unwrap_or("NAME")) } else { String::new() };
        return Some(format!("begin each entry with `- {start}`"));
    }
    if wants("object")
        && scalar
        && let Some([required]) = violation.schema.get("required").and_then(Json::as_array).map(Vec::as_slice)
    {
        return Some(match violation.path.last() {
            Some(Segment::Index(_)) => format!("write `- {}: {raw}`", flow(required)),
            Some(Segment::Key(_)) | None => format!("write `{key}: {{ {}: {raw} }}`", flow(required)),
        });
    }
    if wants("object")
        && !node.items().is_empty()
        && let Some([Json::String(required)]) =
            violation.schema.get("required").and_then(Json::as_array).map(Vec::as_slice)
        && violation.schema.get("properties").is_some_and(|keys| types_of(&keys[required.as_str()]).contains(&"array"))
        && raw.ends_with(']')
    {
        return Some(format!("write `{key}: {{ {required}: {raw} }}`"));
    }
    let form =
        pattern::ALL.iter().find(|form| violation.schema.get("pattern").is_some_and(|regex| regex == form.regex));
    if form.is_some_and(|form| form.regex == pattern::MODE.regex) && scalar {
        return Some(mode_help(&raw));
    }
    if let Some(help) = sample_of_number(form, node, &raw) {
        return Some(help);
    }
    if let (Value::Int(_), Some(form)) = (&node.value, form)
        && let Some(text) = with_unit(&raw, form).filter(|_| !(form.matches)(&raw))
    {
        return Some(format!("add a unit, for example `{key}: {text}`"));
    }
    let is_capture = matches!(violation.path.as_slice(), [.., Segment::Key(map), Segment::Key(_)] if map == "capture");
    if is_capture && scalar {
        return Some("write what to read, for example `arg0`, `retval` or `filename as user_string`".to_owned());
    }
    let quotable = matches!(node.value, Value::Int(_) | Value::Bool(_) | Value::Float(_));
    if wants("string") && quotable && form.is_none_or(|form| (form.matches)(&raw)) {
        let before = if key.is_empty() { String::new() } else { format!("{key}: ") };
        return Some(format!("put it in quotes: `{before}\"{raw}\"`"));
    }
    example_help(violation.schema)
}

/// What to write around a reference to the environment so that its value has the type that is wanted.
fn substituted_help(node: &Node, source: &SourceFile, key: &str, expected: &[&str]) -> Option<String> {
    node.origin.as_ref()?.substituted.as_ref()?;
    let written = source.text.get(node.span.start..node.span.end)?.lines().next()?;
    if expected.contains(&"string") {
        return Some(format!("in quotes it is text, whatever the environment says: `{key}: \"{written}\"`"));
    }
    if !(expected.contains(&"integer") || expected.contains(&"boolean")) {
        return Some("the environment gives single values only: write this out, with references inside".to_owned());
    }
    let quoted = node.text().filter(|_| written.starts_with(['"', '\'']));
    let bare = written.trim_matches(['"', '\'']);
    quoted.map(|_| format!("in quotes it is text: write it on a line of its own, without them: `{key}: {bare}`"))
}

fn types_of(schema: &Json) -> Vec<&str> {
    schema.as_object().map(types).unwrap_or_default()
}

/// True for a mapping that can only be `{}`.
fn takes_no_keys(schema: &Map<String, Json>) -> bool {
    let keys = schema.get("properties").and_then(Json::as_object).map_or(0, Map::len);
    keys == 0 && schema.get("additionalProperties") == Some(&Json::Bool(false))
}

fn example(schema: &Map<String, Json>) -> Option<String> {
    schema.get("examples")?.get(0).map(flow)
}

pub(super) fn example_help(schema: &Map<String, Json>) -> Option<String> {
    example(schema).map(|example| format!("for example `{example}`"))
}
