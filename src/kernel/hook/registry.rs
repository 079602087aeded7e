// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every hook kind, once.

use super::kind::KernelKind;
use super::{
    cgroup, fentry, fexit, function, iter, kprobe, kretprobe, lsm, perf, profile, raw_tracepoint, syscall, tc, timer,
    tracepoint, uprobe, uretprobe, usdt, xdp,
};
use crate::kernel::host::{Capabilities, Host};
use crate::spec::HookKind;

/// All of them, in the order of [`HookKind`].
pub(in crate::kernel) const KINDS: [&KernelKind; HookKind::WORDS.len()] = [
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
    of(kind).is_there(host)
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
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::kernel::hook::trial::{Outcome, Try};
    use crate::spec::Hook;

    /// True where one of the lines uses the kind, outside a comment.
    fn uses(text: &str, kind: HookKind) -> bool {
        let key = format!("{kind}:");
        let begins = |before: &str| !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let code = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        code.into_iter().any(|line| line.match_indices(&key).any(|(at, _)| begins(&line[..at])))
    }

    /// Both halves have the same kinds.
    #[test]
    fn two_halves() {
        let pure: Vec<HookKind> = crate::hook::KINDS.iter().map(|known| known.kind).collect();
        assert_eq!(KINDS.map(|known| known.kind).to_vec(), pure);
    }

    /// Each kind is in the man page of the language and in an example, and the doctor tries it.
    #[test]
    fn every_kind_is_shown_and_tried() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(root.join("man/ebpf-run.yaml.5")).unwrap().replace("\\fB", "");
        let files = fs::read_dir(root.join("examples")).unwrap().flatten();
        let examples: Vec<String> = files.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
        let one = |hook: Hook, _: &Host| Try { hook, outcome: Outcome::Works, took: Duration::ZERO };
        for (kind, word) in HookKind::WORDS {
            assert!(uses(&page, kind), "`{word}` is not in the man page");
            assert!(examples.iter().any(|example| uses(example, kind)), "no example has a `{word}`");
            let tries = (of(kind).tries)(&Host::default(), &one);
            assert!(!tries.is_empty() && tries.iter().all(|one| one.hook.kind == kind), "`{word}` is not tried");
        }
    }

    /// What a kind takes beyond what all of them take stands beside its word in the README and in the man page.
    #[test]
    fn capabilities_are_documented() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let page = fs::read_to_string(root.join("man/ebpf-run.1")).unwrap().replace("\\fB", "").replace("\\fR", "");
        for known in KINDS {
            for name in known.capabilities.iter().filter(|name| !["CAP_BPF", "CAP_PERFMON"].contains(name)) {
                let word = known.kind.word();
                let beside = |line: &str| line.contains(name) && line.contains(&format!("`{word}`"));
                assert!(readme.lines().any(beside), "README.md: {name} of `{word}`");
                let (_, after) =
                    page.split_once(&format!("{name}\n")).unwrap_or_else(|| panic!("{name} in the man page"));
                assert!(after.lines().next().is_some_and(|text| text.contains(word)), "man page: {name} of `{word}`");
            }
        }
    }

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
