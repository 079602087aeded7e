// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the targets of one probe have in common: names that only some of them have are null at the others, and what has a name is
//! of one type at all of them.

use std::collections::BTreeMap;
use std::mem;

use super::error::KernelError;
use super::expand::Expanded;
use super::hook::of;
use super::host::Host;
use super::prepare::resolve_captures;
use super::prepared::Prepared;
use crate::catalog::Program;
use crate::expr::BUILTINS;
use crate::spec::{Fetch, FetchCopy, FetchSource, FieldType, HookKind, Place, ProbeSpec};

/// Tells each target what the others have.
pub(super) fn know_each_other(spec: &ProbeSpec, all: &mut [Expanded], host: &Host) {
    let names = spec.names();
    let is_of_calls = spec.hook.as_ref().is_some_and(|hook| hook.kind == HookKind::Syscall);
    if all.len() < 2 || is_of_calls {
        return;
    }
    let targets: Vec<String> = all.iter().filter_map(|one| one.target.clone()).collect();
    let word = spec.hook.as_ref().and_then(|hook| hook.target_field());
    let is_asked = word.is_some_and(|word| names.contains(&word));
    let mut own: Vec<&str> =
        names.into_iter().filter(|name| !BUILTINS.iter().any(|known| known.name == *name)).collect();
    own.sort_unstable();
    own.dedup();
    let offered: Vec<Vec<bool>> = all.iter().map(|one| offered(one, &own, host)).collect();
    for (one, has) in all.iter_mut().zip(&offered) {
        let lacks = |(at, _): &(usize, &&str)| !has[*at] && offered.iter().any(|other| other[*at]);
        one.spec.elsewhere = own.iter().enumerate().filter(lacks).map(|(_, name)| (*name).to_owned()).collect();
        if is_asked {
            one.spec.siblings.clone_from(&targets);
        }
    }
}

/// Which of these names the hook has.
fn offered(one: &Expanded, names: &[&str], host: &Host) -> Vec<bool> {
    let scope = one.spec.hook.as_ref().and_then(|hook| (of(hook.kind).scope)(hook, host).ok());
    names.iter().map(|name| scope.as_ref().is_some_and(|scope| scope.has(name, host.types().into()))).collect()
}

/// What has one name in the events of a probe, and is not of one type at all of its targets.
pub fn disagreements(all: &[Expanded], program: &Program, host: &Host) -> Vec<KernelError> {
    let mut first: BTreeMap<String, (FieldType, String)> = BTreeMap::new();
    let mut errors: BTreeMap<String, KernelError> = BTreeMap::new();
    if all.len() < 2 {
        return Vec::new();
    }
    for one in all {
        let Ok(prepared) = resolve_captures(&one.spec, program, host) else { continue };
        let here = one.target.clone().unwrap_or_default();
        let Prepared { layout, fetches, .. } = prepared;
        for field in layout.map(|layout| layout.fields).unwrap_or_default() {
            // What is always null here may be of any type.
            if field.absent_bit.and_then(|bit| fetches.get(usize::from(bit))).is_some_and(is_nowhere) {
                continue;
            }
            let Some((kind, there)) = first.get(&field.name) else {
                first.insert(field.name, (field.kind, here.clone()));
                continue;
            };
            if !is_alike(kind, &field.kind) && !errors.contains_key(&field.name) {
                let name = &field.name;
                let message = format!("`{name}` is of one type at `{there}`, and of another at `{here}`");
                let help = "say which after `as`, or write a probe for each";
                errors.insert(name.clone(), KernelError::new(Place::Capture(name.clone()), message, help));
            }
        }
    }
    errors.into_values().collect()
}

/// True for the fetch of what this target does not have.
fn is_nowhere(fetch: &Fetch) -> bool {
    fetch.source == FetchSource::Constant(0) && fetch.copy == FetchCopy::Kernel
}

/// Numbers are alike, whatever their sign; of what is null everywhere at a target nothing is known.
fn is_alike(one: &FieldType, other: &FieldType) -> bool {
    let is_number = |kind: &FieldType| matches!(kind, FieldType::Unsigned | FieldType::Signed | FieldType::Id);
    is_number(one) && is_number(other) || mem::discriminant(one) == mem::discriminant(other)
}
