// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that a mapping does not have: what was probably meant.

use serde_json::{Map, Value as Json};

use super::meant::hook_help;
use super::validate::{Kind, Violation};
use crate::config::problem::Problem;
use crate::config::schema;
use crate::config::yaml::{Node, Segment, Value};
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
    ("fentry", "kprobe"),
    ("kfunc", "kprobe"),
    ("fexit", "kretprobe"),
    ("kretfunc", "kretprobe"),
    ("rawtracepoint", "raw_tracepoint"),
    ("message", "description"),
    ("desc", "description"),
];

const NO_CONDITIONS: &str = "events are not picked by their values here: a program of its own may (`ebpf-run programs`), or `jq` behind `jsonl`";

/// Keys from other tools that no single key here stands for, and what to do instead; of the mapping that has the key of
/// the first column.
const OTHER_WAYS: &[(&str, &str, &str)] = &[
    ("probes", "kind", "this is an object of Kubernetes: `ebpf-run` reads what is in it, as a file of its own"),
    ("kprobe", "syscall", "system calls are tracepoints: `tracepoint: \"syscalls:sys_enter_openat\"`"),
    ("limits", "filter", NO_CONDITIONS),
    ("limits", "filters", NO_CONDITIONS),
    ("limits", "predicate", NO_CONDITIONS),
    ("limits", "where", NO_CONDITIONS),
    ("limits", "condition", NO_CONDITIONS),
    ("stdout", "jsonl", "write `file: { path: … }`: JSON lines are what a file gets"),
    ("stdout", "text", "write `file: { path: … }` and beside it `format: text`"),
];

/// More bytes than any key has, whatever stands between its letters.
const LONGEST_KEY: usize = 64;

/// The key that is probably meant.
pub(super) fn meant<'w>(key: &str, allowed: &[&'w str]) -> Option<&'w str> {
    known_elsewhere(key, allowed).or_else(|| words::nearest(key, allowed.iter().copied()))
}

/// The key that another tool calls so.
fn known_elsewhere<'w>(key: &str, allowed: &[&'w str]) -> Option<&'w str> {
    let other = OTHER_WORDS.iter().find(|(theirs, ours)| theirs.eq_ignore_ascii_case(key) && allowed.contains(ours));
    other.and_then(|(_, ours)| allowed.iter().copied().find(|word| word == ours))
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

pub(super) fn unknown_key(
    problem: Problem,
    path: &[Segment],
    node: Option<&Node>,
    key: &str,
    allowed: &[&str],
    schema: &Map<String, Json>,
) -> Problem {
    let other_way = OTHER_WAYS.iter().find(|(of, theirs, _)| *theirs == key && allowed.contains(of));
    let did_you_mean = |word| format!("did you mean `{word}`?");
    let help = other_way
        .map(|(_, _, help)| (*help).to_owned())
        .or_else(|| without_space(key, allowed))
        .or_else(|| by_value(node?, key))
        .or_else(|| known_elsewhere(key, allowed).map(did_you_mean))
        .or_else(|| same_word(key, allowed).map(did_you_mean))
        .or_else(|| further_out(path, key))
        .or_else(|| further_in(key, schema).map(|place| format!("it belongs into one of the others: `{place}`")))
        .or_else(|| words::nearest(key, allowed.iter().copied()).map(did_you_mean));
    let problem = problem.maybe_help(help);
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

/// Help for a key with what begins its value: `hook:{ kprobe` of `hook:{ kprobe: do_exit }`.
fn without_space(key: &str, allowed: &[&str]) -> Option<String> {
    let (before, behind) = key.split_once(':')?;
    allowed.contains(&before).then(|| format!("put a space behind the `:`: `{before}: {behind}`"))
}

/// What the value of the key, or the entry before it, says about what was meant.
fn by_value(mapping: &Node, key: &str) -> Option<String> {
    let at = mapping.entries().iter().position(|entry| entry.key == key)?;
    let value = &mapping.entries()[at].value;
    if let Some(hook) =
        value.text().filter(|_| matches!(key, "probe" | "event" | "attach" | "target")).and_then(hook_help)
    {
        return Some(hook);
    }
    // `{ interface: eth0, eth1 }`: between brackets a comma ends the value.
    let before = mapping.entries().get(at.checked_sub(1)?)?;
    let is_bare = value.value == Value::Null && value.span == mapping.entries()[at].key_span;
    let first = before.value.text().filter(|_| {
        is_bare && matches!(before.key.as_str(), "interface" | "symbol" | "kprobe" | "kretprobe" | "sinks")
    })?;
    Some(format!("several values are a list: `{}: [{first}, {key}]`", before.key))
}

/// The one of these that differs in nothing but capitals, `-` and `_`: `rate_limit` for `rateLimit`.
fn same_word<'w>(key: &str, keys: &[&'w str]) -> Option<&'w str> {
    if key.len() > LONGEST_KEY {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace(['-', '_'], "");
    keys.iter().copied().find(|word| plain(word) == plain(key))
}

/// Where the key would stand in a mapping of this schema, further in: `limits: { rate_limit: … }`. First what is nearest.
fn further_in(key: &str, schema: &Map<String, Json>) -> Option<String> {
    let properties = || schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    let keys = |inner: &Json| -> Vec<String> {
        let keys = inner["properties"].as_object().into_iter().flat_map(Map::keys);
        keys.cloned().collect()
    };
    let direct = properties().find_map(|(parent, inner)| {
        let keys = keys(inner);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = same_word(key, &keys)?;
        Some(format!("{parent}: {{ {found}: … }}"))
    });
    let deeper = || properties().find_map(|(parent, inner)| Some((parent, further_in(key, inner.as_object()?)?)));
    direct.or_else(|| deeper().map(|(parent, place)| format!("{parent}: {{ {place} }}")))
}

/// Help for a key of a probe that stands in its hook, or at the top of the file.
fn further_out(path: &[Segment], key: &str) -> Option<String> {
    let probe = &schema::shared()["properties"]["probes"]["items"]["properties"];
    let known: Vec<&str> = probe.as_object()?.keys().map(String::as_str).collect();
    let found = same_word(key, &known)?;
    match path {
        [] if schema::shared()["properties"]["defaults"]["properties"].get(found).is_none() => {
            Some("it belongs into an entry of `probes`, which begins with `- name: NAME`".to_owned())
        }
        [Segment::Key(list), Segment::Index(_), Segment::Key(hook), ..] if list == "probes" && hook == "hook" => {
            Some(format!("`{found}` belongs to the probe: write it in the same column as `hook`"))
        }
        _other => None,
    }
}
