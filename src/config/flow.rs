// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values as YAML on one line, for people to copy.

use serde_json::Value;

use super::pattern;

/// A value as YAML on one line, quoted where YAML would read something else.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// True for text that needs no quotes anywhere: it begins with a letter or `/` or is one of the language's own forms of a
/// number, and has no sign that ends a plain scalar.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let numbers = [pattern::DURATION, pattern::SIZE, pattern::RATE, pattern::SAMPLE];
    (begins || numbers.iter().any(|number| (number.matches)(text)))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./>:*? ".contains(c))
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !words.contains(&text.to_lowercase().as_str())
}
