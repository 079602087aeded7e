// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of the wrong type that say all the same what is meant.

use serde_json::{Map, Value as Json};

use super::form::{mode_of, with_unit};
use super::limits;
use crate::config::flow::flow;
use crate::config::pattern::{self, Pattern};
use crate::config::source::SourceFile;
use crate::config::yaml::{Node, Segment, Value};
use crate::words;

/// A value that is not of a type that its key takes.
pub(in crate::config) struct Misfit<'a> {
    pub(in crate::config) source: &'a SourceFile,
    /// The way to it from the top of the file.
    pub(in crate::config) path: &'a [Segment],
    pub(in crate::config) node: &'a Node,
    /// Its first line, as written or as the environment has it.
    pub(in crate::config) shown: &'a str,
    /// True for a text without quotes that has more lines than people see at a glance.
    pub(in crate::config) goes_on: bool,
    /// What the schema asks.
    pub(in crate::config) schema: &'a Map<String, Json>,
    /// The types that it takes, by JSON's names.
    pub(in crate::config) expected: &'a [&'a str],
}

impl Misfit<'_> {
    pub(super) fn wants(&self, name: &str) -> bool {
        self.expected.contains(&name)
    }

    /// The key that it stands under; empty for an entry of a list.
    pub(super) fn key(&self) -> &str {
        if let Some(Segment::Key(key)) = self.path.last() { key } else { "" }
    }

    pub(super) fn is_in_a_list(&self) -> bool {
        matches!(self.path.last(), Some(Segment::Index(_)))
    }

    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.node.value, Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Float(_))
    }

    /// The form that its text would have to have.
    fn form(&self) -> Option<&'static Pattern> {
        let regex = self.schema.get("pattern")?;
        pattern::ALL.iter().find(|form| regex == form.regex)
    }

    /// The first line of what the environment replaced, as it is written.
    fn reference(&self) -> Option<&str> {
        self.node.origin.as_ref()?.substituted.as_ref()?;
        self.source.text.get(self.node.span.start..self.node.span.end)?.lines().next()
    }

    fn example(&self) -> Option<String> {
        self.schema.get("examples")?.get(0).map(flow)
    }
}

/// `version: "1"`
pub(super) fn version(misfit: &Misfit<'_>) -> Option<String> {
    let is_version = matches!(misfit.path, [Segment::Key(key)] if key == "version");
    is_version.then(|| "write `version: 1`: a whole number, without quotes".to_owned())
}

/// A file that is a list or a text.
pub(super) fn whole_file(misfit: &Misfit<'_>) -> Option<String> {
    misfit.path.is_empty().then(|| "begin with `version: 1`, then `probes:` and under it the list".to_owned())
}

/// `-` with nothing after it.
pub(super) fn empty_entry(misfit: &Misfit<'_>) -> Option<String> {
    let is_empty = misfit.node.value == Value::Null && misfit.is_in_a_list();
    is_empty.then(|| "write the entry after its `-`, or remove the `-`".to_owned())
}

/// `stdout:`
pub(super) fn empty_braces(misfit: &Misfit<'_>) -> Option<String> {
    let keys = misfit.schema.get("properties").and_then(Json::as_object).map_or(0, Map::len);
    let takes_none = keys == 0 && misfit.schema.get("additionalProperties") == Some(&Json::Bool(false));
    (misfit.node.value == Value::Null && takes_none).then(|| format!("write `{}: {{}}`", misfit.key()))
}

/// `interface:`
pub(super) fn missing(misfit: &Misfit<'_>) -> Option<String> {
    let key = misfit.key();
    (misfit.node.value == Value::Null).then(|| match misfit.example() {
        Some(example) => format!("write for example `{key}: {example}`, or remove the key"),
        None => format!("write the value after `{key}:`, indented if on lines of its own; or remove the key"),
    })
}

/// `enabled: yes`, as YAML 1.1 has it.
pub(super) fn yes_and_no(misfit: &Misfit<'_>) -> Option<String> {
    let truth = misfit.node.text().filter(|_| misfit.wants("boolean")).and_then(words::truth)?;
    Some(format!("YAML 1.2 has only `true` and `false`: write `{}: {truth}`", misfit.key()))
}

/// `enabled: "true"`
pub(super) fn quoted_boolean(misfit: &Misfit<'_>) -> Option<String> {
    let text = misfit.node.text().filter(|text| misfit.wants("boolean") && matches!(*text, "true" | "false"))?;
    Some(format!("remove the quotes: `{}: {text}`", misfit.key()))
}

/// `name: ${env:NUMBER}`
pub(super) fn text_of_environment(misfit: &Misfit<'_>) -> Option<String> {
    let written = misfit.reference().filter(|_| misfit.wants("string"))?;
    Some(format!("in quotes it is always a string: `{}: \"{written}\"`", misfit.key()))
}

/// `probes: ${env:PROBES}`
pub(super) fn structure_of_environment(misfit: &Misfit<'_>) -> Option<String> {
    let takes_scalar = ["string", "integer", "boolean"].into_iter().any(|name| misfit.wants(name));
    misfit.reference().filter(|_| !takes_scalar)?;
    Some("a variable holds one value: write the structure here, with references inside".to_owned())
}

/// `offset: "${env:NUMBER}"`
pub(super) fn number_of_environment(misfit: &Misfit<'_>) -> Option<String> {
    let written = misfit.reference().filter(|written| written.starts_with(['"', '\'']))?;
    misfit.node.text().filter(|_| misfit.wants("integer") || misfit.wants("boolean"))?;
    let bare = written.trim_matches(['"', '\'']);
    Some(format!("in quotes it is a string: write it on a line of its own, without them: `{}: {bare}`", misfit.key()))
}

/// `offset: "0x10"`
pub(super) fn quoted_integer(misfit: &Misfit<'_>) -> Option<String> {
    let text = misfit.node.text().filter(|text| misfit.wants("integer") && is_integer(text))?;
    Some(format!("remove the quotes: `{}: {text}`", misfit.key()))
}

/// The number in a text that is no text: `"0x10"`, `'12'`.
fn is_integer(text: &str) -> bool {
    let radix = |prefix, radix| text.strip_prefix(prefix).map(|digits| u64::from_str_radix(digits, radix).is_ok());
    radix("0x", 16).or_else(|| radix("0o", 8)).unwrap_or_else(|| text.parse::<i64>().is_ok())
}

/// `sinks: stdout`
pub(super) fn one_for_a_list(misfit: &Misfit<'_>) -> Option<String> {
    let is_one = misfit.is_scalar()
        && !misfit.goes_on
        && misfit.wants("array")
        && !misfit.wants("string")
        && !misfit.wants("object");
    is_one.then(|| format!("write it as a list: `{}: [{}]`", misfit.key(), misfit.node.text().unwrap_or(misfit.shown)))
}

/// `mode: 0640`, which YAML 1.2 reads as 640, and YAML 1.1 as 416.
pub(super) fn mode(misfit: &Misfit<'_>) -> Option<String> {
    let is_mode = misfit.is_scalar() && misfit.form().is_some_and(|form| form.regex == pattern::MODE.regex);
    is_mode.then(|| mode_of(misfit.shown))
}

/// `sample: 0.01`
pub(super) fn sample(misfit: &Misfit<'_>) -> Option<String> {
    let form = misfit.form().filter(|_| matches!(misfit.node.value, Value::Int(_) | Value::Float(_)))?;
    limits::sample(form, misfit.shown)
}

/// `interval: 5`
pub(super) fn unit(misfit: &Misfit<'_>) -> Option<String> {
    let form =
        misfit.form().filter(|form| matches!(misfit.node.value, Value::Int(_)) && !(form.matches)(misfit.shown))?;
    let text = with_unit(misfit.shown, form)?;
    Some(format!("add a unit, for example `{}: {text}`", misfit.key()))
}

/// `capture: { pid: true }`
pub(super) fn expression(misfit: &Misfit<'_>) -> Option<String> {
    let is_capture = matches!(misfit.path, [.., Segment::Key(map), Segment::Key(_)] if map == "capture");
    let help = "write what to read, for example `arg0`, `retval` or `filename as user_string`";
    (is_capture && misfit.is_scalar()).then(|| help.to_owned())
}

/// `name: 42`
pub(super) fn quotes(misfit: &Misfit<'_>) -> Option<String> {
    // Where a whole number can stand, a text is one with a unit.
    let is_fraction = matches!(misfit.node.value, Value::Float(_));
    let is_plain =
        matches!(misfit.node.value, Value::Int(_) | Value::Bool(_)) || is_fraction && !misfit.wants("integer");
    let fits = misfit.form().is_none_or(|form| (form.matches)(misfit.shown));
    let before = if misfit.key().is_empty() { String::new() } else { format!("{}: ", misfit.key()) };
    (is_plain && fits && misfit.wants("string")).then(|| format!("put it in quotes: `{before}\"{}\"`", misfit.shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers of YAML 1.2, and nothing else.
    #[test]
    fn integers() {
        assert!(["12", "-3", "0x1F", "0o17"].into_iter().all(is_integer));
        assert!(!["", "0x", "0b1", "1.5", "x"].into_iter().any(is_integer));
    }
}
