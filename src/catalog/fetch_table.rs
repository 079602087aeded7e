// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the work list of `trace` into its `.rodata`: the field offsets and enumerators of `bpf/include/fetch.h`, as
//! the object's BTF has them.

use std::collections::HashMap;

use super::btf::Btf;
use super::counting_table::CountingTable;
use super::elf::ObjectError;
use super::fetch_context::{FetchContext, Lowered, Registers};
use super::fetch_entry::{FetchLimit, write_fetch};
use super::kernel_offsets::KernelOffsets;
use super::span_table::{SpanHook, SpanTable};
use super::step_table::{SetPlace, StepTable};
use super::table::{Constants, Table, put};
use crate::spec::{Counting, Fetch, FetchCopy, FetchSource, OperationKind, Step};

/// Bytes behind the names of a path into which one that does not fit may run over: NAMES_BYTES of `bpf/include/names.h`.
const MARGIN: u32 = 256;
/// Bytes of a path's slot before its names.
const NAMES_AT: u32 = 4;

/// Where the fields of the work list are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchTable {
    table: Table,
    record_size: u32,
    record_margin: u32,
    only_pid: u32,
    own_tgid: u32,
    in_network: u32,
    usdt_by_cookie: u32,
    reads_arguments: u32,
    /// Where `without_process` is in `.rodata`.
    without_process: u32,
    /// Where `at_syscalls` is in `.rodata`.
    at_syscalls: u32,
    /// Where `packet_is_read` is in `.rodata`.
    packet_is_read: u32,
    /// How many pointers one entry can follow.
    max_hops: u32,
    /// The largest slot.
    max_slot: u32,
    pub(super) registers: Registers,
    /// What only spans have.
    span: SpanTable,
    /// The tests of `where`.
    pub steps: StepTable,
    /// The tables that events are counted in; `Some` for the form that counts.
    counting: Option<CountingTable>,
    /// Where the members of the kernel's structs are to be filled in.
    pub offsets: KernelOffsets,
}

impl FetchTable {
    /// Finds the work list; `None` if the program has none.
    ///
    /// `places` are those of the variables in `.rodata`, by the object's symbols.
    pub(super) fn find(btf: &Btf, places: &HashMap<String, u32>) -> Result<Option<Self>, ObjectError> {
        let constants = Constants::new(btf, places);
        if constants.place("fetches").is_none() {
            return Ok(None);
        }
        let broken = || ObjectError("`fetches` does not have the form of bpf/include/fetch.h".to_owned());
        Self::of(btf, &constants).ok_or_else(broken).map(Some)
    }

    fn of(btf: &Btf, constants: &Constants<'_>) -> Option<Self> {
        let table = constants.table("fetches")?;
        let (_, zeros) = constants.find("zeros")?;
        Some(Self {
            max_hops: (table.size_of("offset")? / 4).saturating_sub(1),
            max_slot: btf.size_of(zeros)?,
            table,
            record_size: constants.place("record_size")?,
            record_margin: constants.place("record_margin")?,
            only_pid: constants.place("only_pid")?,
            own_tgid: constants.place("own_tgid")?,
            in_network: constants.place("in_network")?,
            usdt_by_cookie: constants.place("usdt_by_cookie")?,
            reads_arguments: constants.place("reads_arguments")?,
            without_process: constants.place("without_process")?,
            at_syscalls: constants.place("at_syscalls")?,
            packet_is_read: constants.place("packet_is_read")?,
            registers: Registers::find(constants)?,
            span: SpanTable::find(constants)?,
            steps: StepTable::find(constants)?,
            counting: CountingTable::find(constants),
            offsets: KernelOffsets::find(btf, constants),
        })
    }

    /// True for the form of the program that counts its events.
    pub fn counts(&self) -> bool {
        self.counting.is_some()
    }

    /// Writes the tables, and what their keys and values are made of.
    pub fn write_counting(&self, rodata: &mut [u8], counting: &Counting, stack_seed: u64, context: FetchContext) {
        let Some(table) = &self.counting else { return };
        let values = counting.tallies.iter().filter_map(|tally| Some(&tally.number.as_ref()?.0));
        self.read_packet(rodata, values.chain(operands(counting)));
        let registers = self.registers.read(rodata);
        table.write(rodata, (counting, stack_seed), |fetch| Lowered::new(fetch, context, &registers));
    }

    /// How many fetches one probe can have.
    pub fn capacity(&self) -> usize {
        self.table.capacity as usize
    }

    /// Bytes that `size` bytes of slots take, with what the last of these fetches may write behind them.
    pub fn room(fetches: &[Fetch], size: u32) -> u32 {
        size + margin(fetches, size)
    }

    /// Fills `.rodata` for these fetches and a record of `record_size` bytes.
    pub fn write(
        &self,
        rodata: &mut [u8],
        fetches: &[Fetch],
        record_size: u32,
        context: FetchContext,
    ) -> Result<(), FetchLimit> {
        if fetches.len() > self.table.capacity as usize {
            return Err(FetchLimit::Entries(self.table.capacity));
        }
        let margin = margin(fetches, record_size);
        put(rodata, self.record_size, &(record_size + margin).to_ne_bytes());
        put(rodata, self.record_margin, &margin.to_ne_bytes());
        self.run_in(rodata, context);
        self.read_packet(rodata, fetches);
        let registers = self.registers.read(rodata);
        for (index, fetch) in fetches.iter().enumerate() {
            if u32::from(fetch.slot) > self.max_slot {
                return Err(FetchLimit::Slot(index, self.max_slot));
            }
            let lowered = Lowered::new(fetch, context, &registers);
            if lowered.hops.len() > self.max_hops as usize {
                return Err(FetchLimit::Hops(index, self.max_hops));
            }
            write_fetch(&mut self.table.entry(rodata, index), &lowered);
        }
        Ok(())
    }

    /// Tells the program what it is called with.
    fn run_in(&self, rodata: &mut [u8], context: FetchContext) {
        put(rodata, self.at_syscalls, &[u8::from(context == FetchContext::Syscall)]);
        put(rodata, self.without_process, &[u8::from(context.is_without_process())]);
        put(rodata, self.in_network, &[u8::from(context.is_network())]);
    }

    /// Has the program read the packet or call at hand if one of these fetches wants it.
    fn read_packet<'a>(&self, rodata: &mut [u8], fetches: impl IntoIterator<Item = &'a Fetch>) {
        if fetches.into_iter().any(|fetch| fetch.source == FetchSource::Packet) {
            put(rodata, self.packet_is_read, &[1]);
        }
    }

    /// Spares the program the arguments of system calls, of which nothing reads any.
    pub fn leave_out_arguments(&self, rodata: &mut [u8]) {
        put(rodata, self.reads_arguments, &[0]);
    }

    /// Has the program keep to one process; `pid` is its number in the first PID namespace.
    pub fn keep_to_process(&self, rodata: &mut [u8], pid: u32) {
        put(rodata, self.only_pid, &pid.to_ne_bytes());
    }

    /// Has the program leave out what one process does; `pid` is its number in the first PID namespace.
    pub fn leave_out_process(&self, rodata: &mut [u8], pid: u32) {
        put(rodata, self.own_tgid, &pid.to_ne_bytes());
    }

    /// Has the program tell the places of a USDT probe apart by the cookies of their links.
    pub fn tell_places_by_cookies(&self, rodata: &mut [u8]) {
        put(rodata, self.usdt_by_cookie, &[1]);
    }

    /// Tells the program what its hook is to spans.
    pub fn write_span(&self, rodata: &mut [u8], hook: &SpanHook<'_>, context: FetchContext) -> Result<(), FetchLimit> {
        for (index, bit) in hook.bits.iter().enumerate().take(self.capacity()) {
            self.table.entry(rodata, index).set("bit", *bit);
        }
        let registers = self.registers.read(rodata);
        self.span.write(rodata, hook, self.max_hops as usize, |fetch| Lowered::new(fetch, context, &registers))
    }

    /// Writes the tests of `where`, whose operands can follow as many pointers.
    pub fn write_steps(
        &self,
        rodata: &mut [u8],
        steps: &[Step],
        sets: &[SetPlace],
        context: FetchContext,
    ) -> Result<(), FetchLimit> {
        self.read_packet(rodata, steps.iter().map(|step| &step.fetch));
        let registers = self.registers.read(rodata);
        self.steps.write(rodata, steps, sets, self.max_hops as usize, |fetch| Lowered::new(fetch, context, &registers))
    }
}

/// How much longer than the slots a record must be, for the paths at its end.
fn margin(fetches: &[Fetch], record_size: u32) -> u32 {
    let behind = |fetch: &Fetch| {
        (fetch.out + NAMES_AT + u32::from(fetch.size).saturating_sub(NAMES_AT) + MARGIN).saturating_sub(record_size)
    };
    let paths = fetches.iter().filter(|fetch| is_path(fetch.copy));
    paths.map(behind).max().unwrap_or(0).next_multiple_of(8)
}

fn is_path(copy: FetchCopy) -> bool {
    match copy {
        FetchCopy::FilePath | FetchCopy::Path | FetchCopy::DentryPath | FetchCopy::FdPath => true,
        FetchCopy::Value
        | FetchCopy::Kernel
        | FetchCopy::User
        | FetchCopy::KernelText
        | FetchCopy::UserText
        | FetchCopy::Comm
        | FetchCopy::Sock
        | FetchCopy::Sockaddr
        | FetchCopy::KernelStack
        | FetchCopy::UserStack
        | FetchCopy::Packet { .. }
        | FetchCopy::SumOfCpus { .. } => false,
    }
}

/// What calculations read.
fn operands(counting: &Counting) -> impl Iterator<Item = &Fetch> {
    counting.operations.iter().filter_map(|operation| match &operation.kind {
        OperationKind::Fetch(fetch, _) => Some(&**fetch),
        OperationKind::Constant(_)
        | OperationKind::Arithmetic { .. }
        | OperationKind::Compare { .. }
        | OperationKind::Within { .. } => None,
    })
}
