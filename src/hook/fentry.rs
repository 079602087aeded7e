// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fentry`: the entry of a kernel function, by a trampoline in it.

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
    kind: HookKind::Fentry,
    doc: "The entry of a kernel function, or of several, by a trampoline: cheaper than `kprobe`, for functions that the kernel's \
          BTF describes; all arguments can be captured.",
    program: "trace",
    example: "fentry: do_sys_openat2",
    capture: ("path", "filename as user_string"),
    how: &[],
    elsewhere: &["kfunc"],
    at: |target| at("fentry", target),
    form: form::<NamesOr<Fentry>>,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// The entry of a kernel function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2"]))]
struct Fentry {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", ["tcp_v4_connect", "tcp_v6_connect"], "vfs_*"]))]
    symbol: Option<Names>,
    /// The first of these functions that the kernel has: for names that differ by version.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    first_of: Option<Vec<String>>,
}

impl LongFunction for Fentry {
    const HAS_OFFSET: bool = false;

    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), 0)
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<Fentry>>(&["hook", "fentry"])?;
    check_function(cx, HookKind::Fentry, &raw)
}

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    if base == "retval" {
        return Some(
            Refusal::new("there is no `retval` at the entry of a function").help("capture `retval` with a `fexit`"),
        );
    }
    offers::beyond_words(base, "kernel function")
}
