// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stable program on a hook that jumps into the one that does the work: `bpf/internal/slot.bpf.c`.
//!
//! Links of tracepoints, raw tracepoints, kprobes and uprobes cannot be updated in place (`BPF_LINK_UPDATE` is EINVAL), and
//! two that overlap would report an event twice. An element of a program array is exchanged atomically: each event runs in
//! exactly one of the two programs.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;

use libbpf_rs::{AsRawLibbpf as _, MapCore as _, Object, ObjectBuilder, ProgramMut};

use super::error::{KernelError, describe};
use super::hook::of;
use super::host::Host;
use crate::catalog::internal_object;
use crate::spec::{Hook, Place};

/// One program with its array of one element.
pub(super) struct Slot {
    program: OwnedFd,
    /// What runs in the end.
    nothing: OwnedFd,
    array: OwnedFd,
}

/// A slot that is to be attached.
pub(super) struct NewSlot {
    pub(super) slot: Slot,
    object: Object,
    function: &'static str,
}

impl NewSlot {
    /// What is to be attached.
    pub(super) fn program(&mut self) -> Option<ProgramMut<'_>> {
        self.object.progs_mut().find(|program| program.name() == self.function)
    }
}

impl Slot {
    /// The slot for functions at this hook, which `program` takes at once: a slot is never empty. `None` where the program is
    /// exchanged inside its link.
    pub(super) fn load(hook: &Hook, program: BorrowedFd<'_>, host: &Host) -> Result<Option<NewSlot>, KernelError> {
        let (kind, this) = (hook.kind, of(hook.kind));
        let Some((jump, nothing)) = this.exchange.slot(host) else { return Ok(None) };
        let (jump, nothing) = match (hook.several().is_some(), hook.point().is_some()) {
            (false, _) => (jump, nothing),
            (true, false) => ("slot_kprobe_multi", "nothing_kprobe_multi"),
            (true, true) => ("slot_uprobe_multi", "nothing_uprobe_multi"),
        };
        let failed =
            |what: &str| KernelError::at(Place::Program, format!("failed to load the slot of a {kind} hook: {what}"));
        let bytes = internal_object("slot").ok_or_else(|| failed("this build has none"))?;
        let mut builder = ObjectBuilder::default();
        let mut object = builder.open_memory(bytes).map_err(|error| failed(&format!("{error:#}")))?;
        for mut program in object.progs_mut() {
            program.set_autoload(program.name() == jump || program.name() == nothing);
        }
        for function in [jump, nothing] {
            (this.prepare)(&mut object, function, hook, host)?;
        }
        // SAFETY: an open object that was not loaded before.
        let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
        if code < 0 {
            return Err(failed(&describe(-code)));
        }
        // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
        let object = unsafe { Object::from_ptr(object.take_ptr()) };
        let slot = Self::of(&object, jump, nothing).map_err(|error| failed(&error.to_string()))?;
        slot.put(program).map_err(|code| failed(&describe(code)))?;
        Ok(Some(NewSlot { slot, object, function: jump }))
    }

    /// From now on events run in `program`; the error is an errno.
    pub(super) fn put(&self, program: BorrowedFd<'_>) -> Result<(), i32> {
        let (key, value) = (0u32, program.as_raw_fd());
        let (key, value) = (ptr::from_ref(&key).cast(), ptr::from_ref(&value).cast());
        // SAFETY: key and value are four bytes each, as the map declares, and live across the call.
        let code = unsafe { libbpf_sys::bpf_map_update_elem(self.array.as_raw_fd(), key, value, 0) };
        if code < 0 { Err(-code) } else { Ok(()) }
    }

    /// From now on nothing happens at events.
    pub(super) fn clear(&self) -> Result<(), i32> {
        self.put(self.nothing.as_fd())
    }

    fn of(object: &Object, function: &str, nothing: &str) -> io::Result<Self> {
        let missing = || io::Error::other("it is incomplete");
        let program = |name: &str| {
            let program = object.progs().find(|program| program.name() == name).ok_or_else(missing)?;
            program.as_fd().try_clone_to_owned()
        };
        let array = object.maps().find(|map| map.name() == "slot").ok_or_else(missing)?;
        let array = array.as_fd().try_clone_to_owned()?;
        Ok(Self { program: program(function)?, nothing: program(nothing)?, array })
    }

    /// The descriptor of its program.
    pub(super) fn program(&self) -> i32 {
        self.program.as_raw_fd()
    }

    /// The descriptors of its programs and its array.
    pub(super) fn descriptors(&self) -> [i32; 3] {
        [self.program.as_raw_fd(), self.nothing.as_raw_fd(), self.array.as_raw_fd()]
    }
}
