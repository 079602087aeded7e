// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an entry of `sinks` looks like, for the gate and for editors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::forms::FORMS;
use crate::format::WRITERS;

/// An entry of `sinks` in its long form: one of [`FORMS`], and a format.
pub(in crate::config) struct SinkForm;

impl JsonSchema for SinkForm {
    fn schema_name() -> Cow<'static, str> {
        "Sink".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let words: Vec<String> = FORMS.iter().map(|form| format!("`{}`", form.word)).collect();
        let words =
            words.split_last().map_or(String::new(), |(last, others)| format!("{} and {last}", others.join(", ")));
        let mut properties: Map<String, Value> =
            FORMS.iter().map(|form| (form.word.to_owned(), (form.schema)(schemas).to_value())).collect();
        properties.insert("format".to_owned(), formats());
        json_schema!({
            "description":
                format!("Where events go and how they are written: a short form, or exactly one of {words}."),
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
            "examples": [
                "stdout", "jsonl:events.jsonl", { "file": { "path": "events.jsonl" }, "format": "jsonl" },
            ],
        })
    }
}

/// The words of all formats, and what they mean.
fn formats() -> Value {
    let docs = WRITERS.iter().map(|writer| format!("`{}`: {}. ", writer.name, writer.doc)).collect::<String>();
    let names: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
    serde_json::json!({
        "description": docs + "The default is `jsonl`; on a terminal it is `pretty`.",
        "type": "string",
        "enum": names,
    })
}
