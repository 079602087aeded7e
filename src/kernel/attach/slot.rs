// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stable program on a hook that jumps into the one that does the work: `bpf/internal/slot.bpf.c`.
//!
//! Links of tracepoints, raw tracepoints, kprobes and uprobes cannot be updated in place (`BPF_LINK_UPDATE` is EINVAL), and
//! two that overlap would report an event twice. An element of a program array is exchanged atomically: each event runs in
//! exactly one of the two programs.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;

use libbpf_rs::{AsRawLibbpf as _, MapCore as _, Object, ObjectBuilder, ProgramMut};

use super::info::memory_bytes;
use crate::catalog::internal_object;
use crate::kernel::error::{KernelError, describe};
use crate::spec::Place;

/// One attachable program with its array of one element.
pub(super) struct Slot {
    /// Until it is attached.
    object: Option<Object>,
    array: OwnedFd,
    jump: OwnedFd,
    memory_bytes: u64,
}

impl Slot {
    /// The slot for functions of this kind of hook (`kprobe`, `tracepoint` …), which `program` takes at once: a slot is never
    /// empty.
    pub(super) fn load(kind: &str, program: BorrowedFd<'_>) -> Result<Self, KernelError> {
        let failed = |what: &str| {
            KernelError::new(Place::Program, format!("failed to load the slot of a {kind} hook: {what}"), "")
        };
        let bytes = internal_object("slot").ok_or_else(|| failed("this build has none"))?;
        let mut builder = ObjectBuilder::default();
        let mut object = builder.open_memory(bytes).map_err(|error| failed(&format!("{error:#}")))?;
        let function = function(kind);
        for mut program in object.progs_mut() {
            program.set_autoload(program.name() == function);
        }
        // SAFETY: an open object that was not loaded before.
        let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
        if code < 0 {
            return Err(failed(&describe(-code)));
        }
        // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
        let object = unsafe { Object::from_ptr(object.take_ptr()) };
        let array = object.maps().find(|map| map.name() == "slot");
        let jump = object.progs().find(|program| program.autoload());
        let (Some(array), Some(jump)) = (array, jump) else { return Err(failed("its array is missing")) };
        let own = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map_err(|error| failed(&error.to_string()));
        let (array, jump) = (own(array.as_fd())?, own(jump.as_fd())?);
        let memory_bytes = memory_bytes(array.as_raw_fd()) + memory_bytes(jump.as_raw_fd());
        let slot = Self { object: Some(object), array, jump, memory_bytes };
        slot.put(program).map_err(|code| failed(&describe(code)))?;
        Ok(slot)
    }

    /// From now on events run in `program`; the error is an errno.
    pub(super) fn put(&self, program: BorrowedFd<'_>) -> Result<(), i32> {
        let (key, value) = (0u32, program.as_raw_fd());
        let (key, value) = (ptr::from_ref(&key).cast(), ptr::from_ref(&value).cast());
        // SAFETY: key and value are four bytes each, as the map declares, and live across the call.
        let code = unsafe { libbpf_sys::bpf_map_update_elem(self.array.as_raw_fd(), key, value, 0) };
        if code < 0 { Err(-code) } else { Ok(()) }
    }

    /// What is to be attached; `None` once that was done.
    pub(super) fn program(&mut self) -> Option<ProgramMut<'_>> {
        self.object.as_mut()?.progs_mut().find(|program| program.autoload())
    }

    /// It is attached: what libbpf needed for that goes.
    pub(super) fn settle(&mut self) {
        self.object = None;
    }

    /// The descriptor of what is attached.
    pub(super) fn jump(&self) -> i32 {
        self.jump.as_raw_fd()
    }

    /// Bytes of kernel memory of its program and its array.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

/// kprobe, kretprobe and uprobes are one type of program, with one kind of context.
fn function(kind: &str) -> &'static str {
    match kind {
        "tracepoint" => "slot_tracepoint",
        "raw_tracepoint" => "slot_raw_tracepoint",
        _ => "slot_kprobe",
    }
}
