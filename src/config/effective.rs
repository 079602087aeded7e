// SPDX-License-Identifier: MIT OR Apache-2.0
//! What files come down to: one document that means the same, with everything written out.
//!
//! ```yaml
//! defaults: { labels: { node: "${env:NODE}" } }
//! probes: [{ name: opens, hook: { kprobe: do_sys_openat2 } }]
//! ```
//!
//! becomes
//!
//! ```yaml
//! version: 1
//! probes:
//! - name: opens
//!   hook: { kprobe: { symbol: do_sys_openat2 } }
//!   program: trace
//!   labels: { node: node-17 }
//!   sinks: [stdout]
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::check::read_vars;
use super::destination::{DestinationForm, short};
use super::environment::Environment;
use super::set::path_of;
use super::source::SourceFile;
use super::yaml::{self, Entry, Node, Value};
use super::{pattern, schema};
use crate::catalog::{Catalog, Program};
use crate::expr::{self, SetMention, set_mentions};
use crate::key::{Joined, KEYS, Key, usual_program};
use crate::spec::HookKind;

/// Keys whose defaults are said.
const SAID: [&str; 2] = ["interval", "sinks"];

/// Files that [`check`](super::check()) found good, as one document that is checked and run alike: `defaults` are merged into the
/// probes, values of the environment and of `vars` filled in, aliases, merge keys and short forms written out, and what is not said but
/// decides how a probe runs (its program, how often it reports, where its events go) is said. Sinks of one name in two files
/// become two names. Files with problems give what can be read of them.
pub fn effective(files: &[SourceFile], catalog: &Catalog, environment: &Environment<'_>) -> Json {
    let mut document = Document { catalog, sinks: Map::new(), sets: Map::new(), probes: Vec::new() };
    for file in files {
        let source = Arc::new(file.clone());
        let read = read_vars(&source, environment);
        if let (Some(root), _) = yaml::parse(&source, &environment.with_vars(&read.vars)) {
            document.add(&source, &root);
        }
    }
    let mut written = Map::new();
    written.insert("version".to_owned(), 1.into());
    if !document.sinks.is_empty() {
        written.insert("sinks".to_owned(), document.sinks.into());
    }
    if !document.sets.is_empty() {
        written.insert("sets".to_owned(), document.sets.into());
    }
    written.insert("probes".to_owned(), document.probes.into());
    Json::Object(written)
}

/// The document so far.
struct Document<'c> {
    catalog: &'c Catalog,
    sinks: Map<String, Json>,
    sets: Map<String, Json>,
    probes: Vec<Json>,
}

impl Document<'_> {
    fn add(&mut self, source: &Arc<SourceFile>, root: &Node) {
        let mut names = HashMap::new();
        for entry in root.at(&["sinks"]).map(Node::entries).unwrap_or_default() {
            let sink = literal(written_sink(source, &entry.value));
            names.insert(entry.key.clone(), declare(&mut self.sinks, &entry.key, '-', sink));
        }
        let mut sets = HashMap::new();
        for entry in root.at(&["sets"]).map(Node::entries).unwrap_or_default() {
            let set = literal(written_set(source, &entry.value));
            sets.insert(entry.key.clone(), declare(&mut self.sets, &entry.key, '_', set));
        }
        let defaults = root.at(&["defaults"]).map(|defaults| mapping(source, defaults)).unwrap_or_default();
        for probe in root.at(&["probes"]).map(Node::items).unwrap_or_default() {
            let mut probe = self.probe(mapping(source, probe), &defaults);
            for name in probe.get_mut("sinks").and_then(Json::as_array_mut).into_iter().flatten() {
                if let Some(declared) = name.as_str().and_then(|name| names.get(name)) {
                    *name = declared.as_str().into();
                }
            }
            for text in probe.get_mut("where").and_then(Json::as_array_mut).into_iter().flatten() {
                rename_sets(text, &sets);
            }
            for (_, text) in probe.get_mut("capture").and_then(Json::as_object_mut).into_iter().flatten() {
                rename_sets(text, &sets);
            }
            self.probes.push(in_order(probe));
        }
    }

    /// A probe with what the file and the program have for it.
    fn probe(&self, mut probe: Map<String, Json>, defaults: &Map<String, Json>) -> Map<String, Json> {
        let kind = probe.get("hook").and_then(Json::as_object).and_then(|hook| hook.keys().next());
        let usual = |kind| usual_program(kind, |word| probe.contains_key(word));
        let name = probe
            .get("program")
            .and_then(Json::as_str)
            .or_else(|| kind.and_then(|kind| HookKind::of_word(kind)).map(usual));
        let program = name.and_then(|name| self.catalog.get(name));
        let kind = kind.and_then(|kind| HookKind::of_word(kind));
        for key in KEYS.iter().filter(|key| program.is_none_or(|program| key.makes_sense_at(program, kind))) {
            let (Some(how), Some(default)) = (&key.in_defaults, defaults.get(key.word)) else { continue };
            match (default, probe.get_mut(key.word)) {
                (_, None) => drop(probe.insert(key.word.to_owned(), default.clone())),
                (Json::Object(default), Some(Json::Object(own))) if how.joined == Joined::ByEntry => {
                    let mut joined = default.clone();
                    joined.extend(std::mem::take(own));
                    *own = joined;
                }
                (_, Some(_)) => {}
            }
        }
        if let Some(program) = program {
            add_unsaid(&mut probe, program);
        }
        probe
    }
}

/// Declares a sink or set of a file, under another name where another file has another one of this name.
fn declare(declared: &mut Map<String, Json>, name: &str, mark: char, what: Json) -> String {
    let numbered = (2..).map(|number| {
        let number = format!("{mark}{number}");
        format!("{}{number}", &name[..name.len().min(pattern::MAX_NAME_BYTES - number.len())])
    });
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    let is_free = |name: &String| declared.get(name).is_none_or(|known| *known == what);
    let name = candidates.find(is_free).unwrap_or_default();
    declared.insert(name.clone(), what);
    name
}

/// The sets that an expression asks for, by the names that they have now.
fn rename_sets(text: &mut Json, names: &HashMap<String, String>) {
    let Json::String(text) = text else { return };
    let Ok(expr) = expr::parse(text) else { return };
    let mut mentions = set_mentions(&expr);
    // From the end on: what stands before stays where it is.
    mentions.reverse();
    for mention in mentions {
        if let SetMention::Named(name, range) = mention
            && let Some(renamed) = names.get(&name).filter(|renamed| **renamed != name)
        {
            text.replace_range(range, renamed);
        }
    }
}

/// A set with its values as a list, and its file by a path that means the same anywhere.
fn written_set(source: &SourceFile, set: &Node) -> Json {
    let written = |entry: &Entry| {
        let value = match &entry.value.value {
            Value::Text(_) | Value::Int(_) => json!([entry.value.to_json()]),
            Value::Map(_) | Value::Seq(_) | Value::Null | Value::Bool(_) | Value::Float(_) | Value::Broken => {
                entry.value.to_json()
            }
        };
        let path = entry.value.at(&["file"]).and_then(Node::text);
        let path = path.and_then(|path| path_of(path, &source.path).ok());
        match path {
            Some(path) => (entry.key.clone(), json!({ "file": path.to_string_lossy() })),
            None => (entry.key.clone(), value),
        }
    };
    Json::Object(set.entries().iter().map(written).collect())
}

/// A probe or the `defaults`, as JSON, in full.
fn mapping(source: &SourceFile, node: &Node) -> Map<String, Json> {
    let written = |entry: &Entry| match KEYS.iter().find(|key| key.word == entry.key) {
        Some(key) => (key.written)(source, &entry.value),
        None => entry.value.to_json(),
    };
    node.entries().iter().map(|entry| (entry.key.clone(), literal(written(entry)))).collect()
}

/// The value with `$${` for each `${` in it, which is to stay.
fn literal(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace("${", "$${")),
        Json::Array(items) => items.into_iter().map(literal).collect(),
        Json::Object(map) => map.into_iter().map(|(key, value)| (key, literal(value))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value,
    }
}

/// Says what nobody said and what decides how the probe runs.
fn add_unsaid(probe: &mut Map<String, Json>, program: &Program) {
    probe.entry("program").or_insert_with(|| program.name.as_str().into());
    let kind = probe.get("hook").and_then(Json::as_object).and_then(|hook| HookKind::of_word(hook.keys().next()?));
    // A snapshot is taken once where nobody says how often.
    let is_said = |key: &Key| SAID.contains(&key.word) && (key.word != "interval" || kind != Some(HookKind::Iter));
    let schema = &schema::shared()["properties"]["probes"]["items"]["properties"];
    for key in KEYS.iter().filter(|key| is_said(key) && key.makes_sense_at(program, kind)) {
        probe.entry(key.word).or_insert_with(|| schema[key.word]["default"].clone());
    }
}

/// The long form of a destination, with its format where that does not depend on a terminal.
fn written_sink(source: &Arc<SourceFile>, sink: &Node) -> Json {
    let (mut written, given) = match sink.text() {
        Some(text) => match short(text) {
            Some(Ok(given)) => {
                let form = DestinationForm::of(&given.destination);
                let argument = text.split_once(':').map_or("", |(_, argument)| argument);
                (json!({ form.word: (form.written)(argument) }), Some(given))
            }
            Some(Err(_)) | None => (sink.to_json(), None),
        },
        None => {
            let long = |entry: &Entry| (DestinationForm::named(&entry.key)?.long)(source, entry).ok();
            (sink.to_json(), sink.entries().iter().find_map(long))
        }
    };
    if let (Some(format), Json::Object(written)) = (given.and_then(|given| given.format), &mut written) {
        written.entry("format").or_insert_with(|| format.name().into());
    }
    written
}

/// The keys of a probe in the order of the documentation.
fn in_order(mut probe: Map<String, Json>) -> Json {
    let known: Vec<(String, Json)> = KEYS.iter().filter_map(|key| probe.shift_remove_entry(key.word)).collect();
    known.into_iter().chain(probe).collect()
}
