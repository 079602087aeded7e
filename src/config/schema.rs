// SPDX-License-Identifier: MIT OR Apache-2.0
//! The JSON schema of the language, made from the raw types; what is published knows the programs as well.

use std::sync::OnceLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::document::Document;
use super::flow::flow;
use crate::catalog::{Catalog, Param, ParamType, Program};
use crate::hook;
use crate::spec::ParamValue;

/// The JSON schema (draft-07) of a configuration file, for editors.
///
/// It is what the first gate asks of every file, and on top of it, by `if` and `then`, what the second gate asks of the
/// name of a program and of its parameters. A test holds that both say the same of them.
pub fn schema(catalog: &Catalog) -> Value {
    let mut schema = described(catalog);
    for_editors(&mut schema);
    schema
}

/// The same as documentation is made from it: every key with its type, its words, its examples.
pub fn described(catalog: &Catalog) -> Value {
    let mut schema = language();
    let probe = schema.pointer_mut("/properties/probes/items").and_then(Value::as_object_mut);
    if let Some(probe) = probe {
        add_programs(probe, catalog);
    }
    schema
}

/// What keeps yaml-language-server from offering what it could: `maxProperties` beside `properties` (no key is offered
/// where one stands already, and it counts the empty line that is being completed), and examples that are mappings (offered
/// without a label; snippets have one).
fn for_editors(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(for_editors),
        Value::Object(map) => {
            // What stands under these is no schema.
            let inner =
                map.iter_mut().filter(|(key, _)| !["examples", "default", "enum", "const"].contains(&key.as_str()));
            inner.for_each(|(_, value)| for_editors(value));
            allow_variables(map);
            if map.get("properties").is_some_and(Value::is_object)
                && let Some(most) = map.remove("maxProperties")
            {
                map.insert("allOf".to_owned(), json!([{ "maxProperties": most }]));
            }
            let mappings = |examples: &Value| examples.as_array().is_some_and(|all| all.iter().any(Value::is_object));
            if let Some(Value::Array(examples)) = map.get("examples").filter(|all| mappings(all)).cloned() {
                map.remove("examples");
                let snippet = |body: &Value| {
                    let text = flow(body);
                    let bare = text.strip_prefix("{ ").and_then(|text| text.strip_suffix(" }"));
                    json!({ "label": bare.unwrap_or(&text), "body": body })
                };
                map.insert("defaultSnippets".to_owned(), examples.iter().map(snippet).collect());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is asked of a single value is not asked of one that has `${env:NAME}` or `${var:NAME}` in it: nobody knows its value yet.
fn allow_variables(schema: &mut Map<String, Value>) {
    let types = match &schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _none => return,
    };
    if types.iter().any(|name| ["object", "array"].contains(name)) {
        return;
    }
    let takes_text = types.contains(&"string");
    let mut asked = Map::new();
    for keyword in ["type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength"] {
        if let Some(value) = schema.get(keyword).filter(|_| keyword != "type" || !takes_text).cloned() {
            schema.remove(keyword);
            asked.insert(keyword.to_owned(), value);
        }
    }
    // Servers offer examples, but not the words of a branch.
    if let (Some(words), None) = (asked.get("enum"), schema.get("examples")) {
        schema.insert("examples".to_owned(), words.clone());
    }
    if !asked.is_empty() {
        schema.insert("if".to_owned(), json!({ "type": "string", "pattern": "\\$\\{(env|var):" }));
        schema.insert("else".to_owned(), asked.into());
    }
}

/// What the first gate asks: the language without the programs.
///
/// It uses a few keywords only: no `$ref`, no `anyOf`, no `oneOf`, no null; so every mistake has one exact place.
fn language() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let settings = settings.with_transform(RecursiveTransform(tidy));
    settings.into_generator().into_root_schema_for::<Document>().into()
}

/// What the first gate asks, made once.
pub(super) fn shared() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(language)
}

/// The programs' names, and for each one the parameters that it takes.
fn add_programs(probe: &mut Map<String, Value>, catalog: &Catalog) {
    if let Some(program) = probe.get_mut("properties").and_then(|properties| properties.get_mut("program")) {
        let names: Vec<&str> = catalog.programs().iter().map(|program| program.name.as_str()).collect();
        let docs: Vec<&str> = catalog.programs().iter().map(|program| program.doc.as_str()).collect();
        let list = catalog.programs().iter().map(|program| format!("\n\n`{}`: {}", program.name, program.doc));
        let description = program["description"].as_str().unwrap_or_default().to_owned() + &list.collect::<String>();
        program["description"] = description.into();
        program["enum"] = names.into();
        // A word of VS Code and yaml-language-server; validators leave it alone.
        program["enumDescriptions"] = docs.into();
    }
    let rule = |condition: Value, program: &Program| json!({ "if": condition, "then": { "properties": { "params": params(program) } } });
    let named = catalog.programs().iter().map(|program| {
        rule(json!({ "required": ["program"], "properties": { "program": { "const": program.name } } }), program)
    });
    let unnamed = usual_programs().into_iter().filter_map(|(name, mut condition)| {
        condition["not"] = json!({ "required": ["program"] });
        Some(rule(condition, catalog.get(name)?))
    });
    let rules: Vec<Value> = named.chain(unnamed).collect();
    if !rules.is_empty() {
        probe.insert("allOf".to_owned(), rules.into());
    }
}

/// The programs that run where none is named, each with the condition on the hook. What runs at most kinds runs at all that
/// no other rule is for.
fn usual_programs() -> Vec<(&'static str, Value)> {
    let most =
        hook::KINDS.iter().max_by_key(|kind| hook::KINDS.iter().filter(|other| other.program == kind.program).count());
    let most = most.map_or("", |kind| kind.program);
    let any_of = |programs: &dyn Fn(&str) -> bool| {
        let kinds = hook::KINDS.iter().filter(|kind| programs(kind.program));
        let named: Vec<Value> = kinds.map(|kind| json!({ "required": [kind.kind.word()] })).collect();
        if let [only] = named.as_slice() { only.clone() } else { json!({ "anyOf": named }) }
    };
    let at = |hook: Value| json!({ "required": ["hook"], "properties": { "hook": hook } });
    let mut programs: Vec<&str> =
        hook::KINDS.iter().map(|kind| kind.program).filter(|program| *program != most).collect();
    programs.dedup();
    let others = programs.into_iter().map(|name| (name, at(any_of(&|program| program == name))));
    others.chain([(most, at(json!({ "not": any_of(&|program| program != most) })))]).collect()
}

/// The parameters of one program.
fn params(program: &Program) -> Value {
    let properties: Map<String, Value> =
        program.params.iter().map(|param| (param.name.clone(), param_schema(param))).collect();
    let description = match program.params.len() {
        0 => format!("`{}` takes no parameters.", program.name),
        _some => format!("The parameters of `{}`.", program.name),
    };
    json!({ "type": "object", "description": description, "properties": properties, "additionalProperties": false })
}

fn param_schema(param: &Param) -> Value {
    let unit = if param.unit.is_empty() { String::new() } else { format!(" ({})", param.unit) };
    let (mut schema, default) = match &param.default {
        ParamValue::Bool(value) => (json!({ "type": "boolean" }), Value::from(*value)),
        ParamValue::Int(value) => (json!({ "type": "integer" }), integer(*value)),
        ParamValue::Text(text) => (json!({ "type": "string" }), Value::from(text.as_str())),
    };
    match param.ty {
        ParamType::Bool => {}
        ParamType::Int { least, most, .. } => {
            schema["minimum"] = integer(least);
            schema["maximum"] = integer(most);
        }
        // Characters here, bytes in the second gate: a text that is too long in bytes alone is for that one.
        ParamType::Text { size } => schema["maxLength"] = size.saturating_sub(1).into(),
    }
    schema["description"] = format!("{}{unit}. The default is {default}.", param.doc.trim_end_matches('.')).into();
    schema["default"] = default;
    schema
}

/// As JSON: what a parameter can hold fits 64 bits, with or without a sign.
fn integer(value: i128) -> Value {
    i64::try_from(value).map(Value::from).or_else(|_| u64::try_from(value).map(Value::from)).unwrap_or_default()
}

/// An optional key is left out, never null; descriptions are running text; integers have no Rust format.
fn tidy(schema: &mut Schema) {
    schema.remove("format");
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    drop_null_type(schema);
    drop_null_branch(schema);
}

/// `"type": ["string", "null"]` becomes `"type": "string"`.
fn drop_null_type(schema: &mut Schema) {
    let Some(Value::Array(types)) = schema.get_mut("type") else { return };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
}

/// `"anyOf": [X, {"type": "null"}]` becomes X; what stands beside it (the description of the key) wins.
fn drop_null_branch(schema: &mut Schema) {
    let Some(Value::Array(branches)) = schema.get("anyOf") else { return };
    let is_null = |branch: &Value| branch.get("type").is_some_and(|name| name == "null");
    let (Some(branch), true) = (branches.iter().find(|branch| !is_null(branch)), branches.iter().any(is_null)) else {
        return;
    };
    let Value::Object(branch) = branch.clone() else { return };
    schema.remove("anyOf");
    for (keyword, value) in branch {
        if schema.get(&keyword).is_none() {
            schema.insert(keyword, value);
        }
    }
    tidy(schema);
}
