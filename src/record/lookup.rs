// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids that this machine has names for.

use super::extras::Extras;
use super::integer::Integer;
use crate::spec::{Field, FoundOut, Layout};

/// What only this machine knows. Names are appended to a text that is used again; each answer is remembered by who gives it, so that
/// an event costs no system call.
pub trait Lookups {
    /// The time of day, in nanoseconds since 1970, at a time of CLOCK_MONOTONIC.
    fn unix_ns(&mut self, monotonic_ns: u64) -> u64;

    /// Appends the name of a disk, by its number as the kernel has it; false where there is none.
    fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool;

    /// Appends `function+0x8` for an address in the kernel's code.
    fn kernel_symbol(&mut self, address: u64, out: &mut Vec<u8>) -> bool;

    /// Appends `function+0x8` for an address in the code of a process.
    fn user_symbol(&mut self, pid: u32, address: u64, out: &mut Vec<u8>) -> bool;

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

    fn kernel_symbol(&mut self, _address: u64, _out: &mut Vec<u8>) -> bool {
        false
    }

    fn user_symbol(&mut self, _pid: u32, _address: u64, _out: &mut Vec<u8>) -> bool {
        false
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

    fn pid(self, record: &[u8]) -> Option<u32> {
        self.0.and_then(|at| record.get(at..)?.first_chunk()).map(|pid| u32::from_ne_bytes(*pid))
    }
}

/// One id of a record that is looked up.
#[derive(Debug)]
pub(super) struct Lookup {
    start: usize,
    end: usize,
    absent_bit: u64,
    number: Option<Integer>,
    of: FoundOut,
}

impl Lookup {
    pub(super) fn new(field: &Field) -> Self {
        let start = field.offset as usize;
        Self {
            start,
            end: start.saturating_add(field.size as usize),
            absent_bit: field.absent_bit.and_then(|bit| 1u64.checked_shl(bit.into())).unwrap_or(0),
            number: Integer::new(field.size, field.bits),
            of: field.kind.found_out(),
        }
    }

    /// Finds it out and pushes it.
    pub(super) fn find(&self, record: &[u8], absent: u64, who: Who, lookups: &mut dyn Lookups, found: &mut Extras) {
        let slot = record.get(self.start..self.end).filter(|_| absent & self.absent_bit == 0);
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
            FoundOut::KernelSymbol => {
                if !found.push_text(|out| lookups.kernel_symbol(number, out)) {
                    found.push_address(number);
                }
            }
            FoundOut::UserSymbol => {
                let pid = who.pid(record);
                if !found.push_text(|out| pid.is_some_and(|pid| lookups.user_symbol(pid, number, out))) {
                    found.push_address(number);
                }
            }
            FoundOut::Cgroup => or_null(found, |out| lookups.cgroup(number, out)),
            FoundOut::Container => or_null(found, |out| lookups.container(number, out)),
            FoundOut::Nothing | FoundOut::Result | FoundOut::Histogram => found.push_null(),
        }
    }
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
