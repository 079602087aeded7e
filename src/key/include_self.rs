// SPDX-License-Identifier: MIT OR Apache-2.0
//! `include_self: true`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key, Need, needless};
use crate::catalog::Program;

pub(super) const INCLUDE_SELF: Key = Key {
    word: "include_self",
    schema: |schemas| schemas.subschema_for::<IncludeSelf>(),
    in_defaults: Some(InDefaults {
        rank: 5,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::Replaced,
    }),
    needs: Some(Need {
        met: Program::captures,
        refuse: |cx, program| needless(cx, program, "include_self", "has no events of ebpf-run itself"),
    }),
    check,
    ..Key::PLAIN
};

/// Whether the probe sees the activity of ebpf-run itself, such as writing events to a file. Excluded events are
/// counted separately; `where` decides before. The default is `false` at hooks where an event is always an action of the current thread:
/// uprobes, system calls (tracepoints and functions), page faults, file systems. At all others it is `true`: an
/// interrupt may have hit ebpf-run, or the event may be about another process, and `false` excludes such events too.
/// For the program `trace`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("examples" = [true]))]
struct IncludeSelf(bool);

/// Whether probes see the activity of ebpf-run itself, for those whose program is `trace`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "for the schema")]
struct Default(bool);

fn check(checking: &mut Checking<'_>) {
    if let Some(IncludeSelf(sees)) = checking.own("include_self")
        && !checking.is_needless(&INCLUDE_SELF)
    {
        checking.then(move |draft| draft.spec.include_self = Some(sees));
    }
}
