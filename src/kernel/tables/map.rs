// SPDX-License-Identifier: MIT OR Apache-2.0
//! The maps of a table.

use std::ffi::CStr;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, LazyLock};

use crate::kernel::raw_map::{create, point_at, set_word};
use crate::spec::{Counting, Table};
use crate::words::Refusal;

/// What the kernel adds to each row: its own data, and the pointer to the counters of all CPUs.
const ROW_BYTES: u64 = 48 + 8;
/// What it adds to each stack, its hash among it.
const STACK_BYTES: u64 = 48 + 8;
/// What each bucket of a hash takes.
const BUCKET_BYTES: u64 = 16;
/// How the kernel calls these maps.
const NAME: &CStr = c"ebpf_run_table";
const STACKS_NAME: &CStr = c"ebpf_run_stacks";
const PHASES_NAME: &CStr = c"ebpf_run_phases";

/// The arrays of the tables that a program counts in: `table0` …
const TABLE: &str = "table";
pub(in crate::kernel) const FIRST_TABLE: &str = "table0";
/// Those of their stacks.
const STACKS: &str = "stacks";
/// Which maps of these are counted in.
const PHASES: &str = "phases";
/// Where large keys of these are made.
pub(in crate::kernel) const SCRATCH: &str = "scratch";

/// Hashes of stacks begin with it.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// True for the maps of a program that have to do with tables.
pub(in crate::kernel) fn is_of_tables(map: &str) -> bool {
    map.starts_with(TABLE) || map.starts_with(STACKS) || map == PHASES || map == SCRATCH
}

/// The maps of one table.
#[derive(Debug)]
pub struct TableMaps {
    /// What programs are given.
    array: OwnedFd,
    /// The first of them is the one that counts in the beginning.
    pub(super) rows: [OwnedFd; 2],
    /// Where keys have stacks.
    pub(super) stacks: Option<StackMaps>,
    pub(super) key_bytes: u32,
    pub(super) value_bytes: u32,
}

/// The stacks of a table, by their hashes.
#[derive(Debug)]
pub(super) struct StackMaps {
    array: OwnedFd,
    /// Each belongs to the rows of its number.
    pub(super) frames: [OwnedFd; 2],
    pub(super) bytes: u32,
    /// Which of the two is counted in, of all tables of the probe.
    phases: Arc<OwnedFd>,
    number: u32,
}

/// `MemAvailable` of proc_meminfo(5); `None` where it cannot be read.
fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

impl TableMaps {
    /// Makes the maps of tables that are empty. One that never begins again has one of each kind.
    pub fn of(counting: &Counting) -> io::Result<Vec<Arc<Self>>> {
        let kind = libbpf_sys::BPF_MAP_TYPE_ARRAY;
        let has_stacks = counting.tables.iter().any(|table| !table.stacks.is_empty());
        let phases = || create((kind, PHASES_NAME), (4, 8), Counting::MAX_TABLES, 0, None);
        let phases = has_stacks.then(phases).transpose()?.map(Arc::new);
        let tables = (0..).zip(&counting.tables);
        tables.map(|(number, table)| Self::new(table, number, phases.as_ref()).map(Arc::new)).collect()
    }

    fn new(table: &Table, number: u32, phases: Option<&Arc<OwnedFd>>) -> io::Result<Self> {
        // All memory is there from the start: programs may run where none can be had, and the place for one more row must not depend
        // on how fast rows come.
        let rows = two(table, || {
            let kind = libbpf_sys::BPF_MAP_TYPE_PERCPU_HASH;
            create((kind, NAME), (table.key_bytes, table.value_bytes), table.max_keys, 0, None)
        })?;
        let stacks = match phases.filter(|_| !table.stacks.is_empty()) {
            Some(phases) => Some(StackMaps::new(table, number, phases)?),
            None => None,
        };
        // Rows without stacks are exchanged in one place.
        let array = array(NAME, &rows, if stacks.is_some() { 2 } else { 1 })?;
        Ok(Self { array, rows, stacks, key_bytes: table.key_bytes, value_bytes: table.value_bytes })
    }

    /// How many CPUs a row has counters for; 1 where the machine does not say.
    pub fn cpus() -> usize {
        libbpf_rs::num_possible_cpus().unwrap_or(1)
    }

    /// Bytes of the kernel that a table takes on a machine with so many CPUs. About right.
    pub fn bytes(table: &Table, cpus: usize) -> u64 {
        let hash = |room: u32, each: u64| {
            u64::from(room.next_power_of_two()) * BUCKET_BYTES + u64::from(room) * each.next_multiple_of(8)
        };
        let row =
            ROW_BYTES + u64::from(table.key_bytes.next_multiple_of(8)) + cpus as u64 * u64::from(table.value_bytes);
        let stacks = match table.stack_bytes() {
            0 => 0,
            bytes => hash(table.most_stacks(), STACK_BYTES + u64::from(bytes)),
        };
        let one = hash(table.max_keys, row) + stacks;
        if table.is_cumulative() { one } else { 2 * one }
    }

    /// Refuses tables that this machine has no memory for: the kernel would take what others need, until it ends them.
    pub fn fit(counting: &Counting) -> Result<(), Refusal> {
        let cpus = Self::cpus();
        let wanted: u64 = counting.tables.iter().map(|table| Self::bytes(table, cpus)).fold(0, u64::saturating_add);
        let Some(free) = available_bytes().filter(|free| wanted > *free / 2) else { return Ok(()) };
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let message = format!(
            "its tables take {} MiB of the kernel's memory, more than half of the {} MiB that are available",
            mib(wanted),
            mib(free)
        );
        Err(Refusal::new(message).help("set a smaller `max_keys`, or leave out keys and values"))
    }

    /// What hashes of stacks begin with: nobody can make two stacks that have the same one.
    pub fn seed() -> u64 {
        *SEED
    }

    /// The map that a program has under this name.
    pub(in crate::kernel) fn named<'t>(tables: &'t [Arc<Self>], name: &str) -> Option<BorrowedFd<'t>> {
        let number = |begin: &str| name.strip_prefix(begin)?.parse::<usize>().ok();
        let any_stacks = || tables.iter().find_map(|table| table.stacks.as_ref());
        if name == PHASES {
            return any_stacks().map(|stacks| stacks.phases.as_fd());
        }
        if let Some(number) = number(STACKS) {
            // The compiler may load the address of one that is not used before it looks which one is: all of them must exist.
            let stacks = tables.get(number).and_then(|table| table.stacks.as_ref()).or_else(any_stacks);
            return stacks.map(|stacks| stacks.array.as_fd());
        }
        number(TABLE).and_then(|number| tables.get(number)).map(|table| table.array.as_fd())
    }

    /// Has programs count in the maps of this number. When this returns, none of them uses the others.
    pub(super) fn count_in(&self, number: usize) -> io::Result<()> {
        let Some(stacks) = &self.stacks else {
            return point_at(self.array.as_fd(), 0, self.rows[number & 1].as_fd());
        };
        // Each event asks once. Those that have asked before are done when the kernel has put a map where it was already.
        set_word(stacks.phases.as_fd(), stacks.number, number as u64 & 1)?;
        point_at(self.array.as_fd(), 0, self.rows[0].as_fd())
    }
}

impl StackMaps {
    fn new(table: &Table, number: u32, phases: &Arc<OwnedFd>) -> io::Result<Self> {
        let bytes = table.stack_bytes();
        let frames = two(table, || {
            let kind = libbpf_sys::BPF_MAP_TYPE_HASH;
            create((kind, STACKS_NAME), (8, bytes), table.most_stacks(), 0, None)
        })?;
        Ok(Self { array: array(STACKS_NAME, &frames, 2)?, frames, bytes, phases: Arc::clone(phases), number })
    }
}

/// Two maps that are alike; of a table that never begins again, one.
fn two(table: &Table, make: impl Fn() -> io::Result<OwnedFd>) -> io::Result<[OwnedFd; 2]> {
    let first = make()?;
    let second = if table.is_cumulative() { first.try_clone()? } else { make()? };
    Ok([first, second])
}

/// An array of maps, of the first `places` of these.
fn array(name: &CStr, maps: &[OwnedFd; 2], places: u32) -> io::Result<OwnedFd> {
    let array = create((libbpf_sys::BPF_MAP_TYPE_ARRAY_OF_MAPS, name), (4, 4), places, 0, Some(maps[0].as_fd()))?;
    for (place, map) in (0..places).zip(maps) {
        point_at(array.as_fd(), place, map.as_fd())?;
    }
    Ok(array)
}

/// Two are equal where they are the same.
impl PartialEq for TableMaps {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
