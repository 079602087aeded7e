// SPDX-License-Identifier: MIT OR Apache-2.0
//! The JSON schema of the language, made from the raw types.

use std::sync::OnceLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::raw::Document;

/// The JSON schema (draft-07) of a configuration file, for editors and for the first gate.
///
/// It uses a few keywords only: no `$ref`, no `anyOf`, no `oneOf`, no null; so every mistake has one exact place.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let settings = settings.with_transform(RecursiveTransform(tidy));
    settings.into_generator().into_root_schema_for::<Document>().into()
}

/// The same, made once.
pub(super) fn shared() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(schema)
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
