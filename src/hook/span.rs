// SPDX-License-Identifier: MIT OR Apache-2.0
//! `span`: several hooks, of which one begins what another ends. Its form; `key::span` checks it.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::KINDS;
use crate::config::pattern;
use crate::spec::{HookKind, Span, SpanRole};

/// Its key under `hook`.
pub(crate) const WORD: &str = "span";

/// True for hooks at which spans can begin and end: a packet that an interface receives has no thread, and no end.
pub(crate) fn can_be_in_span(kind: HookKind) -> bool {
    match kind {
        HookKind::Kprobe
        | HookKind::Kretprobe
        | HookKind::Fentry
        | HookKind::Fexit
        | HookKind::Tracepoint
        | HookKind::RawTracepoint
        | HookKind::Uprobe
        | HookKind::Uretprobe
        | HookKind::Usdt
        | HookKind::Lsm
        | HookKind::Function
        | HookKind::Syscall => true,
        HookKind::Xdp
        | HookKind::Tc
        | HookKind::Cgroup
        | HookKind::Timer
        | HookKind::Profile
        | HookKind::Perf
        | HookKind::Iter => false,
    }
}

/// That spans neither begin nor end at such a hook, and where they do; `None` where they do, and for what is no hook.
pub(crate) fn refused(kind: &str, role: &str) -> Option<(String, String)> {
    HookKind::of_word(kind).filter(|kind| !can_be_in_span(*kind))?;
    let words = HookKind::WORDS.into_iter().filter(|(kind, _)| can_be_in_span(*kind)).map(|(_, word)| word);
    let message = format!("a span cannot have `{kind}` as its `{role}`");
    Some((message, format!("spans begin and end at {}", crate::words::list(words, 16))))
}

/// What may stand under it.
pub(super) fn form(generator: &mut SchemaGenerator) -> Value {
    let key = "The numbers by which a start and its end know each other: the same pair has the same values at both. For all hooks \
               that have no `key` of their own.";
    let mut hook: Map<String, Value> = Map::new();
    hook.insert(
        "key".to_owned(),
        expressions("By which it is paired, where it is not the span's `key`.", &json!([["args.pid"]])),
    );
    hook.insert(
        "where".to_owned(),
        expressions(
            "Without which it is no such hook. The kernel must be able to decide it.",
            &json!(["prev_state == 0"]),
        ),
    );
    for kind in KINDS.iter().filter(|kind| can_be_in_span(kind.kind)) {
        let mut form: Value = (kind.form)(generator).into();
        form["description"] = kind.doc.into();
        shorten(&mut form);
        hook.insert(kind.kind.word().to_owned(), form);
    }
    let role = |role: SpanRole| {
        // Written out where most files have it: once more for each entry of a list, and for each role, would make the schema many times as
        // large. What stands there is decoded as strictly.
        let mut form = match role {
            SpanRole::Start | SpanRole::End => {
                json!({ "properties": hook, "additionalProperties": false, "minProperties": 1 })
            }
            SpanRole::Via | SpanRole::Cancel => json!({ "minProperties": 1 }),
        };
        form["type"] = json!(["object", "array"]);
        form["items"] = json!({ "type": "object", "minProperties": 1 });
        form["minItems"] = json!(1);
        form["examples"] = json!([{ "tracepoint": "sched:sched_switch", "key": ["prev_pid"] }]);
        form["description"] = match role {
            SpanRole::Start => "A hook at which spans begin, or a list of them.",
            SpanRole::Via => "Hooks on the way, which leave values: `via.ktime` is when the last one fired.",
            SpanRole::Cancel => "Hooks that void a span that has begun.",
            SpanRole::End => {
                "A hook at which spans end, or a list of them: there is the event, which has the process of the start."
            }
        }
        .into();
        form
    };
    let mut properties: Map<String, Value> = Map::new();
    for (one, word) in SpanRole::WORDS {
        properties.insert(word.to_owned(), role(one));
    }
    properties.insert("key".to_owned(), expressions(key, &json!([["tid"], ["dev", "sector"]])));
    let repeat = "What is done where a start meets an open span of the same key: `replace` has the new one count, `keep` the first.";
    properties.insert(
        "repeat".to_owned(),
        json!({ "type": "string", "enum": ["replace", "keep"], "default": "replace", "description": repeat }),
    );
    let expire = "Give up spans that are older. Those of threads that have ended are given up anyway, where `key` has the thread.";
    properties.insert(
        "expire".to_owned(),
        json!({ "type": "string", "pattern": pattern::DURATION.regex, "examples": ["30s"], "description": expire }),
    );
    let most = "How many spans can be open at a time; one more is a loss.";
    properties.insert(
        "max_open".to_owned(),
        json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": Span::MAX_OPEN, "description": most }),
    );
    let doc = "What begins at one hook and ends at another is one event, and says how long it took: `duration`. `start.X`, `via.X` \
               and `end.X` are read at these hooks.";
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": ["start", "end"],
        "description": doc,
        "examples": [{
            "start": { "tracepoint": "sched:sched_wakeup", "key": ["args.pid"] },
            "end": { "tracepoint": "sched:sched_switch", "key": ["next_pid"] },
        }],
    })
}

fn expressions(description: &str, examples: &Value) -> Value {
    json!({
        "type": ["string", "array"],
        "items": { "type": "string", "minLength": 1 },
        "minLength": 1,
        "minItems": 1,
        "maxItems": 64,
        "description": description,
        "examples": examples,
    })
}

/// What is said of it where the kind itself stands, to the end of the first sentence.
fn shorten(form: &mut Value) {
    match form {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description")
                && let Some((first, _)) = text.split_once(". ")
            {
                *text = format!("{first}.");
            }
            map.values_mut().for_each(shorten);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
