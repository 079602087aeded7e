// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kprobe`: the entry of a kernel function, or an instruction inside it.

use super::kind::KernelKind;
use super::perf_kprobe::{BASE, quiet_hook};
use crate::expr::{Arguments, FunctionScope, Owner, Prototype, Returned, Scope};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Kprobe,
    scope,
    tries: |host, one| vec![one(quiet_hook(HookKind::Kprobe, host), host)],
    ..BASE
};

/// The arguments lie where the function finds them only at its entry.
fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    Ok(match hook.symbol() {
        Some((symbol, 0)) => Scope::Function(FunctionScope {
            owner: Owner::Kernel,
            name: symbol.to_owned(),
            prototype: host.btf().and_then(|btf| Prototype::of_function(btf, symbol)),
            arguments: Arguments::Registers,
            result: Returned::Nowhere,
            kinds: (HookKind::Kprobe, HookKind::Kretprobe),
        }),
        Some(_) | None => Scope::Inside,
    })
}
