// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fentry`: the entry of a kernel function, by a trampoline in it.

use super::kind::{Exchange, KernelKind};
use super::trampoline::{BASE, scope};
use super::trial::quiet_function;
use crate::expr::Returned;
use crate::spec::{Hook, HookKind};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Fentry,
    exchange: Exchange::Slot { jump: "slot_fentry", nothing: "nothing_fentry" },
    scope: |hook, host| scope(hook, Returned::Nowhere, host),
    tries: |host, one| vec![one(Hook::function(HookKind::Fentry, quiet_function(host)), host)],
    ..BASE
};
