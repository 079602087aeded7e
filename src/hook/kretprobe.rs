// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kretprobe`: the return of a kernel function.

use schemars::JsonSchema;
use serde::Deserialize;

use super::function::{LongFunction, at, check_function, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::Cx;
use crate::config::forms::{Names, NamesOr, form};
use crate::spec::{Hook, HookKind, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Kretprobe,
    doc: "The return of a kernel function, or of several; `retval` is the return value.",
    program: "trace",
    example: "kretprobe: do_sys_openat2",
    capture: ("result", "retval"),
    how: &[],
    elsewhere: &[],
    at: |target| at("kretprobe", target),
    form: form::<NamesOr<Kretprobe>>,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// The return of a kernel function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2"]))]
struct Kretprobe {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", "vfs_*"]))]
    symbol: Option<Names>,
    /// The first of these functions that exists in the kernel, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    first_of: Option<Vec<String>>,
}

impl LongFunction for Kretprobe {
    const HAS_OFFSET: bool = false;

    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), 0)
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<Kretprobe>>(&["hook", "kretprobe"])?;
    check_function(cx, HookKind::Kretprobe, &raw)
}

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    offers::at_return(base, HookKind::Kprobe, HookKind::Kretprobe)
}
