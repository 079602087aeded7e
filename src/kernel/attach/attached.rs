// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attaches a loaded program where its probe says.

use std::os::fd::AsFd;

use crate::catalog::FunctionAt;
use crate::kernel::error::KernelError;
use crate::kernel::generation::Generation;
use crate::kernel::hook::of;
use crate::kernel::host::{Host, descriptors};
use crate::kernel::loaded::Loaded;
use crate::kernel::slot::{NewSlot, Slot};
use crate::spec::{HookKind, ProbeSpec};

use super::mount::{Former, Mount};

/// A program that is attached. Dropping it detaches it.
pub struct Attached {
    // Fields are dropped in this order: links and slots, then what they run.
    pub(super) mounts: Vec<Mount>,
    pub(super) former: Vec<Former>,
    pub(super) generation: Generation,
    pub(super) swappable: bool,
    /// How often the recursion guard kept earlier generations from running.
    pub(super) missed_before: u64,
    /// The same of all, once it was silenced: what is skipped afterwards was no event.
    pub(super) missed_at_end: Option<u64>,
    /// False where the kernel does not count what it skips: [`Attached::missed`] is too little then.
    pub missed_is_counted: bool,
    /// How it is attached, in words: `xdp on eth0 (native)`.
    pub mechanism: String,
    /// What a person should know: a fallback under `mode: auto`.
    pub remark: Option<String>,
}

impl Loaded {
    /// Attaches the program where the probe says, and nothing between it and its hook.
    pub fn attach(self, spec: &ProbeSpec, host: &Host) -> Result<Attached, KernelError> {
        self.attach_as(spec, host, false)
    }

    /// Attaches the program so that [`Attached::swap`] can exchange it without losing an event. Each event then costs a
    /// jump more (a tail call); XDP costs nothing more.
    pub fn attach_swappable(self, spec: &ProbeSpec, host: &Host) -> Result<Attached, KernelError> {
        self.attach_as(spec, host, true)
    }

    fn attach_as(mut self, spec: &ProbeSpec, host: &Host, swappable: bool) -> Result<Attached, KernelError> {
        descriptors::enough()?;
        let (mut mounts, mut mechanisms, mut remark) = (Vec::new(), Vec::new(), None);
        let functions: Vec<(FunctionAt, usize)> = self.functions_by_object();
        for (FunctionAt { function, hook }, object) in &functions {
            let program = self
                .object_mut(*object)
                .and_then(|object| object.progs_mut().find(|program| program.name() == function.as_str()));
            let Some(program) = program else { continue };
            let slotted = swappable || of(hook.kind).exchange.needs_slot(host);
            let mut slot = if slotted { Slot::load(hook, program.as_fd(), host)? } else { None };
            let attached = match slot.as_mut().and_then(NewSlot::program) {
                Some(jump) => (of(hook.kind).attach)(&jump, hook, host),
                None => (of(hook.kind).attach)(&program, hook, host),
            };
            let attachment = attached.map_err(|error| error.of_hook_in(spec))?;
            mechanisms.push(named_mechanism(spec, &attachment.mechanism));
            remark = remark.or_else(|| attachment.remark.clone());
            mounts.push(Mount::new(attachment, slot));
        }
        let missed_is_counted = functions.iter().all(|(function, _)| (of(function.hook.kind).counts_missed)(host));
        let generation = Generation::new(&self, spec)?;
        let mechanism = mechanisms.join(", ");
        Ok(Attached {
            mounts,
            former: Vec::new(),
            generation,
            swappable,
            missed_before: 0,
            missed_at_end: None,
            missed_is_counted,
            mechanism,
            remark,
        })
    }
}

/// How it is attached, in words: a tracepoint is one to those who asked for it, whatever stands in for it.
pub(in crate::kernel) fn named_mechanism(spec: &ProbeSpec, mechanism: &str) -> String {
    match &spec.asked {
        Some(asked) if asked.kind == HookKind::Tracepoint => asked.to_string(),
        Some(_) | None => mechanism.to_owned(),
    }
}
