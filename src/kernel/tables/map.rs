// SPDX-License-Identifier: MIT OR Apache-2.0
//! The maps of a table.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::kernel::raw_map::{create, point_at};
use crate::spec::Table;

/// What the kernel adds to each row: its own data, and the pointer to the counters of all CPUs.
const ROW_BYTES: u64 = 48 + 8;
/// What each bucket of a hash takes.
const BUCKET_BYTES: u64 = 16;
/// How the kernel calls these maps.
const NAME: &std::ffi::CStr = c"ebpf_run_table";

/// The arrays of the tables that a program counts in: `table0` …
pub(in crate::kernel) const TABLE: &str = "table";
pub(in crate::kernel) const FIRST_TABLE: &str = "table0";
/// Where large keys of these are made.
pub(in crate::kernel) const SCRATCH: &str = "scratch";

/// The maps of one table.
#[derive(Debug)]
pub struct TableMaps {
    /// What programs are given.
    array: OwnedFd,
    /// The first of them is the one that counts in the beginning.
    pub(super) rows: [OwnedFd; 2],
    pub(super) key_bytes: u32,
    pub(super) value_bytes: u32,
}

impl TableMaps {
    /// Makes the maps of a table that is empty. A table that never begins again has one.
    pub fn new(table: &Table) -> io::Result<Self> {
        // All memory is there from the start: programs may run where none can be had, and the place for one more row must not depend
        // on how fast rows come.
        let rows = || {
            let kind = libbpf_sys::BPF_MAP_TYPE_PERCPU_HASH;
            create((kind, NAME), (table.key_bytes, table.value_bytes), table.max_keys, 0, None)
        };
        let first = rows()?;
        let array = create((libbpf_sys::BPF_MAP_TYPE_ARRAY_OF_MAPS, NAME), (4, 4), 1, 0, Some(first.as_fd()))?;
        point_at(array.as_fd(), first.as_fd())?;
        let second = if table.is_cumulative() { first.try_clone()? } else { rows()? };
        Ok(Self { array, rows: [first, second], key_bytes: table.key_bytes, value_bytes: table.value_bytes })
    }

    /// How many CPUs a row has counters for; 1 where the machine does not say.
    pub fn cpus() -> usize {
        libbpf_rs::num_possible_cpus().unwrap_or(1)
    }

    /// Bytes of the kernel that a table takes on a machine with so many CPUs. About right.
    pub fn bytes(table: &Table, cpus: usize) -> u64 {
        let rows = u64::from(table.max_keys);
        let row =
            ROW_BYTES + u64::from(table.key_bytes.next_multiple_of(8)) + cpus as u64 * u64::from(table.value_bytes);
        let one = u64::from(table.max_keys.next_power_of_two()) * BUCKET_BYTES + rows * row;
        if table.is_cumulative() { one } else { 2 * one }
    }

    /// Has programs count in the map of this number. When this returns, none of them uses the other.
    pub(super) fn count_in(&self, number: usize) -> io::Result<()> {
        point_at(self.array.as_fd(), self.rows[number & 1].as_fd())
    }
}

/// Two are equal where they are the same.
impl PartialEq for TableMaps {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// What programs are given.
impl AsFd for TableMaps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.array.as_fd()
    }
}
