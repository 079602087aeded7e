// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to write where nothing is known of what was meant: examples of the schema.

use serde_json::{Map, Value as Json};

use crate::config::flow::flow;

/// What to write where a key is missing.
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

/// An example of a value.
pub(super) fn example_help(schema: &Map<String, Json>) -> Option<String> {
    let example = schema.get("examples")?.get(0).map(flow)?;
    Some(format!("for example `{example}`"))
}
