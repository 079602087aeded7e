// SPDX-License-Identifier: MIT OR Apache-2.0
//! A validator for the few keywords that our schema uses, straight over the located tree.
//!
//! The crate `jsonschema` would add 4 MB to the binary for these; it is the oracle of the tests instead. Where we
//! differ: `1.0` is not an integer, as everywhere in this language.

use serde_json::{Map, Value as Json};

use crate::config::pattern;
use crate::config::source::Span;
use crate::config::yaml::{Entry, Node, Segment, Value};

/// One place where a file is not as the schema wants it.
#[derive(Debug)]
pub(crate) struct Violation<'s> {
    /// The way from the root to the value that is to blame.
    pub(crate) path: Vec<Segment>,
    /// What to point at: the value, or the key where the key is wrong.
    pub(crate) span: Span,
    /// The schema of the value.
    pub(crate) schema: &'s Map<String, Json>,
    /// What is wrong.
    pub(crate) kind: Kind<'s>,
}

/// What is wrong at one place.
#[derive(Debug)]
pub(crate) enum Kind<'s> {
    /// A value of another type; `expected` are JSON's names.
    Type { expected: Vec<&'s str>, found: &'static str },
    /// A key that this mapping does not have.
    UnknownKey { key: String, allowed: Vec<&'s str> },
    /// A key that must be there and is not.
    MissingKey { key: &'s str },
    /// A value that is not in the list.
    NotListed { allowed: &'s [Json] },
    /// A text of the wrong form; `regex` as in the schema.
    Form { regex: &'s str },
    /// A text or list with fewer characters or elements than `least`.
    TooShort,
    /// A number under the minimum.
    TooSmall { least: i128 },
    /// A number over the maximum.
    TooLarge { most: i128 },
    /// A mapping with too few keys.
    TooFewKeys,
    /// A list with more than `most` elements.
    TooLong { most: usize },
    /// A mapping with more than `most` keys.
    TooManyKeys { most: usize },
    /// What could not be read, as a whole or in part; it has its problem already.
    Broken,
}

/// Everything that is wrong, in the order of the file.
pub(super) fn validate<'s>(schema: &'s Json, root: &Node) -> Vec<Violation<'s>> {
    let mut validator = Validator { path: Vec::new(), found: Vec::new() };
    validator.node(schema, root);
    validator.found
}

struct Validator<'s> {
    path: Vec<Segment>,
    found: Vec<Violation<'s>>,
}

impl<'s> Validator<'s> {
    fn report(&mut self, span: Span, schema: &'s Map<String, Json>, kind: Kind<'s>) {
        self.found.push(Violation { path: self.path.clone(), span, schema, kind });
    }

    /// Not deep: the tree has a bounded depth.
    fn node(&mut self, schema: &'s Json, node: &Node) {
        let Some(schema) = schema.as_object() else { return };
        if node.value == Value::Broken {
            self.report(node.span, schema, Kind::Broken);
            return;
        }
        let expected = types(schema);
        if !expected.is_empty() && !expected.iter().any(|name| has_type(name, &node.value)) {
            // The mistake that ends reading may have made a list look like a mapping.
            let kind = if node.is_incomplete() { Kind::Broken } else { Kind::Type { expected, found: node.kind() } };
            self.report(node.span, schema, kind);
            return;
        }
        if let Some(allowed) = schema.get("enum").and_then(Json::as_array)
            && !allowed.contains(&node.to_json())
        {
            self.report(node.span, schema, Kind::NotListed { allowed });
        }
        match &node.value {
            Value::Text(text) => self.text(schema, node.span, &text.text),
            Value::Int(value) => {
                let bound = |keyword| schema.get(keyword).and_then(Json::as_i64).map(i128::from);
                if let Some(least) = bound("minimum").filter(|least| value < least) {
                    self.report(node.span, schema, Kind::TooSmall { least });
                }
                if let Some(most) = bound("maximum").filter(|most| value > most) {
                    self.report(node.span, schema, Kind::TooLarge { most });
                }
            }
            Value::Seq(items) => self.items(schema, node, items),
            Value::Map(entries) => self.entries(schema, node, entries),
            Value::Null | Value::Bool(_) | Value::Float(_) | Value::Broken => {}
        }
    }

    fn text(&mut self, schema: &'s Map<String, Json>, span: Span, text: &str) {
        if number(schema, "minLength").is_some_and(|least| text.chars().count() < least) {
            self.report(span, schema, Kind::TooShort);
        }
        if let Some(regex) = schema.get("pattern").and_then(Json::as_str) {
            let form = pattern::ALL.iter().find(|form| form.regex == regex);
            if form.is_some_and(|form| !(form.matches)(text)) {
                self.report(span, schema, Kind::Form { regex });
            }
        }
    }

    fn items(&mut self, schema: &'s Map<String, Json>, node: &Node, items: &[Node]) {
        if node.is_incomplete() {
            self.report(node.span, schema, Kind::Broken);
        } else if number(schema, "minItems").is_some_and(|least| items.len() < least) {
            self.report(node.span, schema, Kind::TooShort);
        }
        let most = number(schema, "maxItems").unwrap_or(usize::MAX);
        if let Some(surplus) = items.get(most) {
            self.report(surplus.span, schema, Kind::TooLong { most });
        }
        let Some(schema) = schema.get("items") else { return };
        for (index, item) in items.iter().enumerate() {
            self.path.push(Segment::Index(index));
            self.node(schema, item);
            self.path.pop();
        }
    }

    fn entries(&mut self, schema: &'s Map<String, Json>, node: &Node, entries: &[Entry]) {
        let properties = schema.get("properties").and_then(Json::as_object);
        self.missing(schema, node, entries);
        let most = number(schema, "maxProperties").unwrap_or(usize::MAX);
        if let Some(surplus) = entries.get(most) {
            self.report(surplus.key_span, schema, Kind::TooManyKeys { most });
        }
        for entry in entries {
            let known = properties.and_then(|properties| properties.get(&entry.key));
            match known.or(schema.get("additionalProperties")) {
                Some(Json::Bool(false)) => {
                    let allowed = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    self.report(entry.key_span, schema, Kind::UnknownKey { key: entry.key.clone(), allowed });
                }
                Some(schema) => {
                    self.path.push(Segment::Key(entry.key.clone()));
                    self.node(schema, &entry.value);
                    self.path.pop();
                }
                None => {}
            }
        }
    }

    /// Nothing can be said to be missing in what could not be read as a whole.
    fn missing(&mut self, schema: &'s Map<String, Json>, node: &Node, entries: &[Entry]) {
        if node.is_incomplete() {
            self.report(node.span, schema, Kind::Broken);
            return;
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                self.report(node.span, schema, Kind::MissingKey { key });
            }
        }
        if number(schema, "minProperties").is_some_and(|least| entries.len() < least) {
            self.report(node.span, schema, Kind::TooFewKeys);
        }
    }
}

fn number(schema: &Map<String, Json>, keyword: &str) -> Option<usize> {
    schema.get(keyword).and_then(Json::as_u64).and_then(|value| usize::try_from(value).ok())
}

/// The names under `type`, whether one or several.
pub(super) fn types(schema: &Map<String, Json>) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one.as_str()],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) | None => Vec::new(),
    }
}

fn has_type(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Int(_) => name == "integer" || name == "number",
        Value::Float(_) => name == "number",
        Value::Text(_) => name == "string",
        Value::Seq(_) => name == "array",
        Value::Map(_) => name == "object",
        Value::Broken => true,
    }
}
