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

/// From when to when a time can be, as its key is described.
pub(super) fn range_help(schema: &Map<String, Json>) -> Option<String> {
    let text = schema.get("description")?.as_str()?.replace('\n', " ");
    let range = text.split("from ").skip(1).find(|range| range.starts_with(|c: char| c.is_ascii_digit()))?;
    let end = [". ", ": "].iter().filter_map(|sign| range.find(sign)).min().unwrap_or(range.len());
    Some(format!("it can be from {}", range[..end].trim_end_matches('.')))
}
