// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of the wrong type that say all the same what is meant.

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
        ("file" | "stdout" | "stderr" | "format", _) => Some(
            "declare it under `sinks:` of the file and name it here: `sinks: { events: … }` there, `sinks: [events]` here"
                .to_owned(),
        ),
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
