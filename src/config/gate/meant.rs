// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of the wrong type that say all the same what is meant.

use serde_json::{Map, Value as Json};

use super::limits::sample_help;
use crate::config::pattern;
use crate::config::yaml::{Node, Segment, Value};

/// ``write `hook: { kprobe: do_exit }` `` for `hook: kprobe:do_exit`, as bpftrace and libbpf have it.
pub(super) fn hook_help(text: &str) -> Option<String> {
    let (kind, target) = text.split_once([':', '/', ' '])?;
    let target = target.trim();
    let hook = match kind {
        _ if target.is_empty() || target.contains(['\n', '"', '\\']) => return None,
        "xdp" => format!("xdp: {{ interface: {target} }}"),
        "tracepoint" | "tp" => format!("tracepoint: \"{}\"", target.replacen('/', ":", 1)),
        "raw_tracepoint" | "raw_tp" => format!("raw_tracepoint: {target}"),
        "uprobe" | "uretprobe" => format!("{kind}: \"{target}\""),
        "kprobe" | "kretprobe" if target.contains(['*', '?']) => format!("{kind}: \"{target}\""),
        "kprobe" | "kretprobe" => format!("{kind}: {target}"),
        _other => return None,
    };
    Some(format!("write `hook: {{ {hook} }}`"))
}

/// What to write instead of a text or a list that says all that a mapping would.
pub(super) fn meant_as_mapping(key: &str, node: &Node, schema: &Map<String, Json>) -> Option<String> {
    let known = |key: &str| schema.get("properties").is_some_and(|keys| keys.get(key).is_some());
    match (key, node.text(), node.items()) {
        ("hook", None, [first, ..]) => several_hooks(first, node.items()),
        ("capture" | "labels", None, [first, ..]) if !first.entries().is_empty() => {
            Some(format!("remove the `-` in front of each entry: `{key}` is a mapping"))
        }
        ("labels", Some(text), _) => {
            let (name, value) = text.split_once(['=', ':'])?;
            Some(format!("write `labels: {{ {}: {} }}`", name.trim(), value.trim()))
        }
        // `- name:execs`, `- name execs`: what goes on in the lines below is shown by its note.
        ("", Some(text), _) => {
            let first = text.split_whitespace().next()?;
            let (name, value) = match first.split_once(':') {
                Some((name, value)) => (name, value),
                None => (first, text.split_whitespace().nth(1)?),
            };
            let space = if first.contains(':') { "put a space behind each `:`" } else { "put a `:` behind each key" };
            (known(name) && !value.is_empty()).then(|| format!("{space}: `- {name}: {value}`"))
        }
        _other => None,
    }
}

/// `hook: [{ kprobe: a }, { kprobe: b }]`: functions may be a list, other hooks need probes of their own.
fn several_hooks(first: &Node, hooks: &[Node]) -> Option<String> {
    let single = |hook: &Node| match hook.entries() {
        [only] => Some((only.key.clone(), only.value.text()?.to_owned())),
        _more => None,
    };
    let (kind, _) = single(first)?;
    let names: Option<Vec<String>> =
        hooks.iter().map(|hook| single(hook).filter(|(other, _)| *other == kind).map(|(_, name)| name)).collect();
    Some(match names {
        Some(names) if names.len() == 1 => format!("write `hook: {{ {kind}: {} }}`", names[0]),
        Some(names) if kind == "kprobe" || kind == "kretprobe" => {
            format!("write `hook: {{ {kind}: [{}] }}`", names.join(", "))
        }
        Some(_) | None => "one probe has one hook: write a probe of its own for each".to_owned(),
    })
}

const DECLARE: &str =
    "declare it under `sinks:` of the file and name it here: `sinks: { events: … }` there, `sinks: [events]` here";

/// What to write in a probe instead of a sink that is declared there.
pub(super) fn sink_help(path: &[Segment], node: &Node) -> Option<String> {
    let [.., Segment::Key(list), Segment::Index(_)] = path else { return None };
    let [first, ..] = node.entries() else { return None };
    match (first.key.as_str(), first.value.text()) {
        _ if list != "sinks" => None,
        (key @ ("stdout" | "stderr"), _) if node.entries().len() == 1 => Some(format!("write `sinks: [{key}]`")),
        (key @ ("jsonl" | "text" | "file"), Some(path)) => {
            Some(format!("write it as one text, without a space: `{key}:{path}`"))
        }
        _other if !node.entries().is_empty() => Some(DECLARE.to_owned()),
        _other => None,
    }
}

/// The number in a text that is no text: `"0x10"`, `'12'`.
pub(super) fn is_quoted_integer(text: &str) -> bool {
    let radix = |prefix, radix| text.strip_prefix(prefix).map(|digits| u64::from_str_radix(digits, radix).is_ok());
    radix("0x", 16).or_else(|| radix("0o", 8)).unwrap_or_else(|| text.parse::<i64>().is_ok())
}

/// ``write `1/10` `` for `sample: 0.1`, and `1/100` for `sample: 100`.
pub(super) fn sample_of_number(form: Option<&pattern::Pattern>, node: &Node, shown: &str) -> Option<String> {
    let is_number = matches!(node.value, Value::Int(_) | Value::Float(_));
    form.filter(|form| is_number && form.regex == pattern::SAMPLE.regex).and_then(|_| sample_help(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of hook is written out of its usual text; what names no kind or no target is left alone.
    #[test]
    fn hooks() {
        for (text, hook) in [
            ("kprobe:do_exit", Some("kprobe: do_exit")),
            ("kretprobe/vfs_*", Some("kretprobe: \"vfs_*\"")),
            ("tracepoint/sched/sched_switch", Some("tracepoint: \"sched:sched_switch\"")),
            ("tp:sched:sched_switch", Some("tracepoint: \"sched:sched_switch\"")),
            ("raw_tp/sched_switch", Some("raw_tracepoint: sched_switch")),
            ("uprobe:/bin/bash:readline", Some("uprobe: \"/bin/bash:readline\"")),
            ("xdp eth0", Some("xdp: { interface: eth0 }")),
            ("kprobe:", None),
            ("do_exit", None),
            ("profile:hz:99", None),
        ] {
            assert_eq!(hook_help(text), hook.map(|hook| format!("write `hook: {{ {hook} }}`")), "{text}");
        }
    }

    /// Integers of YAML 1.2, and nothing else.
    #[test]
    fn integers() {
        assert!(["12", "-3", "0x1F", "0o17"].into_iter().all(is_quoted_integer));
        assert!(!["", "0x", "0b1", "1.5", "x"].into_iter().any(is_quoted_integer));
    }
}
