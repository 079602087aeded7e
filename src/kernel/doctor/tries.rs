// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each hook kind tried for real: our own program is loaded, attached and detached, the way a run does it. A feature
//! probe would be quicker, and wrong: some kernels call supported what they then refuse.

use std::time::Instant;

use crate::catalog::{Catalog, builtin};
use crate::kernel::error::KernelError;
use crate::kernel::hook::{KINDS, Outcome, Try, missing_capabilities, of};
use crate::kernel::host::{Capabilities, Host};
use crate::kernel::loaded::Loaded;
use crate::kernel::prepare::prepare;
use crate::spec::{Hook, HookKind, Place, ProbeId, ProbeSpec, Targets};
use crate::words::Refusal;

/// A ring of one page, however large pages are: nobody reads it.
const RING_BYTES: u32 = 64 << 10;

/// Tries every hook kind that this build has.
pub(super) fn all(host: &Host) -> Vec<Try> {
    // A broken built-in program would be said of each hook that it is for.
    let catalog = builtin().unwrap_or_default();
    let one = |hook: Hook, host: &Host| one(hook, &catalog, host);
    let tries = KINDS.iter().flat_map(|kind| (kind.tries)(host, &one));
    tries.map(|one| Try { outcome: privileged(one.hook.kind, one.outcome), ..one }).collect()
}

/// What could not be tried for want of privileges needs those first.
fn privileged(kind: HookKind, outcome: Outcome) -> Outcome {
    let missing = missing_capabilities(&[kind], Capabilities::effective());
    match outcome {
        Outcome::NotTried(_) if !missing.is_empty() => Outcome::Needs(missing.join(" and ")),
        Outcome::NotTried(_) | Outcome::Works | Outcome::Needs(_) | Outcome::Refused(..) => outcome,
    }
}

fn one(hook: Hook, catalog: &Catalog, host: &Host) -> Try {
    let start = Instant::now();
    let result = attach_and_detach(&hook, catalog, host);
    let took = start.elapsed();
    let outcome = match result {
        Ok(()) => Outcome::Works,
        Err(error) => outcome(&hook, error, host),
    };
    Try { hook, outcome, took }
}

fn attach_and_detach(hook: &Hook, catalog: &Catalog, host: &Host) -> Result<(), KernelError> {
    let name = of(hook.kind).tried_with;
    let missing = || KernelError::at(Place::Program, format!("there is no program `{name}`"));
    let program = catalog.get(name).ok_or_else(missing)?;
    let id = ProbeId { name: hook.kind.word().to_owned() };
    let spec = ProbeSpec {
        buffer_bytes: Some(RING_BYTES),
        // Some of what is tried is done by this process.
        include_self: Some(true),
        ..ProbeSpec::new(id, Some(hook.clone()), Targets::One, name.to_owned())
    };
    let prepared = prepare(&spec, program, host).map_err(|mut errors| errors.remove(0))?;
    Loaded::load(&spec, program, &prepared, host)?.attach(&spec, host).map(drop)
}

/// A refusal for want of something is said as what is wanted.
fn outcome(hook: &Hook, error: KernelError, host: &Host) -> Outcome {
    let lacking = |by_privilege: bool| {
        let mut parts = of(hook.kind).parts.iter().filter(|part| by_privilege || !part.by_privilege);
        parts.find(|part| !(part.is_there)(host)).map(|part| Outcome::Needs(part.what.to_owned()))
    };
    let missing = missing_capabilities(&[hook.kind], Capabilities::effective());
    let privileges = || (!missing.is_empty()).then(|| Outcome::Needs(missing.join(" and ")));
    let needs = lacking(false).or_else(privileges).or_else(|| lacking(true));
    needs.unwrap_or(Outcome::Refused(Refusal { message: error.message, help: error.help, range: None }))
}
