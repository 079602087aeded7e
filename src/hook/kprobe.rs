// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kprobe`: the entry of a kernel function, or an instruction inside it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kernel_function::{LongFunction, at, check_function, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::Cx;
use crate::config::forms::{Names, NamesOr, form};
use crate::spec::{Hook, HookKind, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Kprobe,
    doc: "The entry of a kernel function: its name, a list of names, a glob, or a mapping with `symbol` and \
          `offset`, or with `first_of`.",
    program: "trace",
    example: "kprobe: do_sys_openat2",
    capture: ("path", "filename as user_string"),
    how: &["offset"],
    elsewhere: &[],
    at: |target| at("kprobe", target),
    form: form::<NamesOr<Kprobe>>,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// The entry of a kernel function, or an instruction inside it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2", { "symbol": "tcp_sendmsg", "offset": 8 }]))]
struct Kprobe {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", ["tcp_v4_connect", "tcp_v6_connect"], "tcp_v?_connect"]))]
    symbol: Option<Names>,
    /// The first of these functions that exists in the kernel, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    first_of: Option<Vec<String>>,
    /// Bytes after its start; must be the start of an instruction.
    #[serde(default)]
    #[schemars(range(min = 0))]
    offset: Option<u64>,
}

impl LongFunction for Kprobe {
    const HAS_OFFSET: bool = true;

    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), self.offset.unwrap_or(0))
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<Kprobe>>(&["hook", "kprobe"])?;
    check_function(cx, HookKind::Kprobe, &raw)
}

fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    if hook.symbol().is_some_and(|(_, offset)| offset > 0) {
        return Some(offers::inside(base));
    }
    offers::beyond_registers_of(base)
}
