// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uretprobe`: the return of a function of a program or library.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::binary::{self, UserFunction, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::Cx;
use crate::config::forms::{StringOr, form_with};
use crate::spec::{Hook, HookKind, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Uretprobe,
    doc: "The return of a function of a program or library; `retval` is the return value. A C++ exception or Rust \
          panic that leaves the function ends the program, because unwinding stops at such a probe.",
    program: "trace",
    example: "uretprobe: /usr/bin/bash:readline",
    capture: ("line", "retval as string"),
    how: &["pid", "build_id", "allow_untrusted"],
    elsewhere: &[],
    at: |target| format!("uretprobe: \"{target}\""),
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
        json!(["/usr/bin/bash:readline", { "binary": "libc.so.6", "symbol": "getaddrinfo" }]),
    )
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<StringOr<UserFunction>>(&["hook", "uretprobe"])?;
    binary::check(cx, HookKind::Uretprobe, &raw)
}

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    offers::at_return(base, HookKind::Uprobe, HookKind::Uretprobe)
}
