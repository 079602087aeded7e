// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uretprobe`: the return of a function of a program or library.

use super::kind::{KernelKind, misplaced};
use super::perf_uprobe::{BASE, attach, check, inspect, quiet_hook};
use crate::config::codes;
use crate::expr::{Arguments, FunctionScope, Owner, Returned, Scope};
use crate::kernel::error::KernelError;
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::site::binary::Located;
use crate::spec::{Hook, HookKind, Place, UserPoint};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Uretprobe,
    check: |hook, host| check(hook, locate, host),
    inspect: |hook, host| {
        let mut findings = inspect(hook, locate, host);
        findings.splice(0..0, danger(hook, host));
        findings
    },
    scope,
    attach: |program, hook, host| attach(program, hook, locate, host),
    locate: Some(locate),
    takes_entry: false,
    tries: |host, one| vec![one(quiet_hook(HookKind::Uretprobe), host)],
    ..BASE
};

fn locate(point: &UserPoint, host: &Host) -> Result<Located, KernelError> {
    host.binaries.locate_return(point)
}

/// What is known to be dangerous about a probe at the return of this function, if it can be there at all.
fn danger(hook: &Hook, host: &Host) -> Option<Finding> {
    check(hook, locate, host).ok()?;
    let point = hook.point()?;
    let danger = locate(point, host).ok()?.danger(point)?;
    let help = "if it may throw, take a `uprobe`; what is caught inside of it does no harm";
    Some(Finding::Warning(KernelError::new(Place::Target, danger, help).coded(codes::UNWOUND_RETURN)))
}

fn scope<'a>(hook: &'a Hook, _: &'a Host) -> Result<Scope<'a>, KernelError> {
    let point = hook.point().ok_or_else(|| misplaced(hook))?;
    Ok(Scope::Function(FunctionScope {
        owner: Owner::User,
        name: point.place.to_string(),
        prototype: None,
        arguments: Arguments::Gone,
        result: Returned::Register,
        kinds: (HookKind::Uprobe, HookKind::Uretprobe),
    }))
}
