// SPDX-License-Identifier: MIT OR Apache-2.0
//! One layer: `bpf/internal/syscall_layer.bpf.c`, loaded and attached.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libbpf_rs::{AsRawLibbpf as _, MapCore as _, Object, ObjectBuilder, OpenObject};
use rustix::mm::ProtFlags;

use crate::catalog::{KernelOffsets, internal_object};
use crate::kernel::error::{KernelError, describe};
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::mapping::Mapping;
use crate::spec::{CallEnd, Place, SyscallAbi};

/// Numbers that each table of system calls has room for: MAX_SYSCALLS.
pub(super) const HALF: u32 = 512;

/// An element of the array: a number of a table.
pub(super) type Number = (SyscallAbi, u32);

/// Why a layer takes a look which table a call is of: the bits of an element of `has_compat`. A program is there for 32-bit processes …
const SITS: u8 = 1;
/// … or the one that is there for 64-bit processes waits for this number of both, and may sit in another layer for those of 32 bits: a
/// call of theirs must not run it here as well.
const BOTH: u8 = 2;

/// The raw tracepoint at an end of all system calls.
pub(in crate::kernel) fn event(end: CallEnd) -> &'static str {
    match end {
        CallEnd::Entry => "sys_enter",
        CallEnd::Return => "sys_exit",
    }
}

/// Why there is no place.
pub(in crate::kernel) enum NoSeat {
    /// A layer cannot be loaded.
    Program(KernelError),
    /// It cannot be attached, or its array refuses a program: an errno.
    Code(i32),
}

/// A layer that is attached; dropping it detaches it.
pub(super) struct Layer {
    pub(super) end: CallEnd,
    // Closed first: the array is not asked any more.
    link: OwnedFd,
    program: OwnedFd,
    array: OwnedFd,
    /// The variable `has_compat`.
    has_compat: Mutex<Mapping>,
}

impl Layer {
    /// An empty layer at an end of all system calls.
    pub(super) fn attach(end: CallEnd, host: &Host) -> Result<Self, NoSeat> {
        let failed = |what: &str| {
            let message = format!("failed to load what probes at system calls share: {what}");
            NoSeat::Program(KernelError::at(Place::Program, message))
        };
        let function = format!("layer_{}", event(end));
        let bytes = internal_object("syscall_layer").ok_or_else(|| failed("this build has none"))?;
        let mut builder = ObjectBuilder::default();
        let mut object = builder.open_memory(bytes).map_err(|error| failed(&format!("{error:#}")))?;
        object.progs_mut().for_each(|mut program| {
            program.set_autoload(program.name() == function.as_str());
        });
        specialise(&mut object, bytes, host);
        // SAFETY: an open object that was not loaded before.
        let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
        if code < 0 {
            return Err(failed(&describe(-code)));
        }
        // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
        let object = unsafe { Object::from_ptr(object.take_ptr()) };
        let (program, array, has_compat) = parts(&object, &function).map_err(|error| failed(&error.to_string()))?;
        let link = link(event(end), program.as_fd()).map_err(NoSeat::Code)?;
        Ok(Self { end, link, program, array, has_compat: Mutex::new(has_compat) })
    }

    /// From now on calls of this number run in `program`, which waits for the same number of the other table as well if `both` says so;
    /// the error is an errno.
    pub(super) fn put(&self, number: Number, program: BorrowedFd<'_>, both: bool) -> Result<(), i32> {
        let (abi, at) = number;
        if abi == SyscallAbi::Native && both {
            self.look_for_compat(at, BOTH, true);
        }
        let (key, value) = (index(number), program.as_raw_fd());
        let (key, value) = (ptr::from_ref(&key).cast(), ptr::from_ref(&value).cast());
        // SAFETY: key and value are four bytes each, as the map declares, and live across the call.
        let code = unsafe { libbpf_sys::bpf_map_update_elem(self.array.as_raw_fd(), key, value, 0) };
        if code < 0 {
            return Err(-code);
        }
        match abi {
            SyscallAbi::Native if both => {}
            SyscallAbi::Native => self.look_for_compat(at, BOTH, false),
            SyscallAbi::Compat => self.look_for_compat(at, SITS, true),
        }
        Ok(())
    }

    /// From now on nothing happens at calls of this number.
    pub(super) fn clear(&self, number: Number) {
        let (abi, at) = number;
        if abi == SyscallAbi::Compat {
            self.look_for_compat(at, SITS, false);
        }
        let key = index(number);
        // SAFETY: the key is four bytes, as the map declares, and lives across the call. What is not there needs no deletion.
        unsafe { libbpf_sys::bpf_map_delete_elem(self.array.as_raw_fd(), ptr::from_ref(&key).cast()) };
        if abi == SyscallAbi::Native {
            self.look_for_compat(at, BOTH, false);
        }
    }

    /// Whether this is a reason to take a look at calls of this number which table they are of.
    fn look_for_compat(&self, number: u32, reason: u8, looks: bool) {
        let mapping: MutexGuard<'_, Mapping> = self.has_compat.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert!((number as usize) < mapping.len(), "numbers are below HALF");
        // SAFETY: within the mapping, which has HALF bytes and lives as long as the lock; both sides read and write single bytes.
        let byte = unsafe { AtomicU8::from_ptr(mapping.start().cast::<u8>().add(number as usize).as_ptr()) };
        match looks {
            true => byte.fetch_or(reason, Ordering::Release),
            false => byte.fetch_and(!reason, Ordering::Release),
        };
    }

    /// Calls of any number that the kernel skipped it for: where it was interrupted by another call, or preempted.
    pub(super) fn missed(&self) -> u64 {
        info::program(self.program.as_raw_fd()).recursion_misses
    }

    /// The descriptor of its link.
    pub(super) fn link(&self) -> i32 {
        self.link.as_raw_fd()
    }
}

fn index((abi, number): Number) -> u32 {
    match abi {
        SyscallAbi::Native => number,
        SyscallAbi::Compat => HALF + number,
    }
}

/// Tells the program where the kernel's structs have what it reads of them. Without BTF all calls are of 64-bit processes to it.
fn specialise(object: &mut OpenObject, bytes: &[u8], host: &Host) {
    let offsets = KernelOffsets::of_object(bytes);
    let mut map = object.maps_mut().find(|map| map.name().to_string_lossy().ends_with(".rodata"));
    if let (Some(rodata), Some(btf)) = (map.as_mut().and_then(|map| map.initial_value_mut()), host.btf()) {
        offsets.write(rodata, &offsets.of_kernel(btf));
    }
}

/// Program, array and `has_compat` of a loaded object.
fn parts(object: &Object, function: &str) -> io::Result<(OwnedFd, OwnedFd, Mapping)> {
    let missing = || io::Error::other("it is incomplete");
    let program = object.progs().find(|program| program.name() == function).ok_or_else(missing)?;
    let array = object.maps().find(|map| map.name() == "calls").ok_or_else(missing)?;
    let bss = object.maps().find(|map| map.name().to_string_lossy().ends_with(".bss")).ok_or_else(missing)?;
    if bss.value_size() != HALF || array.max_entries() != 2 * HALF {
        return Err(missing());
    }
    let has_compat = Mapping::new(bss.as_fd(), HALF as usize, ProtFlags::READ | ProtFlags::WRITE, 0)?;
    Ok((program.as_fd().try_clone_to_owned()?, array.as_fd().try_clone_to_owned()?, has_compat))
}

/// Attaches a program to a raw tracepoint; the error is an errno.
fn link(event: &str, program: BorrowedFd<'_>) -> Result<OwnedFd, i32> {
    let event = CString::new(event).map_err(|_| libc::ENOENT)?;
    // SAFETY: the name lives across the call, which takes a descriptor that the caller holds.
    let fd = unsafe { libbpf_sys::bpf_raw_tracepoint_open(event.as_ptr(), program.as_raw_fd()) };
    if fd < 0 {
        return Err(-fd);
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
