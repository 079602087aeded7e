// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which conditions the product takes at a function of a program.

use ebpf_run::catalog::builtin;
use ebpf_run::expr::{
    Arguments, Decided, FunctionScope, Machine, Owner, Returned, Scope, Wanted, parse, resolve_probe,
};
use ebpf_run::spec::HookKind;

/// True for a condition that is not refused, and that the kernel decides with so many tests at most.
pub(crate) fn is_accepted(text: &str, most: usize) -> bool {
    let scope = Scope::Function(FunctionScope {
        owner: Owner::User,
        name: "work".to_owned(),
        prototype: None,
        arguments: Arguments::Registers,
        result: Returned::Nowhere,
        kinds: (HookKind::Uprobe, HookKind::Uretprobe),
    });
    let filter = [parse(text).unwrap()];
    let head = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let wanted = Wanted { captures: &[], filter: &filter, sets: &[] };
    let Ok(resolved) = resolve_probe(wanted, &scope, &Machine::of_types(None), &head) else { return false };
    resolved.steps.len() <= most
        && resolved.clauses.iter().all(|clause| matches!(clause.decided, Decided::Kernel { .. }))
}
