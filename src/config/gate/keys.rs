// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that a mapping does not have: what was probably meant.

use serde_json::{Map, Value as Json};

use super::validate::{Kind, Violation};
use crate::config::problem::Problem;
use crate::words;

/// Words from other tools and what they are called here; used where the second one is a key of the mapping.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("iface", "interface"),
    ("ifname", "interface"),
    ("dev", "interface"),
    ("device", "interface"),
    ("flags", "mode"),
    ("function", "symbol"),
    ("func", "symbol"),
    ("fn", "symbol"),
    ("name", "symbol"),
    ("path", "binary"),
    ("file", "binary"),
    ("exe", "binary"),
    ("executable", "binary"),
    ("library", "binary"),
    ("lib", "binary"),
    ("process", "pid"),
    ("addr", "offset"),
    ("address", "offset"),
    ("args", "capture"),
    ("arguments", "capture"),
    ("fields", "capture"),
    ("fetch", "capture"),
    ("outputs", "sinks"),
    ("output", "sinks"),
    ("sink", "sinks"),
    ("attach", "hook"),
    ("hooks", "hook"),
    ("on", "hook"),
    ("prog", "program"),
    ("type", "program"),
    ("tags", "labels"),
    ("period", "interval"),
    ("every", "interval"),
    ("disabled", "enabled"),
    ("filename", "path"),
    ("tp", "tracepoint"),
    ("raw_tp", "raw_tracepoint"),
    ("kret", "kretprobe"),
    ("apiVersion", "version"),
    ("id", "name"),
];

/// The key that is probably meant.
pub(super) fn meant<'w>(key: &str, allowed: &[&'w str]) -> Option<&'w str> {
    let other = OTHER_WORDS.iter().find(|(theirs, ours)| theirs.eq_ignore_ascii_case(key) && allowed.contains(ours));
    let other = other.and_then(|(_, ours)| allowed.iter().copied().find(|word| word == ours));
    other.or_else(|| words::nearest(key, allowed.iter().copied()))
}

/// True for a missing key that is there, misspelt: the misspelling is the problem.
pub(super) fn is_misspelt(violation: &Violation<'_>, all: &[Violation<'_>]) -> bool {
    let Kind::MissingKey { key: missing } = &violation.kind else { return false };
    all.iter()
        .filter(|other| other.path == violation.path)
        .any(|other| matches!(&other.kind, Kind::UnknownKey { key, allowed } if meant(key, allowed) == Some(missing)))
}

/// True for too many keys where only one of them is known: the unknown ones are the problem.
pub(super) fn is_of_unknown_keys(violation: &Violation<'_>, all: &[Violation<'_>], keys: usize) -> bool {
    let Kind::TooManyKeys { most } = &violation.kind else { return false };
    let unknown = all.iter().filter(|other| other.path == violation.path);
    let unknown = unknown.filter(|other| matches!(other.kind, Kind::UnknownKey { .. })).count();
    unknown > 0 && keys.saturating_sub(unknown) <= *most
}

pub(super) fn unknown_key(problem: Problem, key: &str, allowed: &[&str], schema: &Map<String, Json>) -> Problem {
    let deeper = || {
        let mut properties = schema.get("properties")?.as_object()?.iter();
        let (parent, _) = properties.find(|(_, inner)| inner["properties"].get(key).is_some())?;
        Some(format!("it belongs into one of the others: `{parent}: {{ {key}: … }}`"))
    };
    let nearest = meant(key, allowed).map(|word| format!("did you mean `{word}`?"));
    let problem = problem.maybe_help(nearest.or_else(deeper));
    if key == "<<" {
        return problem.help("without the quotes it merges a mapping: `<<: *NAME`");
    }
    match allowed {
        // Of a destination. What stands beside it is easily put into it.
        [] if key == "format" => problem.help("it belongs to the sink: `{ stdout: {}, format: text }`"),
        ["path", ..] if key == "format" => {
            problem.help("it belongs to the sink, beside `file`: `{ file: { path: … }, format: text }`")
        }
        [] => problem.help("it takes no keys: write `{}`"),
        keys => problem.note(format!("keys here: {}", words::list(keys.iter().copied(), 16))),
    }
}
