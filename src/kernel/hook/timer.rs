// SPDX-License-Identifier: MIT OR Apache-2.0
//! `timer`: the clock of one CPU.

use std::time::Duration;

use super::kind::KernelKind;
use super::on_cpus::BASE;
use crate::spec::{Hook, HookKind, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Timer,
    tries: |host, one| {
        let site = Site::Timer(Duration::from_secs(1));
        vec![one(Hook { kind: HookKind::Timer, site }, host)]
    },
    ..BASE
};
