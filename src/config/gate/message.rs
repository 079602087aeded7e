// SPDX-License-Identifier: MIT OR Apache-2.0
//! Violations in a person's words. The words depend on the schema only, so a new key needs none of its own.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::limits;
use super::other_words;
use super::validate::{Kind, Violation, types};
use crate::config::check::THROUGH;
use crate::config::codes;
use crate::config::pattern;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
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

/// The problem of a violation; `None` where it has one already.
pub(super) fn problem(source: &Arc<SourceFile>, root: &Node, violation: &Violation<'_>) -> Option<Problem> {
    if matches!(violation.kind, Kind::Broken) {
        // Before the way to it is walked: there may be many in one mapping.
        return None;
    }
    let new = |code, message: String| Problem::new(code, Location::new(source, violation.span), message);
    let subject = subject(&violation.path);
    let shown = shown(source, root, violation);
    let problem = match &violation.kind {
        Kind::Broken => return None,
        Kind::Type { expected, found } => {
            let wanted = wanted(expected);
            let message = if *found == "nothing" {
                format!("{subject} has no value")
            } else {
                format!("{subject} must be {wanted}, not {found}")
            };
            new(codes::WRONG_TYPE, message)
                .label(format!("expected {wanted}"))
                .maybe_help(type_help(violation, source, root))
        }
        Kind::UnknownKey { key, allowed } => {
            let problem = new(codes::UNKNOWN_KEY, format!("unknown key `{key}` in {subject}"));
            unknown_key(problem, key, allowed, violation.schema)
        }
        Kind::MissingKey { key } => {
            let primary = Location::new(source, first_line(source, violation.span));
            let problem = Problem::new(codes::MISSING_KEY, primary, format!("{subject} has no `{key}`"));
            problem.maybe_help(missing_help(key, violation.schema))
        }
        Kind::NotListed { .. } if is_version(&violation.path) => {
            new(codes::VERSION, format!("version {shown} of the language is not known to this build"))
                .help("this build understands `version: 1`")
        }
        Kind::NotListed { allowed } => {
            let allowed: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
            let problem =
                new(codes::UNKNOWN_WORD, format!("{subject} cannot be `{}`", shown.trim_matches(['"', '\''])));
            let key = if let Some(Segment::Key(key)) = violation.path.last() { key.as_str() } else { "" };
            let known = other_words::here(key, shown.trim_matches(['"', '\'']));
            let nearest = known.or_else(|| words::nearest(&shown, allowed.iter().copied()));
            problem
                .label(format!("expected one of {}", words::list(allowed.iter().copied(), 12)))
                .maybe_help(nearest.map(|word| format!("did you mean `{word}`?")))
        }
        Kind::Form { regex } => {
            let form = pattern::ALL.iter().find(|form| form.regex == *regex);
            let expected = form.map_or("of another form", |form| form.expected);
            new(codes::WRONG_FORM, format!("{subject} must be {expected}"))
                .maybe_help(form_help(regex, &shown).or_else(|| example_help(violation.schema)))
        }
        Kind::TooShort => {
            new(codes::WRONG_FORM, format!("{subject} is empty")).maybe_help(example_help(violation.schema))
        }
        Kind::TooSmall { least } => {
            new(codes::OUT_OF_RANGE, format!("{subject} cannot be {shown}")).label(format!("must be {least} or more"))
        }
        Kind::TooFewKeys => new(codes::KEY_COUNT, format!("{subject} is empty"))
            .label(choice(violation.schema))
            .maybe_help(example_help(violation.schema)),
        Kind::TooManyKeys { most: 1 } => new(codes::KEY_COUNT, format!("{subject} names more than one kind"))
            .label("a second one")
            .help("one probe has one hook: write a probe of its own for each"),
        Kind::TooManyKeys { most } | Kind::TooLong { most } => {
            new(codes::KEY_COUNT, format!("{subject} has more than {most} entries"))
                .label(format!("number {}", most + 1))
        }
    };
    Some(match alias_on(root, violation) {
        Some(alias) => problem.related(Location::new(source, alias), THROUGH),
        None => problem,
    })
}

/// The alias that brought in what is to blame.
fn alias_on(root: &Node, violation: &Violation<'_>) -> Option<Span> {
    let mut node = root;
    for segment in &violation.path {
        let (next, merged) = match segment {
            Segment::Key(key) => node.get(key).map(|entry| (&entry.value, entry.merged))?,
            Segment::Index(index) => (node.items().get(*index)?, None),
        };
        let alias = merged.or_else(|| next.origin.as_ref()?.alias);
        if alias.is_some() {
            return alias;
        }
        node = next;
    }
    let Kind::UnknownKey { key, .. } = &violation.kind else { return None };
    node.get(key)?.merged
}

/// What a path leads to: `` `interface` ``, `a probe`, `the file`.
fn subject(path: &[Segment]) -> String {
    match path {
        [] => "the file".to_owned(),
        [Segment::Key(list), Segment::Index(_)] if list == "probes" => "the probe".to_owned(),
        [Segment::Key(map), Segment::Key(name)] if map == "sinks" => format!("the sink `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "labels" => format!("the label `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "params" => format!("the parameter `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "capture" => format!("the capture `{name}`"),
        [.., Segment::Key(name)] => format!("`{name}`"),
        [.., Segment::Key(list), Segment::Index(_)] => format!("an entry of `{list}`"),
        [.., Segment::Index(_)] => "this entry".to_owned(),
    }
}

fn is_version(path: &[Segment]) -> bool {
    matches!(path, [Segment::Key(key)] if key == "version")
}

/// The value on one line: as written, or what the environment made of it.
fn shown(source: &SourceFile, root: &Node, violation: &Violation<'_>) -> String {
    let written = || source.text.get(violation.span.start..violation.span.end).unwrap_or_default();
    let node = find(root, &violation.path).filter(|node| node.span == violation.span);
    let raw = node.map_or_else(written, |node| node.shown(&source.text));
    raw.lines().next().unwrap_or_default().chars().take(60).collect()
}

/// The first line of a place: a missing key is blamed on where its mapping begins.
fn first_line(source: &SourceFile, span: Span) -> Span {
    let raw = source.text.get(span.start..span.end).unwrap_or_default();
    Span::new(span.start, span.start + raw.lines().next().unwrap_or_default().trim_end().len())
}

fn wanted(expected: &[&str]) -> String {
    let words: Vec<&str> = expected
        .iter()
        .map(|name| match *name {
            "boolean" => "`true` or `false`",
            "integer" => "an integer",
            "number" => "a number",
            "string" => "text",
            "array" => "a list",
            "object" => "a mapping",
            other => other,
        })
        .collect();
    match words.as_slice() {
        [first, rest @ .., last] if !rest.is_empty() => format!("{first}, {}, or {last}", rest.join(", ")),
        _short => words.join(" or "),
    }
}

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

fn unknown_key(problem: Problem, key: &str, allowed: &[&str], schema: &Map<String, Json>) -> Problem {
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

fn missing_help(key: &str, schema: &Map<String, Json>) -> Option<String> {
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

/// What to write instead of a value of the wrong type.
fn type_help(violation: &Violation<'_>, source: &SourceFile, root: &Node) -> Option<String> {
    let raw = shown(source, root, violation);
    let expected = types(violation.schema);
    let wants = |name: &str| expected.contains(&name);
    let node = find(root, &violation.path)?;
    let key = match violation.path.last() {
        Some(Segment::Key(key)) => key.as_str(),
        Some(Segment::Index(_)) | None => "",
    };
    let scalar = matches!(node.value, Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Float(_));
    if is_version(&violation.path) {
        return Some("write `version: 1`: a whole number, without quotes".to_owned());
    }
    if violation.path.is_empty() {
        return Some("begin with `version: 1`, then `probes:` and under it the list".to_owned());
    }
    if node.value == Value::Null && matches!(violation.path.last(), Some(Segment::Index(_))) {
        return Some("write the entry behind its `-`, or remove the `-`".to_owned());
    }
    if node.value == Value::Null {
        return Some(example(violation.schema).map_or_else(
            || format!("write the value behind `{key}:`, indented if on lines of its own; or remove the key"),
            |example| format!("write for example `{key}: {example}`, or remove the key"),
        ));
    }
    if let Some(truth) = node.text().filter(|_| wants("boolean")).and_then(words::truth) {
        return Some(format!("YAML 1.2 has only `true` and `false`: write `{key}: {truth}`"));
    }
    if let Some(help) = substituted_help(node, source, key, &expected) {
        return Some(help);
    }
    let unquoted = node.text().filter(|text| wants("integer") && text.parse::<i64>().is_ok());
    if let Some(text) = unquoted {
        return Some(format!("remove the quotes: `{key}: {text}`"));
    }
    if wants("array") && scalar {
        let text = node.text().unwrap_or(&raw);
        return Some(format!("write it as a list: `{key}: [{text}]`"));
    }
    if wants("array") && matches!(node.value, Value::Map(_)) {
        let named = violation.schema.get("items").is_some_and(|items| items["properties"].get("name").is_some());
        let first = node.entries().first().map_or("NAME", |entry| entry.key.as_str());
        let start = if named && first != "name" { format!("name: {first}") } else { String::new() };
        return Some(format!("begin each entry with `- {start}`"));
    }
    if wants("object")
        && scalar
        && let Some([required]) = violation.schema.get("required").and_then(Json::as_array).map(Vec::as_slice)
    {
        return Some(match violation.path.last() {
            Some(Segment::Index(_)) => format!("write `- {}: {raw}`", flow(required)),
            Some(Segment::Key(_)) | None => format!("write `{key}: {{ {}: {raw} }}`", flow(required)),
        });
    }
    if wants("object")
        && !node.items().is_empty()
        && let Some([Json::String(required)]) =
            violation.schema.get("required").and_then(Json::as_array).map(Vec::as_slice)
        && violation.schema.get("properties").is_some_and(|keys| types_of(&keys[required.as_str()]).contains(&"array"))
        && raw.ends_with(']')
    {
        return Some(format!("write `{key}: {{ {required}: {raw} }}`"));
    }
    let form =
        pattern::ALL.iter().find(|form| violation.schema.get("pattern").is_some_and(|regex| regex == form.regex));
    if let (Value::Int(_), Some(form)) = (&node.value, form)
        && let Some(text) = with_unit(&raw, form).filter(|_| !(form.matches)(&raw))
    {
        return Some(format!("add a unit, for example `{key}: {text}`"));
    }
    let quotable = matches!(node.value, Value::Int(_) | Value::Bool(_) | Value::Float(_));
    if wants("string") && quotable && form.is_none_or(|form| (form.matches)(&raw)) {
        let before = if key.is_empty() { String::new() } else { format!("{key}: ") };
        return Some(format!("put it in quotes: `{before}\"{raw}\"`"));
    }
    example_help(violation.schema)
}

/// What to write around a reference to the environment so that its value has the type that is wanted.
fn substituted_help(node: &Node, source: &SourceFile, key: &str, expected: &[&str]) -> Option<String> {
    node.origin.as_ref()?.substituted.as_ref()?;
    let written = source.text.get(node.span.start..node.span.end)?.lines().next()?;
    if expected.contains(&"string") {
        return Some(format!("in quotes it is text, whatever the environment says: `{key}: \"{written}\"`"));
    }
    if !(expected.contains(&"integer") || expected.contains(&"boolean")) {
        return Some("the environment gives single values only: write this out, with references inside".to_owned());
    }
    let quoted = node.text().filter(|_| written.starts_with(['"', '\'']));
    let bare = written.trim_matches(['"', '\'']);
    quoted.map(|_| format!("in quotes it is text: write it on a line of its own, without them: `{key}: {bare}`"))
}

fn types_of(schema: &Json) -> Vec<&str> {
    schema.as_object().map(types).unwrap_or_default()
}

fn find<'n>(root: &'n Node, path: &[Segment]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, segment| match segment {
        Segment::Key(key) => node.get(key).map(|entry| &entry.value),
        Segment::Index(index) => node.items().get(*index),
    })
}

/// A name much like this text, where that works out.
pub(in crate::config) fn name_like(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut name: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    name.truncate(64);
    (pattern::NAME.matches)(&name).then_some(name)
}

fn form_help(regex: &str, shown: &str) -> Option<String> {
    let text = shown.trim_matches(['"', '\'']).trim();
    if regex == pattern::NAME.regex {
        return name_like(text).map(|name| format!("for example `{name}`"));
    }
    if regex == pattern::SIZE.regex {
        let (digits, unit) = pattern::split_unit(text);
        let unit = match unit.trim() {
            "KiB" => "KiB",
            "MiB" => "MiB",
            "GiB" => "GiB",
            "K" | "KB" | "kB" | "k" | "kb" | "kib" => "KiB",
            "M" | "MB" | "m" | "mb" | "mib" => "MiB",
            "G" | "GB" | "g" | "gb" | "gib" => "GiB",
            _other => return None,
        };
        let text = format!("{digits}{unit}");
        return (pattern::SIZE.matches)(&text).then(|| format!("write `{text}`"));
    }
    if regex == pattern::RATE.regex {
        return limits::rate_help(text);
    }
    if regex == pattern::SAMPLE.regex {
        return limits::sample_help(text);
    }
    let (digits, unit) = pattern::split_unit(text);
    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') && !unit.starts_with('.') {
        return Some("it must be more than 0: for example `500ms`".to_owned());
    }
    if unit.is_empty() {
        let text = format!("{digits}s");
        return (pattern::DURATION.matches)(&text).then(|| format!("add a unit, for example `{text}`"));
    }
    if let Some((tenths, unit)) = unit.strip_prefix('.').map(pattern::split_unit) {
        let smaller = match unit.trim() {
            "s" => (1000, "ms"),
            "m" => (60, "s"),
            "h" => (60, "m"),
            _other => return None,
        };
        let (whole, tenth) = (digits.parse::<u32>().ok()?, tenths.parse::<u32>().ok().filter(|tenth| *tenth < 10)?);
        let count = whole.checked_mul(10)?.checked_add(tenth)?.checked_mul(smaller.0)? / 10;
        let text = format!("{count}{}", smaller.1);
        return (pattern::DURATION.matches)(&text).then(|| format!("write `{text}`"));
    }
    let unit = match unit.trim() {
        unit @ ("ms" | "s" | "m" | "h") => unit,
        "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "min" | "mins" | "minute" | "minutes" | "M" => "m",
        "hour" | "hours" | "hr" | "H" => "h",
        "msec" | "millis" | "milliseconds" | "MS" => "ms",
        _other => return None,
    };
    let text = format!("{digits}{unit}");
    (pattern::DURATION.matches)(&text).then(|| format!("write `{text}`"))
}

/// `4MiB` of `4194304`, where the bytes are a whole number of a unit; else the number with a unit it may have meant.
fn with_unit(number: &str, form: &pattern::Pattern) -> Option<String> {
    let bytes = number.parse::<u64>().ok().filter(|bytes| *bytes > 0 && form.regex == pattern::SIZE.regex);
    let size = bytes.and_then(|bytes| {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        units.into_iter().find(|(unit, _)| bytes % unit == 0).map(|(unit, name)| format!("{}{name}", bytes / unit))
    });
    if size.is_none() && bytes.is_some_and(|bytes| bytes > 1024) {
        return None;
    }
    let guessed =
        || ["s", "MiB", "/s"].map(|unit| format!("{number}{unit}")).into_iter().find(|text| (form.matches)(text));
    size.or_else(guessed)
}

fn choice(schema: &Map<String, Json>) -> String {
    let keys = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys);
    format!("expected one of {}", words::list(keys.map(String::as_str), 12))
}

fn example(schema: &Map<String, Json>) -> Option<String> {
    schema.get("examples")?.get(0).map(flow)
}

fn example_help(schema: &Map<String, Json>) -> Option<String> {
    example(schema).map(|example| format!("for example `{example}`"))
}

/// A value as YAML on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}
