// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every hook kind, once.

use super::kind::KernelKind;
use super::{kprobe, kretprobe, raw_tracepoint, tracepoint, uprobe, uretprobe, xdp};
use crate::kernel::host::{Capabilities, Host};
use crate::spec::HookKind;

/// All of them, in the order of [`HookKind`].
pub(in crate::kernel) const KINDS: [&KernelKind; HookKind::WORDS.len()] = [
    &xdp::KIND,
    &kprobe::KIND,
    &kretprobe::KIND,
    &tracepoint::KIND,
    &raw_tracepoint::KIND,
    &uprobe::KIND,
    &uretprobe::KIND,
];

// Each stands where its number in `HookKind` says.
const _: () = {
    let mut at = 0;
    while at < KINDS.len() {
        assert!(KINDS[at].kind as usize == at);
        at += 1;
    }
};

/// What this half says of a kind.
pub(in crate::kernel) fn of(kind: HookKind) -> &'static KernelKind {
    KINDS[kind as usize]
}

/// True where this kernel has all parts that the kind needs, for this process.
pub(in crate::kernel) fn is_there(kind: HookKind, host: &Host) -> bool {
    of(kind).parts.iter().all(|part| (part.is_there)(host))
}

/// The capabilities that hooks of these kinds take and the process does not have, each once.
pub(in crate::kernel) fn missing_capabilities(kinds: &[HookKind], process: Capabilities) -> Vec<&'static str> {
    let mut missing: Vec<&str> = Vec::new();
    for name in kinds.iter().flat_map(|kind| of(*kind).capabilities) {
        if !process.has(name) && !missing.contains(name) {
            missing.push(name);
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind takes what its programs and its target take; CAP_SYS_ADMIN includes what was split off it.
    #[test]
    fn capabilities() {
        let missing = |kind, mask| missing_capabilities(&[kind], Capabilities::of_mask(mask));
        assert_eq!(missing(HookKind::Kprobe, 0x20_0000), Vec::<&str>::new());
        assert_eq!(missing(HookKind::Xdp, 0x20_0000), ["CAP_NET_ADMIN"]);
        assert_eq!(missing(HookKind::Xdp, 0x80_0000_1000), ["CAP_PERFMON"]);
        assert_eq!(missing(HookKind::Tracepoint, 0), ["CAP_BPF", "CAP_PERFMON"]);
    }
}
