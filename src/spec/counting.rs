// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables that the kernel counts in, resolved: `bpf/include/aggregate.h` carries them out.

use std::ops::Range;

use super::expr::NameTable;
use super::fetch::{Fetch, FetchSource};
use super::formula::Arithmetic;
use super::layout::Layout;
use super::sample::Statistic;
use super::step::{Step, Widening};

/// All tables of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counting {
    /// The tables, in the order of the file.
    pub tables: Vec<Table>,
    /// What the keys of all tables are made of.
    pub fetches: Vec<Fetch>,
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
    /// True where a key, a value, a calculation or a test reads an argument.
    pub fn reads_arguments(&self) -> bool {
        let values = self.tallies.iter().filter_map(|tally| Some(&tally.number.as_ref()?.0));
        let operands = self.operations.iter().filter_map(|operation| match &operation.kind {
            OperationKind::Fetch(fetch, _) => Some(&**fetch),
            OperationKind::Constant(_)
            | OperationKind::Arithmetic { .. }
            | OperationKind::Compare { .. }
            | OperationKind::Within { .. } => None,
        });
        let tests = self.steps.iter().map(|step| &step.fetch);
        let mut all = self.fetches.iter().chain(values).chain(operands).chain(tests);
        all.any(|fetch| matches!(fetch.source, FetchSource::Argument(_)))
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
    /// How many rows there is room for.
    pub max_keys: u32,
    /// How rows look: the bytes of a key, then what the counters come to.
    pub row: Layout,
}

impl Table {
    /// Values of a row have the bits of the mask behind those of its keys.
    pub const FIRST_VALUE_BIT: usize = 32;

    /// True for one that never begins again.
    pub fn is_cumulative(&self) -> bool {
        self.row.sample.as_ref().is_some_and(|sample| sample.cumulative)
    }
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
            Statistic::Min | Statistic::Max | Statistic::Average => 2,
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
