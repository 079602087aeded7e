// SPDX-License-Identifier: MIT OR Apache-2.0
//! `perf`: a counter of each CPU that overflows.

use super::kind::KernelKind;
use super::on_cpus::BASE;
use crate::spec::{Hook, HookKind, PerfEvent, Site};

/// So many that none fires while it is tried.
const MANY: u64 = 1_000_000;

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Perf,
    tries: |host, one| {
        let site = Site::Perf { event: PerfEvent::PageFaults, every: MANY };
        vec![one(Hook { kind: HookKind::Perf, site }, host)]
    },
    ..BASE
};
