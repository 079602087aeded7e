// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our validator against the crate `jsonschema`: on every document they find the same mistakes at the same places.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::validate::Kind;
use crate::config::Environment;
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Segment};
use crate::config::{pattern, schema};

/// JSON is YAML: the same document as our validator sees it.
fn ours(document: &Json) -> BTreeSet<(String, &'static str)> {
    let source = Arc::new(SourceFile::new("t.yaml", document.to_string()));
    let (root, problems) = yaml::parse(&source, &Environment::default());
    assert!(problems.is_empty(), "{problems:?}");
    let pointer = |path: &[Segment]| -> String {
        let steps = path.iter().map(|segment| match segment {
            Segment::Key(key) => format!("/{key}"),
            Segment::Index(index) => format!("/{index}"),
        });
        steps.collect()
    };
    let keyword = |kind: &Kind<'_>| match kind {
        Kind::Type { .. } => "type",
        Kind::UnknownKey { .. } => "additionalProperties",
        Kind::MissingKey { .. } => "required",
        Kind::NotListed { .. } => "enum",
        Kind::Form { .. } => "pattern",
        Kind::TooShort => "least",
        Kind::TooSmall { .. } => "minimum",
        Kind::TooLarge { .. } => "maximum",
        Kind::TooFewKeys => "minProperties",
        Kind::TooManyKeys { .. } => "maxProperties",
        Kind::TooLong { .. } => "maxItems",
        Kind::Broken => "broken",
    };
    let found = super::violations(&root.unwrap());
    found.iter().map(|violation| (pointer(&violation.path), keyword(&violation.kind))).collect()
}

fn theirs(validator: &jsonschema::Validator, document: &Json) -> BTreeSet<(String, &'static str)> {
    let keyword = |kind: &jsonschema::error::ValidationErrorKind| match kind.keyword() {
        "type" => "type",
        // `falseSchema`: of a mapping that has no keys at all.
        "additionalProperties" | "falseSchema" => "additionalProperties",
        "required" => "required",
        "enum" => "enum",
        "pattern" => "pattern",
        "minLength" | "minItems" => "least",
        "minimum" => "minimum",
        "maximum" => "maximum",
        "minProperties" => "minProperties",
        "maxProperties" => "maxProperties",
        "maxItems" => "maxItems",
        other => panic!("the schema uses `{other}`, our validator does not know it"),
    };
    let errors = validator.iter_errors(document);
    let all: BTreeSet<(String, &str)> =
        errors.map(|error| (error.instance_path().to_string(), keyword(error.kind()))).collect();
    // We say no more of a value that has the wrong type.
    let wrong_type: BTreeSet<String> =
        all.iter().filter(|(_, keyword)| *keyword == "type").map(|(path, _)| path.clone()).collect();
    all.into_iter().filter(|(path, keyword)| *keyword == "type" || !wrong_type.contains(path)).collect()
}

/// Texts that are right somewhere, texts that are right nowhere.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9][A-Za-z0-9._-]{0,4}",
        "[0-9]{1,3}(ms|s|m|h|KiB|MiB|GiB|x)?",
        prop::sample::select(vec!["", "auto", "native", "pretty", "jsonl", "öff nung", "sched:sched_switch"])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => text().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => prop_oneof![-3i64..3, 4_194_303i64..4_194_306].prop_map(Json::from),
        1 => prop::sample::select(vec![Json::Null, json!(1.5), json!([]), json!({}), json!([1]), json!({ "a": "b" })]),
    ]
}

/// A document made from the schema itself: mostly what it asks for, now and then something else.
fn document(schema: &Json) -> BoxedStrategy<Json> {
    let types: Vec<String> = match &schema["type"] {
        Json::Array(several) => several.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Json::String(one) => vec![one.clone()],
        _none => Vec::new(),
    };
    let mut branches: Vec<BoxedStrategy<Json>> = vec![value().boxed()];
    if let Some(words) = schema["enum"].as_array() {
        branches.push(prop::sample::select(words.clone()).boxed());
    }
    if types.iter().any(|name| name == "string") {
        branches.push(text().prop_map(Json::from).boxed());
    }
    if types.iter().any(|name| name == "array") {
        branches.push(prop::collection::vec(document(&schema["items"]), 0..3).prop_map(Json::Array).boxed());
    }
    if types.iter().any(|name| name == "object") {
        branches.push(mapping(schema));
        branches.push(mapping(schema));
    }
    proptest::strategy::Union::new(branches).boxed()
}

fn mapping(schema: &Json) -> BoxedStrategy<Json> {
    let mut entries: Vec<BoxedStrategy<Option<(String, Json)>>> = Vec::new();
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let key = key.clone();
        let one = document(inner).prop_map(move |value| (key.clone(), value));
        entries.push(prop::option::weighted(0.5, one).boxed());
    }
    let free = if schema["additionalProperties"].is_object() { &schema["additionalProperties"] } else { &Json::Null };
    let weight = if free.is_object() { 0.7 } else { 0.1 };
    entries.push(prop::option::weighted(weight, ("[a-z]{1,6}", document(free))).boxed());
    entries.prop_map(|entries| Json::Object(entries.into_iter().flatten().collect())).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    /// Both validators find the same mistakes at the same places.
    #[test]
    fn same_verdicts(document in mapping(schema::shared())) {
        static VALIDATOR: LazyLock<jsonschema::Validator> =
            LazyLock::new(|| jsonschema::draft7::new(schema::shared()).unwrap());
        prop_assert_eq!(ours(&document), theirs(&VALIDATOR, &document), "{}", document);
    }

    /// A form's function accepts what its regular expression accepts.
    #[test]
    fn same_forms(text in text(), any in "\\PC{0,12}") {
        for (form, validator) in FORMS.iter() {
            for text in [&text, &any] {
                prop_assert_eq!((form.matches)(text), validator.is_valid(&json!(text)), "{} {:?}", form.regex, text);
            }
        }
    }
}

/// Every form with its regular expression, compiled.
static FORMS: LazyLock<Vec<(pattern::Pattern, jsonschema::Validator)>> = LazyLock::new(|| {
    let compile = |form: &pattern::Pattern| jsonschema::draft7::new(&json!({ "pattern": form.regex })).unwrap();
    pattern::ALL.iter().map(|form| (*form, compile(form))).collect()
});

/// Lengths at the edge, line ends at the end.
#[test]
fn forms_at_their_edges() {
    let texts =
        ["a".repeat(64), "a".repeat(65), "a\n".into(), "1s\n".into(), "123456789ms".into(), "1234567890ms".into()];
    for (form, validator) in FORMS.iter() {
        for text in &texts {
            assert_eq!((form.matches)(text), validator.is_valid(&json!(text)), "{} {text:?}", form.regex);
        }
    }
}
