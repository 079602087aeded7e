// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kretprobe`: the return of a kernel function.

use super::kernel_function::{WholeFunction, at, check_whole, long, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::forms::{NamesOr, form};
use crate::spec::{Hook, HookKind};
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
    form: form::<NamesOr<WholeFunction>>,
    long,
    check: |cx| check_whole(cx, HookKind::Kretprobe),
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    offers::at_return(base, HookKind::Kprobe, HookKind::Kretprobe)
}
