// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables that the kernel counts in, resolved: `bpf/include/aggregate.h` carries them out.

use std::ops::Range;

use super::expr::NameTable;
use super::fetch::{Fetch, FetchSource};
use super::formula::Arithmetic;
use super::layout::{Field, Layout};
use super::of_end::OfEnd;
use super::place::AggregatePart;
use super::sample::Statistic;
use super::step::{Step, Widening};

/// All tables of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counting {
    /// The tables, in the order of the file.
    pub tables: Vec<Table>,
    /// What the keys of all tables are made of.
    pub fetches: Vec<Fetch>,
    /// Those of them of which a part alone is the key.
    pub pieces: Vec<KeyPiece>,
    /// Those of them that are addresses in the code of a process, which is behind them in the key, as in [`Self::PROCESS_BYTES`].
    pub processes: Vec<usize>,
    /// The values of all tables.
    pub tallies: Vec<Tally>,
    /// What is calculated for keys, values and conditions.
    pub operations: Vec<Operation>,
    /// The tests of `where`, then those of conditions; each graph begins with its first step.
    pub steps: Vec<Step>,
    /// True where the first of them are those of `where`.
    pub has_where: bool,
}

impl Counting {
    /// Most tables of a program.
    pub const MAX_TABLES: u32 = super::sample::Aggregate::MAX_TABLES as u32;

    /// Bytes of a process in a key: its number, then what tells its memory from what it had before an execve.
    pub const PROCESS_BYTES: u32 = 8;

    /// All that is read: for keys, values, calculations and tests.
    pub fn all_fetches(&self) -> impl Iterator<Item = &Fetch> {
        let values = self.tallies.iter().filter_map(|tally| Some(&tally.number.as_ref()?.0));
        let operands = self.operations.iter().filter_map(|operation| match &operation.kind {
            OperationKind::Fetch(fetch, _) => Some(&**fetch),
            OperationKind::Constant(_)
            | OperationKind::Arithmetic { .. }
            | OperationKind::Compare { .. }
            | OperationKind::Within { .. } => None,
        });
        let tests = self.steps.iter().map(|step| &step.fetch);
        self.fetches.iter().chain(values).chain(operands).chain(tests)
    }

    /// True where a key, a value, a calculation or a test reads an argument.
    pub fn reads_arguments(&self) -> bool {
        self.all_fetches().any(|fetch| matches!(fetch.source, FetchSource::Argument(_)))
    }
}

impl Counting {
    /// What another target or end of the same probe, or another version of it, counts in another way: the part of a table, the table, and
    /// the number of the key or value. `None`: they can share the tables. What a target lacks is null there, and may be of any kind.
    pub fn difference(&self, other: &Self) -> Option<(AggregatePart, usize, usize)> {
        if self.tables.len() != other.tables.len() || self.tallies.len() != other.tallies.len() {
            return Some((AggregatePart::Key, 0, 0));
        }
        let of_keys =
            |(number, (a, b)): (usize, (&Table, &Table))| Some((AggregatePart::Key, number, a.difference(b)?));
        let of_value = |(index, (a, b)): (usize, (&Tally, &Tally))| {
            let same_kind = a.elsewhere || b.elsewhere || a.signed == b.signed;
            let differs = a.statistic != b.statistic || a.at != b.at || !same_kind;
            let table = self.tables.iter().position(|table| table.tallies.contains(&index)).filter(|_| differs)?;
            Some((AggregatePart::Value, table, index - self.tables[table].tallies.start))
        };
        let keys = self.tables.iter().zip(&other.tables).enumerate().find_map(of_keys);
        keys.or_else(|| self.tallies.iter().zip(&other.tallies).enumerate().find_map(of_value))
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Which of the fetches make its key.
    pub keys: Range<usize>,
    /// Which of the tallies are its values.
    pub tallies: Range<usize>,
    /// Bytes of a key: a mask of null parts, then their slots.
    pub key_bytes: u32,
    /// Bytes of the counters of a row, on one CPU.
    pub value_bytes: u32,
    /// The key is made in memory that is not the stack's.
    pub in_scratch: bool,
    /// Which parts of the key stand for call stacks.
    pub stacks: Vec<StackKey>,
    /// How many rows there is room for.
    pub max_keys: u32,
    /// How rows look: the bytes of a key, then what the counters come to.
    pub row: Layout,
}

impl Table {
    /// Values of a row have the bits of the mask behind those of its keys.
    pub const FIRST_VALUE_BIT: usize = 32;

    /// The number of the first key that another one has in another way; of the first one where they differ in something else.
    fn difference(&self, other: &Self) -> Option<usize> {
        let keys = |table: &Self| table.row.sample.as_ref().map_or(0, |sample| sample.keys);
        let fields = |table: &Self| table.row.fields.iter().take(keys(table)).cloned().collect::<Vec<_>>();
        let form = |field: &Field| (field.name.clone(), field.kind.clone(), field.offset, field.size, field.bits);
        let same_key = |a: &Field, b: &Field| form(a) == form(b);
        let different = fields(self).iter().zip(&fields(other)).position(|(a, b)| !same_key(a, b));
        let same_sizes = self.key_bytes == other.key_bytes
            && self.value_bytes == other.value_bytes
            && self.max_keys == other.max_keys
            && self.stacks == other.stacks
            && self.row.sample == other.row.sample;
        different.or((!same_sizes).then_some(0))
    }

    /// Bytes of a stack, of the longest; 0: its key has none.
    pub fn stack_bytes(&self) -> u32 {
        self.stacks.iter().map(|stack| stack.slot.into()).max().unwrap_or(0)
    }

    /// How many different stacks its rows can have.
    pub fn most_stacks(&self) -> u32 {
        self.max_keys.saturating_mul(self.stacks.len() as u32)
    }

    /// True for one that never begins again.
    pub fn is_cumulative(&self) -> bool {
        self.row.sample.as_ref().is_some_and(|sample| sample.cumulative)
    }
}

/// A part of a value with several, which is a part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPiece {
    /// The number of the fetch.
    pub fetch: usize,
    /// Where it begins in what is fetched.
    pub at: u16,
    /// Bytes of it.
    pub size: u16,
    /// What says whether it is there; the offset is in what is fetched.
    pub of_end: Option<OfEnd>,
}

/// A call stack in a key: its hash there, its frames in a map of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackKey {
    /// Where in the key its hash is: 8 bytes.
    pub at: u32,
    /// Bytes of it in a row, as [`super::StackSlot`].
    pub slot: u16,
    /// It is the process's; else the kernel's.
    pub user: bool,
}

/// One value of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// What is done with the number.
    pub statistic: Statistic,
    /// The number; `None` for a count.
    pub number: Option<(Fetch, Wide)>,
    /// It is read with a sign.
    pub signed: bool,
    /// Only other targets of the probe have it.
    pub elsewhere: bool,
    /// The step that its condition begins with.
    pub condition: Option<u8>,
    /// Where its counters begin in the value of a row.
    pub at: u16,
}

impl Tally {
    /// How many counters it has.
    pub fn counters(&self) -> usize {
        match &self.statistic {
            Statistic::Count | Statistic::Sum => 1,
            Statistic::Average => 2,
            Statistic::Min | Statistic::Max => 3,
            Statistic::Histogram(buckets) => buckets.count(),
        }
    }

    /// What is exclusive-or'ed to a number before the greatest is taken: so the least is found as well, with a sign or without, and zero
    /// is less than all others.
    pub fn flip(&self) -> u64 {
        let sign = if self.signed { 1 << 63 } else { 0 };
        if self.statistic == Statistic::Min { u64::MAX ^ sign } else { sign }
    }
}

/// How a number that was read becomes one of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wide {
    /// Which of its bits count.
    pub widening: Widening,
    /// Bytes of a number in network order; 0: it is in the machine's.
    pub swapped: u8,
}

impl Wide {
    /// As it is.
    pub const NONE: Self = Self { widening: Widening::NONE, swapped: 0 };
}

/// One step of a calculation; the last one has the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// The register that its result goes to.
    pub to: u8,
    /// The register of its left side.
    pub left: u8,
    /// The register of its right side.
    pub right: u8,
    /// The calculation ends with it.
    pub is_last: bool,
}

impl Operation {
    /// How many registers there are.
    pub const REGISTERS: u8 = 8;
    /// Most operations of a probe.
    pub const MOST: usize = 48;
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub enum OperationKind {
    /// A number is read; where there is none, the calculation has no value.
    Fetch(Box<Fetch>, Wide),
    /// A number of the file.
    Constant(u64),
    /// Two numbers.
    Arithmetic {
        /// Which operator.
        op: Arithmetic,
        /// As [`super::Formula::Arithmetic`].
        signed: bool,
    },
    /// Left and right compared, exactly whatever their signs: 1 or 0.
    Compare {
        /// `==`; else `<`.
        equal: bool,
        /// Each side is read with a sign.
        signed: (bool, bool),
        /// The opposite.
        inverted: bool,
    },
    /// There is no value unless `(left - low) <= span`.
    Within {
        /// The least value.
        low: u64,
        /// The greatest minus the least.
        span: u64,
    },
}

impl OperationKind {
    /// What is a value of a table of names; `None`: every number is.
    pub fn values_of(table: NameTable) -> Option<Self> {
        match table {
            NameTable::Errno => Some(Self::Within { low: (-4095i64).cast_unsigned(), span: 4094 }),
            NameTable::Signal => Some(Self::Within { low: 1, span: u64::MAX - 1 }),
            _other => None,
        }
    }
}
