// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids that this machine has names for.

use super::extras::Extras;
use super::integer::Integer;
use super::stack::{CodeOf, Stack, StackFrame, show};
use crate::spec::{Counting, Field, FieldType, FoundOut, Layout, StackSlot};

/// What only this machine knows. Names are appended to a text that is used again; each answer is remembered by who gives it, so that
/// an event costs no system call.
pub trait Lookups {
    /// The time of day, in nanoseconds since 1970, at a time of CLOCK_MONOTONIC.
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64;

    /// Appends the name of a disk, by its number as the kernel has it; false where there is none.
    fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool;

    /// True if all is known of the functions at these addresses, or never will be; else somebody finds it out meanwhile.
    fn knows(&mut self, of: CodeOf, addresses: &mut dyn Iterator<Item = u64>) -> bool;

    /// Appends what is known of the function at an address, the functions inlined there first; at least one frame.
    fn frames(&mut self, of: CodeOf, address: u64, out: &mut Vec<StackFrame>);

    /// Appends the path of a cgroup below the mount of cgroup2: `/system.slice/ssh.service`.
    fn cgroup(&mut self, id: u64, out: &mut Vec<u8>) -> bool;

    /// Appends the id of the container that a cgroup is of; false where it is of none.
    fn container(&mut self, id: u64, out: &mut Vec<u8>) -> bool;
}

/// Nothing is known.
#[derive(Debug, Clone, Copy)]
pub struct NoLookups;

impl Lookups for NoLookups {
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64 {
        monotonic_ns
    }

    fn disk(&mut self, _number: u32, _out: &mut Vec<u8>) -> bool {
        false
    }

    fn knows(&mut self, _of: CodeOf, _addresses: &mut dyn Iterator<Item = u64>) -> bool {
        true
    }

    fn frames(&mut self, _of: CodeOf, address: u64, out: &mut Vec<StackFrame>) {
        out.push(StackFrame::unknown(address));
    }

    fn cgroup(&mut self, _id: u64, _out: &mut Vec<u8>) -> bool {
        false
    }

    fn container(&mut self, _id: u64, _out: &mut Vec<u8>) -> bool {
        false
    }
}

/// Where a record has its process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who(Option<usize>);

impl Who {
    pub(super) fn new(layout: &Layout) -> Self {
        let pid = layout.process.iter().find(|field| field.name == "pid" && field.size == 4);
        Self(pid.map(|field| field.offset as usize))
    }

    /// The code of its process.
    fn code(self, record: &[u8]) -> Option<CodeOf> {
        let pid = self.0.and_then(|at| record.get(at..)?.first_chunk()).map(|pid| u32::from_ne_bytes(*pid))?;
        Some(CodeOf::Process { pid, space: 0 })
    }
}

/// One id of a record that is looked up.
#[derive(Debug)]
pub(super) struct Lookup {
    start: usize,
    end: usize,
    absent_bit: u64,
    number: Option<Integer>,
    /// Its process is behind it, in a key; else it is that of the record.
    has_process: bool,
    of: FoundOut,
    /// Of a stack: whether it is the process's, and how many frames of it are shown.
    stack: Option<(bool, usize)>,
}

impl Lookup {
    pub(super) fn new(field: &Field) -> Self {
        let start = field.offset as usize;
        let has_process = field.kind == FieldType::Usym && field.size > Counting::PROCESS_BYTES;
        let size = if has_process { field.size - Counting::PROCESS_BYTES } else { field.size };
        Self {
            start,
            end: start.saturating_add(field.size as usize),
            absent_bit: field.absent_bit.and_then(|bit| 1u64.checked_shl(bit.into())).unwrap_or(0),
            number: Integer::new(size, field.bits),
            has_process,
            of: field.kind.found_out(),
            stack: stack_of(field),
        }
    }

    /// True for functions.
    pub(super) fn asks(&self) -> bool {
        matches!(self.of, FoundOut::KernelSymbol | FoundOut::UserSymbol | FoundOut::Stack)
    }

    fn slot<'r>(&self, record: &'r [u8], absent: u64) -> Option<&'r [u8]> {
        record.get(self.start..self.end).filter(|_| absent & self.absent_bit == 0)
    }

    /// Whose code an address is in.
    fn whose(&self, slot: &[u8], record: &[u8], who: Who) -> Option<CodeOf> {
        if !self.has_process {
            return who.code(record);
        }
        let (pid, space) = slot.last_chunk::<8>()?.split_first_chunk::<4>()?;
        Some(CodeOf::Process { pid: u32::from_ne_bytes(*pid), space: u32::from_ne_bytes(space.try_into().ok()?) })
    }

    /// True if [`Lookup::find`] would find all there is now.
    pub(super) fn is_known(&self, record: &[u8], absent: u64, who: Who, lookups: &mut dyn Lookups) -> bool {
        let Some(slot) = self.slot(record, absent) else { return true };
        let number = || self.number.map_or(0, |number| number.unsigned(slot));
        match (self.of, self.stack) {
            (FoundOut::KernelSymbol, _) => lookups.knows(CodeOf::Kernel, &mut [number()].into_iter()),
            (FoundOut::UserSymbol, _) => {
                let Some(of) = self.whose(slot, record, who) else { return true };
                lookups.knows(of, &mut [number()].into_iter())
            }
            (FoundOut::Stack, Some((user, _))) => {
                let Some(stack) = Stack::of(slot) else { return true };
                lookups.knows(stack.whose(user), &mut stack.addresses())
            }
            (_, _) => true,
        }
    }

    /// Finds it out and pushes it.
    pub(super) fn find(&self, record: &[u8], absent: u64, who: Who, lookups: &mut dyn Lookups, found: &mut Extras) {
        let slot = self.slot(record, absent);
        if let (Some(slot), Some((user, shown))) = (slot, self.stack) {
            return push_stack(slot, user, shown, lookups, found);
        }
        let Some(number) = slot.and_then(|slot| Some(self.number?.unsigned(slot))) else { return found.push_null() };
        match self.of {
            FoundOut::Time => found.push_time(lookups.unix_ns(number)),
            FoundOut::Disk => {
                let device = number as u32;
                if !found.push_text(|out| lookups.disk(device, out)) {
                    found.push_text(|out| device_number(device, out));
                }
            }
            FoundOut::KernelSymbol | FoundOut::UserSymbol if number == 0 => found.push_null(),
            FoundOut::KernelSymbol => symbol(Some(CodeOf::Kernel), number, lookups, found),
            FoundOut::UserSymbol => {
                symbol(slot.and_then(|slot| self.whose(slot, record, who)), number, lookups, found);
            }
            FoundOut::Cgroup => or_null(found, |out| lookups.cgroup(number, out)),
            FoundOut::Container => or_null(found, |out| lookups.container(number, out)),
            FoundOut::Nothing | FoundOut::Result | FoundOut::Histogram | FoundOut::Stack => found.push_null(),
        }
    }
}

fn stack_of(field: &Field) -> Option<(bool, usize)> {
    let FieldType::Stack { user } = field.kind else { return None };
    Some((user, StackSlot::shown(user, field.size)))
}

/// `function+0x8`, or the address.
fn symbol(of: Option<CodeOf>, address: u64, lookups: &mut dyn Lookups, found: &mut Extras) {
    let is_known = of.is_some_and(|of| found.push_function(|frames| lookups.frames(of, address, frames)));
    if !is_known {
        found.push_address(address);
    }
}

fn push_stack(slot: &[u8], user: bool, shown: usize, lookups: &mut dyn Lookups, found: &mut Extras) {
    let Some(stack) = Stack::of(slot) else { return found.push_null() };
    let of = stack.whose(user);
    found.push_stack(
        |frames| stack.addresses().for_each(|address| lookups.frames(of, address, frames)),
        |frames, start| show(frames, start, user, shown),
    );
}

fn or_null(found: &mut Extras, write: impl FnOnce(&mut Vec<u8>) -> bool) {
    if !found.push_text(write) {
        found.push_null();
    }
}

/// `8:16`
fn device_number(number: u32, out: &mut Vec<u8>) -> bool {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(number >> 20).as_bytes());
    out.push(b':');
    out.extend_from_slice(digits.format(number & 0xf_ffff).as_bytes());
    true
}
