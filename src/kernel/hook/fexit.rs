// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fexit`: the return of a kernel function, by a trampoline in it.

use super::kind::{Exchange, KernelKind};
use super::trampoline::{BASE, scope};
use super::trial::quiet_function;
use crate::expr::Returned;
use crate::spec::{Hook, HookKind};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Fexit,
    exchange: Exchange::Slot { jump: "slot_fexit", nothing: "nothing_fexit" },
    scope: |hook, host| scope(hook, Returned::AfterArguments, host),
    tries: |host, one| vec![one(Hook::function(HookKind::Fexit, quiet_function(host)), host)],
    ..BASE
};
