// SPDX-License-Identifier: MIT OR Apache-2.0
//! `profile`: cycles of each CPU where these are counted, else its clock.

use super::kind::KernelKind;
use super::on_cpus::BASE;
use crate::spec::{Hook, HookKind, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Profile,
    tries: |host, one| vec![one(Hook { kind: HookKind::Profile, site: Site::Profile(1) }, host)],
    ..BASE
};
