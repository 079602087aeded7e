// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts, lists and mappings in the place of one another.

use serde_json::Value as Json;

use super::key::{hook_of, is_of_functions};
use super::value::Misfit;
use crate::config::flow::flow;
use crate::config::yaml::{Node, Segment, Value};

/// `hook: kprobe:do_exit`, as bpftrace and libbpf have it.
pub(super) fn hook_as_text(misfit: &Misfit<'_>) -> Option<String> {
    hook_of(misfit.node.text().filter(|_| misfit.key() == "hook" && misfit.wants("object"))?)
}

/// `hook: [{ kprobe: a }, { kprobe: b }]`: functions may be a list, other hooks need probes of their own.
pub(super) fn several_hooks(misfit: &Misfit<'_>) -> Option<String> {
    let [first, ..] = misfit.node.items() else { return None };
    if misfit.key() != "hook" {
        return None;
    }
    let single = |hook: &Node| match hook.entries() {
        [only] => Some((only.key.clone(), only.value.text()?.to_owned())),
        _more => None,
    };
    let (kind, _) = single(first)?;
    let names: Option<Vec<String>> = misfit
        .node
        .items()
        .iter()
        .map(|hook| single(hook).filter(|(other, _)| *other == kind).map(|(_, name)| name))
        .collect();
    Some(match names {
        Some(names) if names.len() == 1 => format!("write `hook: {{ {kind}: {} }}`", names[0]),
        Some(names) if is_of_functions(&kind) => {
            format!("write `hook: {{ {kind}: [{}] }}`", names.join(", "))
        }
        Some(_) | None => "a probe has one hook: write one probe for each".to_owned(),
    })
}

/// `capture: [path: filename as user_string]`: entries with a `-` in front.
pub(super) fn list_of_entries(misfit: &Misfit<'_>) -> Option<String> {
    let key = misfit.key();
    let [first, ..] = misfit.node.items() else { return None };
    let is_list = matches!(key, "capture" | "labels") && !first.entries().is_empty();
    is_list.then(|| format!("remove the `-` in front of each entry: `{key}` is a mapping"))
}

/// `labels: [env=prod]`, as Docker Compose has it.
pub(super) fn list_of_pairs(misfit: &Misfit<'_>) -> Option<String> {
    let pair = |item: &Node| item.text()?.split_once('=').map(|(name, value)| format!("{name}: {value}"));
    let pairs: Vec<String> = misfit.node.items().iter().map(pair).collect::<Option<_>>()?;
    let is_list = misfit.key() == "labels" && !pairs.is_empty();
    is_list.then(|| format!("write `labels: {{ {} }}`", pairs.join(", ")))
}

/// `- name:execs`
pub(super) fn without_space(misfit: &Misfit<'_>) -> Option<String> {
    let first =
        misfit.node.text().filter(|_| misfit.is_in_a_list() && misfit.wants("object"))?.split_whitespace().next()?;
    let (name, value) = first.split_once(':').filter(|(_, value)| !value.is_empty())?;
    misfit.schema.get("properties")?.get(name)?;
    Some(format!("put a space after each `:`: `- {name}: {value}`"))
}

/// `probes: { opens: … }`: a mapping where a list is wanted.
pub(super) fn mapping_for_a_list(misfit: &Misfit<'_>) -> Option<String> {
    let Value::Map(entries) = &misfit.node.value else { return None };
    if !misfit.wants("array") {
        return None;
    }
    let named = misfit.schema.get("items").is_some_and(|items| items["properties"].get("name").is_some());
    let first = entries.first().map_or("NAME", |entry| entry.key.as_str());
    let value =
        if first == "name" { misfit.node.get("name").and_then(|entry| entry.value.text()) } else { Some(first) };
    let start = if named { format!("name: {}", value.unwrap_or("NAME")) } else { String::new() };
    Some(format!("begin each entry with `- {start}`"))
}

/// `xdp: eth0`: the value of the only key that a mapping must have.
pub(super) fn only_its_key(misfit: &Misfit<'_>) -> Option<String> {
    let required = required(misfit).filter(|_| misfit.is_scalar())?;
    let property = &misfit.schema.get("properties")?[required.as_str().unwrap_or_default()];
    // `99hz` where a number is wanted.
    let digits = misfit.shown.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let value = if property["type"] == "integer" { digits } else { misfit.shown };
    if value.is_empty() {
        return None;
    }
    let required = flow(required);
    Some(match misfit.path.last() {
        Some(Segment::Index(_)) => format!("write `- {required}: {value}`"),
        Some(Segment::Key(key)) => format!("write `{key}: {{ {required}: {value} }}`"),
        None => return None,
    })
}

/// `xdp: [eth0, eth1]`: the same for a list, which begins and ends on one line.
pub(super) fn only_its_list(misfit: &Misfit<'_>) -> Option<String> {
    let required = required(misfit).and_then(Json::as_str).filter(|_| !misfit.node.items().is_empty())?;
    let types = &misfit.schema.get("properties")?.get(required)?["type"];
    let takes_list = types == "array" || types.as_array().is_some_and(|types| types.iter().any(|name| name == "array"));
    let (key, list) = (misfit.key(), misfit.shown);
    (takes_list && list.ends_with(']')).then(|| format!("write `{key}: {{ {required}: {list} }}`"))
}

/// The only key that the mapping must have, where a mapping is wanted.
fn required<'m>(misfit: &'m Misfit<'_>) -> Option<&'m Json> {
    match misfit.schema.get("required").and_then(Json::as_array).map(Vec::as_slice) {
        Some([required]) if misfit.wants("object") => Some(required),
        Some(_) | None => None,
    }
}

const DECLARE: &str =
    "declare it under `sinks:` of the file and name it here: `sinks: { events: … }` there, `sinks: [events]` here";

/// `sinks: [{ file: … }]` of a probe.
pub(super) fn sink_in_a_probe(misfit: &Misfit<'_>) -> Option<String> {
    let [.., Segment::Key(list), Segment::Index(_)] = misfit.path else { return None };
    let [first, ..] = misfit.node.entries() else { return None };
    match (first.key.as_str(), first.value.text()) {
        _ if list != "sinks" => None,
        (key @ ("stdout" | "stderr"), _) if misfit.node.entries().len() == 1 => Some(format!("write `sinks: [{key}]`")),
        (key @ ("jsonl" | "text" | "file"), Some(path)) => {
            Some(format!("write it as one string, without a space: `{key}:{path}`"))
        }
        _other => Some(DECLARE.to_owned()),
    }
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
            ("kfunc:vmlinux:do_exit", Some("fentry: do_exit")),
            ("kprobe:", None),
            ("do_exit", None),
            ("profile:hz:99", Some("profile: { frequency: 99 }")),
            ("interval:s:1", Some("timer: 1s")),
            ("software:page-faults:100", Some("perf: { event: page-faults, every: 100 }")),
            ("iter:task_file", Some("iter: task_file")),
            ("begin:", None),
        ] {
            assert_eq!(hook_of(text), hook.map(|hook| format!("write `hook: {{ {hook} }}`")), "{text}");
        }
    }
}
