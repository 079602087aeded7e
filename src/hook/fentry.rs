// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fentry`: the entry of a kernel function, by a trampoline in it.

use super::kernel_function::{WholeFunction, at, check_whole, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::forms::{NamesOr, form};
use crate::spec::{Hook, HookKind};
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
    form: form::<NamesOr<WholeFunction>>,
    long,
    check: |cx| check_whole(cx, HookKind::Fentry),
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    if base == "retval" {
        return Some(
            Refusal::new("there is no `retval` at the entry of a function").help("capture `retval` with a `fexit`"),
        );
    }
    offers::beyond_words(base, "kernel function")
}
