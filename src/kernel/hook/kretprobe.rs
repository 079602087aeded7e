// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kretprobe`: the return of a kernel function.

use super::kind::{KernelKind, misplaced};
use super::list_functions::FUNCTIONS;
use super::listing::{Listing, Unasked};
use super::perf_kprobe::{BASE, quiet_hook};
use crate::expr::{Arguments, FunctionScope, Owner, Prototype, Returned, Scope};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Kretprobe,
    scope,
    // The same functions as of kprobes.
    listing: Some(Listing { unasked: |_| Unasked::NotListed, ..FUNCTIONS }),
    tries: |host, one| vec![one(quiet_hook(HookKind::Kretprobe, host), host)],
    ..BASE
};

fn scope<'a>(hook: &'a Hook, host: &'a Host) -> Result<Scope<'a>, KernelError> {
    let (symbol, _) = hook.symbol().ok_or_else(|| misplaced(hook))?;
    Ok(Scope::Function(FunctionScope {
        owner: Owner::Kernel,
        name: symbol.to_owned(),
        prototype: host.btf().and_then(|btf| Prototype::of_function(btf, symbol)),
        arguments: Arguments::Gone,
        result: Returned::Register,
        kinds: (HookKind::Kprobe, HookKind::Kretprobe),
    }))
}
