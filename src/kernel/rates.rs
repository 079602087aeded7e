// SPDX-License-Identifier: MIT OR Apache-2.0
//! A rate is each target's: where one program is at several, it keeps a window for each.

use crate::catalog::RateOf;
use crate::spec::{Hook, ProbeSpec, Site};

/// The map of these windows.
pub(super) const MAP: &str = "rates";
/// System calls by their numbers, of 64-bit processes and of 32-bit ones: `MAX_SYSCALLS` of `bpf/include/syscall.h`, twice.
const CALLS: u32 = 1024;

/// Which window the events of a probe count in.
pub(super) fn rate_of(spec: &ProbeSpec) -> RateOf {
    let (Some(_), Some(hook)) = (spec.limits.rate, &spec.hook) else { return RateOf::Program };
    match (hook.is_at_several(), &hook.site) {
        (true, Site::Syscall(_)) => RateOf::Call,
        (true, _functions) => RateOf::Cookie,
        (false, _) => RateOf::Program,
    }
}

/// How many windows the map has; `None` where the program has its own.
pub(super) fn windows(spec: &ProbeSpec) -> Option<u32> {
    match rate_of(spec) {
        RateOf::Program => None,
        RateOf::Cookie => spec.hook.as_ref().and_then(Hook::several).map(|names| names.len() as u32),
        RateOf::Call => Some(CALLS),
    }
}

/// True where the windows of one probe are those of another: a new version of it goes on in them.
pub(super) fn are_same(one: &ProbeSpec, other: &ProbeSpec) -> bool {
    let several = |spec: &ProbeSpec| spec.hook.as_ref().and_then(Hook::several).map(|names| names.join(" "));
    let per = |spec: &ProbeSpec| spec.limits.rate.map(|rate| rate.per);
    rate_of(one) == rate_of(other) && per(one) == per(other) && several(one) == several(other)
}
