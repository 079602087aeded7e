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

use crate::catalog::internal_object;
use crate::kernel::error::{KernelError, describe};
use crate::spec::Place;

/// One program with its array of one element.
pub(super) struct Slot {
    program: OwnedFd,
    array: OwnedFd,
}

/// A slot that is to be attached.
pub(super) struct NewSlot {
    pub(super) slot: Slot,
    object: Object,
}

impl NewSlot {
    /// What is to be attached.
    pub(super) fn program(&mut self) -> Option<ProgramMut<'_>> {
        self.object.progs_mut().find(|program| program.autoload())
    }
}

impl Slot {
    /// The slot for functions of this kind of hook (`kprobe`, `tracepoint` …), which `program` takes at once: a slot is never
    /// empty.
    pub(super) fn load(kind: &str, program: BorrowedFd<'_>) -> Result<NewSlot, KernelError> {
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
        let slot = Self::of(&object).map_err(|error| failed(&error.to_string()))?;
        slot.put(program).map_err(|code| failed(&describe(code)))?;
        Ok(NewSlot { slot, object })
    }

    /// From now on events run in `program`; the error is an errno.
    pub(super) fn put(&self, program: BorrowedFd<'_>) -> Result<(), i32> {
        let (key, value) = (0u32, program.as_raw_fd());
        let (key, value) = (ptr::from_ref(&key).cast(), ptr::from_ref(&value).cast());
        // SAFETY: key and value are four bytes each, as the map declares, and live across the call.
        let code = unsafe { libbpf_sys::bpf_map_update_elem(self.array.as_raw_fd(), key, value, 0) };
        if code < 0 { Err(-code) } else { Ok(()) }
    }

    /// From now on events run in no program.
    pub(super) fn clear(&self) -> Result<(), i32> {
        let key = 0u32;
        // SAFETY: the key is four bytes, as the map declares, and lives across the call.
        let code = unsafe { libbpf_sys::bpf_map_delete_elem(self.array.as_raw_fd(), ptr::from_ref(&key).cast()) };
        if code < 0 { Err(-code) } else { Ok(()) }
    }

    fn of(object: &Object) -> io::Result<Self> {
        let missing = || io::Error::other("it is incomplete");
        let program = object.progs().find(|program| program.autoload()).ok_or_else(missing)?;
        let array = object.maps().find(|map| map.name() == "slot").ok_or_else(missing)?;
        Ok(Self { program: program.as_fd().try_clone_to_owned()?, array: array.as_fd().try_clone_to_owned()? })
    }

    /// The descriptor of its program.
    pub(super) fn program(&self) -> i32 {
        self.program.as_raw_fd()
    }

    /// The descriptors of its program and its array.
    pub(super) fn descriptors(&self) -> [i32; 2] {
        [self.program.as_raw_fd(), self.array.as_raw_fd()]
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
