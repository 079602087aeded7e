// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uprobe`: an instruction of a program or library, before it runs; mostly the entry of a function.

use super::kind::{KernelKind, misplaced};
use super::listing::{Listing, Source, Unasked};
use super::perf_uprobe::{BASE, quiet_hook};
use crate::expr::{Arguments, FunctionScope, Owner, Returned, Scope};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::spec::{Hook, HookKind, UserPlace, UserPoint};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Uprobe,
    scope,
    listing: Some(Listing {
        source: Source::Binary,
        unasked: |_| Unasked::NotListed,
        // A binary's symbols have no types.
        describe: |_, _, _| None,
    }),
    tries: |host, one| vec![one(quiet_hook(HookKind::Uprobe), host)],
    ..BASE
};

fn scope<'a>(hook: &'a Hook, _: &'a Host) -> Result<Scope<'a>, KernelError> {
    Ok(match hook.point().ok_or_else(|| misplaced(hook))? {
        UserPoint { place: UserPlace::Symbol { offset: 1.., .. }, .. } => Scope::Inside,
        // A place in the file is mostly a function of a binary without symbols.
        point => Scope::Function(FunctionScope {
            owner: Owner::User,
            name: point.place.to_string(),
            prototype: None,
            arguments: Arguments::Registers,
            result: Returned::Nowhere,
            kinds: (HookKind::Uprobe, HookKind::Uretprobe),
        }),
    })
}
