// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hook: { kprobe: do_sys_openat2 }`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, Key};
use crate::config::{hook, raw};
use crate::spec::Targets;

pub(super) const HOOK: Key =
    Key { word: "hook", schema: |schemas| schemas.subschema_for::<Form>(), check, ..Key::PLAIN };

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
