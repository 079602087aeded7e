// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that a mapping does not have, and words that a key does not know.

use serde_json::{Map, Value as Json};

use crate::config::yaml::{Entry, Node, Segment, Value};
use crate::hook;
use crate::spec::{HookKind, Site};
use crate::words;

/// A key that its mapping does not have.
pub(in crate::config) struct UnknownKey<'a> {
    /// The way to the mapping from the top of the file.
    pub(in crate::config) path: &'a [Segment],
    /// The mapping.
    pub(in crate::config) mapping: Option<&'a Node>,
    pub(in crate::config) key: &'a str,
    /// The keys that it has.
    pub(in crate::config) allowed: &'a [&'a str],
    /// What the schema asks of the mapping, and of the whole file.
    pub(in crate::config) schema: &'a Map<String, Json>,
    pub(in crate::config) language: &'a Json,
}

impl UnknownKey<'_> {
    /// The entry, and the one before it.
    fn entries(&self) -> Option<(&Entry, Option<&Entry>)> {
        let entries = self.mapping?.entries();
        let at = entries.iter().position(|entry| entry.key == self.key)?;
        Some((&entries[at], at.checked_sub(1).map(|before| &entries[before])))
    }
}

/// Words from other tools and what they are called here; used where the second one is a key of the mapping.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("iface", "interface"),
    ("ifname", "interface"),
    ("dev", "interface"),
    ("device", "interface"),
    ("flags", "mode"),
    ("function", "symbol"),
    ("func", "symbol"),
    ("name", "symbol"),
    ("path", "binary"),
    ("file", "binary"),
    ("executable", "binary"),
    ("library", "binary"),
    ("lib", "binary"),
    ("args", "capture"),
    ("arguments", "capture"),
    ("fields", "capture"),
    ("filter", "where"),
    ("filters", "where"),
    ("predicate", "where"),
    ("condition", "where"),
    ("conditions", "where"),
    ("when", "where"),
    ("if", "where"),
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
    ("apiVersion", "version"),
    ("id", "name"),
];

/// Keys from other tools that no single key here stands for, and what to do instead; of the mapping that has the key of
/// the first column.
const OTHER_WAYS: &[(&str, &str, &str)] = &[
    ("probes", "kind", "this is a Kubernetes object: put the content into a file of its own for `ebpf-run`"),
    ("stdout", "jsonl", "write `file: { path: … }`: JSON lines are what a file gets"),
    ("stdout", "text", "write `file: { path: … }` and beside it `format: text`"),
];

/// The key; the word from elsewhere; the word here.
const WORDS: &[(&str, &str, &str)] = &[
    // ip-link(8), and the names of the flags of the kernel.
    ("mode", "drv", "native"),
    ("mode", "xdpdrv", "native"),
    ("mode", "skb", "generic"),
    ("mode", "xdpgeneric", "generic"),
    ("mode", "hw", "offload"),
    ("mode", "xdpoffload", "offload"),
    ("format", "ndjson", "jsonl"),
    ("format", "logfmt", "text"),
];

/// More bytes than any key has, whatever stands between its letters.
const LONGEST_KEY: usize = 64;

/// What YAML 1.1 takes for a boolean: no key is called so.
const BOOLEANS_ELSEWHERE: &[&str] = &["on", "off", "yes", "no", "y", "n"];

/// `on: { kprobe: do_exit }`: other readers of the file would not see the word at all.
pub(super) fn boolean_elsewhere(unknown: &UnknownKey<'_>) -> Option<String> {
    BOOLEANS_ELSEWHERE.iter().find(|word| word.eq_ignore_ascii_case(unknown.key))?;
    let key = unknown.key;
    let meant = known_elsewhere(key, unknown.allowed).map(|word| did_you_mean(word) + " ").unwrap_or_default();
    Some(format!("{meant}no key is `{key}`, which is a boolean to readers of YAML 1.1 (kubectl, Ansible)"))
}

/// `stdout: { format: text }`: what stands beside a destination is easily put into it.
pub(super) fn format_of_the_sink(unknown: &UnknownKey<'_>) -> Option<String> {
    let help = match unknown.allowed {
        [] => "move it up to the sink: `{ stdout: {}, format: text }`",
        ["path", ..] => "move it next to `file`: `{ file: { path: … }, format: text }`",
        _other => return None,
    };
    (unknown.key == "format").then(|| help.to_owned())
}

/// What other tools have a key for.
pub(super) fn done_otherwise(unknown: &UnknownKey<'_>) -> Option<String> {
    let way = OTHER_WAYS.iter().find(|(of, theirs, _)| *theirs == unknown.key && unknown.allowed.contains(of));
    way.map(|(_, _, help)| (*help).to_owned())
}

/// `hook:{ kprobe: do_exit }`
pub(super) fn without_space(unknown: &UnknownKey<'_>) -> Option<String> {
    let (before, behind) = unknown.key.split_once(':')?;
    unknown.allowed.contains(&before).then(|| format!("put a space after the `:`: `{before}: {behind}`"))
}

/// `probe: kprobe:do_exit`, as bpftrace has it.
pub(super) fn hook_as_text(unknown: &UnknownKey<'_>) -> Option<String> {
    let (entry, _) = unknown.entries().filter(|_| matches!(unknown.key, "probe" | "event" | "attach" | "target"))?;
    entry.value.text().and_then(hook_of)
}

/// ``write `hook: { kprobe: do_exit }` `` for `hook: kprobe:do_exit`, as bpftrace and libbpf have it.
pub(super) fn hook_of(text: &str) -> Option<String> {
    let (kind, target) = text.split_once([':', '/', ' '])?;
    let target = target.trim();
    if target.is_empty() || target.contains(['\n', '"', '\\']) {
        return None;
    }
    let known = hook::KINDS.iter().find(|known| known.kind.word() == kind || is_called(known, kind))?;
    Some(format!("write `hook: {{ {} }}`", (known.at)(target)))
}

/// True where another tool has this word for the kind.
fn is_called(kind: &hook::Kind, word: &str) -> bool {
    kind.elsewhere.iter().any(|theirs| theirs.eq_ignore_ascii_case(word))
}

/// True for the key of a hook on functions of the kernel.
pub(super) fn is_of_functions(kind: &str) -> bool {
    let site = HookKind::of_word(kind).and_then(|kind| Site::of_section(kind, ""));
    matches!(site, Some(Site::Function { .. }))
}

/// `{ interface: eth0, eth1 }`: between brackets a comma ends the value.
pub(super) fn several_values(unknown: &UnknownKey<'_>) -> Option<String> {
    let (entry, before) = unknown.entries()?;
    let (is_bare, before) = (entry.value.value == Value::Null && entry.value.span == entry.key_span, before?);
    let takes_list = matches!(before.key.as_str(), "interface" | "symbol" | "sinks") || is_of_functions(&before.key);
    let first = before.value.text().filter(|_| is_bare && takes_list)?;
    Some(format!("several values are a list: `{}: [{first}, {}]`", before.key, unknown.key))
}

/// `iface: eth0`
pub(super) fn of_another_tool(unknown: &UnknownKey<'_>) -> Option<String> {
    known_elsewhere(unknown.key, unknown.allowed).map(did_you_mean)
}

/// A key of a probe that stands in its hook, or at the top of the file.
pub(super) fn further_out(unknown: &UnknownKey<'_>) -> Option<String> {
    let keys = &unknown.language["properties"];
    let probe = &keys["probes"]["items"]["properties"];
    let known: Vec<&str> = probe.as_object()?.keys().map(String::as_str).collect();
    let found = same_word(unknown.key, &known)?;
    match unknown.path {
        [] if keys["defaults"]["properties"].get(found).is_none() => {
            Some("move it into an entry of `probes`, which begins with `- name: NAME`".to_owned())
        }
        [Segment::Key(list), Segment::Index(_), Segment::Key(inside), ..] if list == "probes" => {
            Some(format!("`{found}` belongs to the probe: write it in the same column as `{inside}`"))
        }
        _other => None,
    }
}

/// `hook: { syscall: openat, at: entry }`
pub(super) fn of_the_hook_beside(unknown: &UnknownKey<'_>) -> Option<String> {
    let beside = |entry: &Entry| {
        let kind = hook::KINDS.iter().find(|known| known.kind.word() == entry.key)?;
        let properties = unknown.schema.get("properties")?[&entry.key]["properties"].as_object()?;
        let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
        let found = same_word(unknown.key, &keys)?;
        let Some(target) = entry.value.text() else { return Some(format!("move it into `{}: {{ … }}`", entry.key)) };
        let long = (kind.long)(Json::String(target.to_owned()));
        let of_target = long.as_object()?.iter().filter(|(key, _)| *key != found && *key != "at");
        let written = of_target.filter_map(|(key, value)| Some(format!("{key}: {}", value.as_str()?)));
        let written = written.collect::<Vec<_>>().join(", ");
        Some(format!("write it as `{}: {{ {written}, {found}: … }}`", entry.key))
    };
    unknown.mapping?.entries().iter().filter(|entry| entry.key != unknown.key).find_map(beside)
}

/// `rate_limit` beside `limits`.
pub(super) fn further_in(unknown: &UnknownKey<'_>) -> Option<String> {
    let place = place_inside(unknown.key, unknown.schema)?;
    Some(format!("write it as `{place}`"))
}

/// `interfase: eth0`
pub(super) fn misspelt(unknown: &UnknownKey<'_>) -> Option<String> {
    words::nearest(unknown.key, unknown.allowed.iter().copied()).map(did_you_mean)
}

/// `mode: drv`
pub(super) fn word_of_another_tool(key: &str, word: &str) -> Option<&'static str> {
    let known = WORDS.iter().find(|(of, theirs, _)| *of == key && theirs.eq_ignore_ascii_case(word));
    known.map(|(_, _, here)| *here)
}

/// The key that another tool calls so.
pub(in crate::config) fn known_elsewhere<'w>(key: &str, allowed: &[&'w str]) -> Option<&'w str> {
    let of_keys = OTHER_WORDS.iter().filter(|(theirs, _)| theirs.eq_ignore_ascii_case(key)).map(|(_, ours)| *ours);
    let of_kinds = hook::KINDS.iter().filter(|kind| is_called(kind, key)).map(|kind| kind.kind.word());
    let ours = of_keys.chain(of_kinds).find(|ours| allowed.contains(ours))?;
    allowed.iter().copied().find(|word| *word == ours)
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
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
fn place_inside(key: &str, schema: &Map<String, Json>) -> Option<String> {
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
    let deeper = || properties().find_map(|(parent, inner)| Some((parent, place_inside(key, inner.as_object()?)?)));
    direct.or_else(|| deeper().map(|(parent, place)| format!("{parent}: {{ {place} }}")))
}
