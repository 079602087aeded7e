// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hook: { kprobe: do_sys_openat2 }`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::definition::{Checking, Key};
use crate::config::{Node, SourceFile, hook, raw};
use crate::spec::{HookKind, Targets};

pub(super) const HOOK: Key =
    Key { word: "hook", schema: |schemas| schemas.subschema_for::<Form>(), written, check, ..Key::PLAIN };

/// Where the probe attaches: exactly one kind of hook. Programs with hooks of their own, such as `exec`, need none.
#[derive(Deserialize, JsonSchema)]
struct Form(raw::Hook);

fn check(checking: &mut Checking<'_>) {
    if checking.cx.node.get("hook").is_none() {
        checking.hook = Some((None, Targets::One));
    } else if let Some(Form(form)) = checking.own("hook") {
        let hook = hook::check(&mut checking.cx, &form);
        checking.hook = hook.map(|(hook, targets)| (Some(hook), targets));
    }
}

fn written(_: &SourceFile, hook: &Node) -> Json {
    let kinds = hook.entries().iter();
    kinds.map(|kind| (kind.key.clone(), long_form(&kind.key, kind.value.to_json()))).collect()
}

/// The long form of what stands behind a kind of hook.
fn long_form(kind: &str, value: Json) -> Json {
    let Some(kind) = HookKind::of_word(kind) else { return value };
    match (kind, value) {
        (HookKind::Xdp, Json::Object(mut xdp)) => {
            xdp.entry("mode").or_insert_with(|| "auto".into());
            Json::Object(xdp)
        }
        (HookKind::Kprobe | HookKind::Kretprobe, symbol @ (Json::String(_) | Json::Array(_))) => {
            json!({ "symbol": symbol })
        }
        (HookKind::Uprobe | HookKind::Uretprobe, Json::String(short)) => {
            let (binary, symbol) = short.split_once(':').unwrap_or((&short, ""));
            json!({ "binary": binary, "symbol": symbol })
        }
        (
            HookKind::Xdp
            | HookKind::Kprobe
            | HookKind::Kretprobe
            | HookKind::Tracepoint
            | HookKind::RawTracepoint
            | HookKind::Uprobe
            | HookKind::Uretprobe,
            value,
        ) => value,
    }
}
