// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hook: { kprobe: do_sys_openat2 }`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::definition::{Checking, Key};
use super::span;
use crate::config::{Node, SourceFile};
use crate::hook::{self, RawHook};
use crate::spec::{HookKind, Span, Targets};

pub(super) const HOOK: Key =
    Key { word: "hook", schema: |schemas| schemas.subschema_for::<Form>(), written, check, ..Key::PLAIN };

/// Where the probe attaches: exactly one kind of hook. Programs with hooks of their own, such as `exec`, need none.
#[derive(Deserialize, JsonSchema)]
struct Form(RawHook);

fn check(checking: &mut Checking<'_>) {
    if checking.cx.node.get("hook").is_none() {
        checking.hook = Some((None, Targets::One));
    } else if let Some(Form(form)) = checking.own("hook") {
        let kind = match form {
            RawHook::One(kind) => kind,
            RawHook::Span => return span::check(checking),
        };
        let hook = hook::check(&mut checking.cx, kind);
        checking.hook = hook.map(|(hook, targets)| (Some(hook), targets));
        let at = checking.cx.node.at(&["hook", kind.word(), "at"]).and_then(Node::text);
        if at == Some("span") {
            checking.span = Some(Box::new(Span::in_one_thread()));
        }
    }
}

fn written(_: &SourceFile, hook: &Node) -> Json {
    let kinds = hook.entries().iter();
    kinds.map(|kind| (kind.key.clone(), long_form(&kind.key, kind.value.to_json()))).collect()
}

/// The long form of what is written for a kind of hook.
fn long_form(kind: &str, value: Json) -> Json {
    match HookKind::of_word(kind) {
        Some(kind) => (hook::kind(kind).long)(value),
        None => value,
    }
}
