// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a probe pairs what begins and what ends: by which keys, what it keeps, when it gives up.

use serde_json::{Value, json};

use super::Planned;
use crate::kernel::{DiesWith, PreparedPart, PreparedSpan};
use crate::spec::{Expr, FetchSource, SpanEnds, SpanRole};
use crate::words;

/// Those of a probe that has them, where it could be resolved.
pub(super) fn of<'a>(probe: &'a Planned<'_>) -> Option<&'a PreparedSpan> {
    probe.prepared.as_ref()?.span.as_ref()
}

/// ```text
/// start  uprobe /bin/x:begin by `arg0`
/// end    uprobe /bin/x:end by `arg0`, where `arg1 != 9`
/// at most 10,240 open, of which 56 bytes are kept each: 1.3 MiB
/// ```
pub(super) fn lines(span: &PreparedSpan, size: fn(u64) -> String) -> Vec<String> {
    let mut lines: Vec<String> = in_order(span).into_iter().map(part_line).collect();
    if span.span.ends == SpanEnds::Thread {
        let has = |source| span.parts.iter().flat_map(|part| &part.told.key).any(|word| word.fetch.source == source);
        let by = match (has(FetchSource::PidTgid), has(FetchSource::StackPointer)) {
            (true, true) => "the thread and the call's place on the stack",
            (true, false) => "the thread",
            (false, _) => "the call's place on the stack",
        };
        lines = vec![format!("from the entry of a call to its return, paired by {by}")];
    }
    let (most, kept) = (span.span.max_open, span.kept_bytes);
    lines.push(format!("at most {most} are open, and {kept} bytes of each are kept: {}", size(span.open_bytes())));
    if span.span.ends != SpanEnds::Thread {
        let counts = if span.span.keeps_first { "the first" } else { "the last" };
        lines.push(format!("of several starts with one key {counts} counts"));
    }
    let old = span.span.expire.map(|expire| format!("when it is older than {expire:?}"));
    let thread = match span.dies_with() {
        DiesWith::Nobody => None,
        DiesWith::Thread => Some("when the thread that began it has ended".to_owned()),
        DiesWith::Process => Some("when the process that began it has ended".to_owned()),
    };
    let given_up: Vec<String> = old.into_iter().chain(thread).collect();
    lines.push(match given_up.is_empty() {
        true => "what never ends stays open: `expire` would give it up".to_owned(),
        false => format!("what does not end is given up {}", given_up.join(", or ")),
    });
    lines
}

pub(super) fn json(span: &PreparedSpan) -> Value {
    let texts = |exprs: &[Expr]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let part = |part: &PreparedPart| {
        json!({
            "role": part.hook.role.word(),
            "hook": part.hook.hook.to_string(),
            "key": texts(&part.hook.key),
            "where": texts(&part.hook.filter),
        })
    };
    let dies_with = match span.dies_with() {
        DiesWith::Nobody => Value::Null,
        DiesWith::Thread => "thread".into(),
        DiesWith::Process => "process".into(),
    };
    json!({
        "hooks": in_order(span).into_iter().map(part).collect::<Vec<_>>(),
        "key_numbers": span.key_words,
        "kept_bytes": span.kept_bytes,
        "max_open": span.span.max_open,
        "kernel_bytes": span.open_bytes(),
        "repeat": if span.span.keeps_first { "keep" } else { "replace" },
        "expire_ms": span.span.expire.map(|expire| expire.as_millis() as u64),
        "given_up_with": dies_with,
    })
}

/// In the order of the file: what begins comes first.
fn in_order(span: &PreparedSpan) -> Vec<&PreparedPart> {
    let of_role = |role: SpanRole| span.parts.iter().filter(move |part| part.hook.role == role);
    SpanRole::WORDS.into_iter().flat_map(|(role, _)| of_role(role)).collect()
}

fn part_line(part: &PreparedPart) -> String {
    let list = |exprs: &[Expr]| {
        words::list(exprs.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(String::as_str), 64)
    };
    let filter =
        if part.hook.filter.is_empty() { String::new() } else { format!(", where {}", list(&part.hook.filter)) };
    format!("{:6}  {} by {}{filter}", part.hook.role.word(), part.hook.hook, list(&part.hook.key))
}
