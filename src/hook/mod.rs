// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pure half of each hook kind: what it is, how it is written in YAML, what captures can name there. The half that touches
//! the kernel is `kernel::hook`, whose files have the same stems.
//!
//! [`KINDS`] is the one slice that the schema, the checks, the starter files, the man page and the tables of the README read.
//! What never happens here: whether a target exists is for the kernel to say.

mod at;
mod binary;
mod cgroup;
mod event;
mod fentry;
mod fexit;
mod form;
mod function;
mod interface;
mod iter;
mod kernel_function;
mod kind;
mod kprobe;
mod kretprobe;
mod lsm;
mod names;
mod offers;
mod perf;
mod profile;
mod raw_tracepoint;
mod span;
mod syscall;
mod tc;
mod timer;
mod tracepoint;
mod uprobe;
mod uretprobe;
mod usdt;
mod xdp;

pub(crate) use form::RawHook;
pub use kind::Kind;
pub use offers::is_without_process;
pub(crate) use offers::keep_offered;
pub(crate) use span::{WORD as SPAN, can_be_in_span, refused as not_in_a_span};

use crate::config::Cx;
use crate::spec::{Claim, Hook, HookKind, Place, ProbeSpec, Targets};

/// Every kind of hook, in the order of the schema and the documentation.
pub static KINDS: [&Kind; HookKind::WORDS.len()] = [
    &xdp::KIND,
    &kprobe::KIND,
    &kretprobe::KIND,
    &fentry::KIND,
    &fexit::KIND,
    &tracepoint::KIND,
    &raw_tracepoint::KIND,
    &uprobe::KIND,
    &uretprobe::KIND,
    &usdt::KIND,
    &lsm::KIND,
    &tc::KIND,
    &cgroup::KIND,
    &function::KIND,
    &syscall::KIND,
    &timer::KIND,
    &profile::KIND,
    &perf::KIND,
    &iter::KIND,
];

/// The entry of [`KINDS`] for a kind.
pub fn kind(kind: HookKind) -> &'static Kind {
    // A test holds that the slice has them all.
    KINDS.iter().find(|known| known.kind == kind).unwrap_or(&KINDS[0])
}

/// The hook that a probe names and what its target matches, where that can exist.
pub(crate) fn check(cx: &mut Cx<'_>, given: HookKind) -> Option<(Hook, Targets)> {
    cx.note_place(Place::Hook, cx.key(&["hook", given.word()]));
    (kind(given).check)(cx)
}

/// What nobody else can have while the probe runs.
pub fn claims(spec: &ProbeSpec) -> Option<Claim> {
    spec.hook.as_ref().and_then(|hook| (kind(hook.kind).claim)(hook))
}

/// True if what this process does itself is no event of the probe: what it writes would be traced, and written, and traced again.
///
/// Where the file does not say, that is so at hooks that tell what the current thread does. At others the current thread may be
/// one that an interrupt found there, or the event is about another one: leaving it out would lose events of others.
pub fn leaves_itself_out(spec: &ProbeSpec) -> bool {
    let of_thread = |hook: &Hook| (kind(hook.kind).of_current_thread)(&hook.site);
    !spec.include_self.unwrap_or(!spec.asked.as_ref().or(spec.hook.as_ref()).is_some_and(of_thread))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind has its entry, in the order in which the words are known.
    #[test]
    fn every_kind_has_its_entry() {
        let words: Vec<HookKind> = HookKind::WORDS.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(KINDS.iter().map(|known| known.kind).collect::<Vec<_>>(), words);
        for (known, word) in HookKind::WORDS {
            assert_eq!((kind(known).kind, HookKind::of_word(word)), (known, Some(known)));
        }
    }
}
