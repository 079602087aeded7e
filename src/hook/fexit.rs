// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fexit`: the return of a kernel function, by a trampoline in it.

use super::kernel_function::{WholeFunction, at, check_whole, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::forms::{NamesOr, form};
use crate::spec::{Hook, HookKind};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Fexit,
    doc: "The return of a kernel function, or of several, by a trampoline: `retval` is what it returns, and its arguments are still \
          there. Cheaper than `kretprobe`, for functions that the kernel's BTF describes.",
    program: "trace",
    example: "fexit: do_sys_openat2",
    capture: ("result", "retval"),
    how: &[],
    elsewhere: &["kretfunc"],
    at: |target| at("fexit", target),
    form: form::<NamesOr<WholeFunction>>,
    long,
    check: |cx| check_whole(cx, HookKind::Fexit),
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    if base == "ret" {
        return Some(Refusal::new("there is no `ret` at the return of a function").help("did you mean `retval`?"));
    }
    offers::beyond_words(base, "kernel function")
}
