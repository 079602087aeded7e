// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uprobe`: an instruction of a program or library, before it runs; mostly the entry of a function.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::binary::{self, UserFunction, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::Cx;
use crate::config::forms::{StringOr, form_with};
use crate::spec::{Hook, HookKind, Targets, UserPlace};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Uprobe,
    doc: "The entry of a function of a program or library, in every process that runs it: `BINARY:FUNCTION` (split \
          at the first colon), or a mapping with `binary` and `symbol`, `first_of` or `offset`. `arg0`… are its \
          arguments; strings and bytes they point to are read from the process. Write C++ and Rust functions as in \
          the source, with or without parameters: `ns::answer(int)`. A version may follow a name: `f@V1`.",
    program: "trace",
    example: "uprobe: libc.so.6:getaddrinfo",
    capture: ("host", "arg0 as string"),
    how: &["pid", "build_id", "allow_untrusted"],
    elsewhere: &[],
    at: |target| format!("uprobe: \"{target}\""),
    form,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn form(generator: &mut SchemaGenerator) -> Schema {
    form_with::<StringOr<UserFunction>>(
        generator,
        json!(["libc.so.6:getaddrinfo", { "binary": "/usr/bin/bash", "symbol": "readline" }]),
    )
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<StringOr<UserFunction>>(&["hook", "uprobe"])?;
    binary::check(cx, HookKind::Uprobe, &raw)
}

fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    if matches!(hook.point().map(|point| &point.place), Some(UserPlace::Symbol { offset: 1.., .. })) {
        return Some(offers::inside(base));
    }
    if base == "retval" {
        let help = "capture `retval` with a `uretprobe`";
        return Some(Refusal::new("there is no `retval` at the entry of a function").help(help));
    }
    offers::beyond_registers_of(base).or_else(|| offers::nameless(base))
}
