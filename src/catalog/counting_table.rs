// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the tables of a probe into `.rodata`: `struct table`, `struct tally` and `struct operation` of `bpf/include/aggregate.h`.

use super::fetch_context::Lowered;
use super::fetch_entry::write_fetch;
use super::table::{Constants, Entry, Table, put};
use crate::spec::{Arithmetic, Buckets, Counting, EndPart, Fetch, Operation, OperationKind, Statistic, Tally, Wide};

/// Where the fields of tables, values and operations are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CountingTable {
    tables: Table,
    tallies: Table,
    edges: Table,
    operations: Table,
    has_where: u32,
    pieces: Table,
    has_stack_keys: u32,
    stack_seed: u32,
}

impl CountingTable {
    /// Finds them; `None` where the program does not count.
    pub(super) fn find(constants: &Constants<'_>) -> Option<Self> {
        Some(Self {
            tables: constants.table("tables")?,
            tallies: constants.table("tallies")?,
            edges: constants.table("tally_edges")?,
            operations: constants.table("operations")?,
            has_where: constants.place("has_where")?,
            pieces: constants.table("key_pieces")?,
            has_stack_keys: constants.place("has_stack_keys")?,
            stack_seed: constants.place("stack_seed")?,
        })
    }

    /// Fills `.rodata`. What it counts fits: the expressions have seen to it.
    pub(super) fn write<'a>(
        &self,
        rodata: &mut [u8],
        (counting, stack_seed): (&'a Counting, u64),
        lower: impl Fn(&'a Fetch) -> Lowered<'a>,
    ) {
        put(rodata, self.has_where, &[u8::from(counting.has_where)]);
        let has_stacks = |table: &crate::spec::Table| !table.stacks.is_empty();
        put(rodata, self.has_stack_keys, &[u8::from(counting.tables.iter().any(has_stacks))]);
        put(rodata, self.stack_seed, &stack_seed.to_ne_bytes());
        for (index, table) in counting.tables.iter().enumerate() {
            let mut entry = self.tables.entry(rodata, index);
            entry.set("first_key", table.keys.start as u64);
            entry.set("keys", table.keys.len() as u64);
            entry.set("first_value", table.tallies.start as u64);
            entry.set("values", table.tallies.len() as u64);
            entry.set("in_scratch", table.in_scratch);
            let mut tallies = counting.tallies.get(table.tallies.clone()).unwrap_or_default().iter();
            entry.set("has_conditions", tallies.any(|tally| tally.condition.is_some()));
            entry.set("has_stacks", has_stacks(table));
            entry.set("key_bytes", table.key_bytes);
        }
        for piece in &counting.pieces {
            let mut entry = self.pieces.entry(rodata, piece.fetch);
            entry.choose("end", piece.of_end.map_or("PIECE_ALWAYS", |end| piece_end(end.part)));
            entry.set("end_at", piece.of_end.map_or(0, |end| end.offset));
            entry.set("at", piece.at);
            entry.set("size", piece.size);
        }
        for fetch in &counting.processes {
            self.pieces.entry(rodata, *fetch).set("of_process", true);
        }
        for (index, tally) in counting.tallies.iter().enumerate() {
            let mut entry = self.tallies.entry(rodata, index);
            if let Some((fetch, wide)) = &tally.number {
                write_fetch(&mut entry.inner("fetch."), &lower(fetch));
                write_wide(&mut entry, *wide);
            }
            write_tally(&mut entry, tally);
            if let Statistic::Histogram(Buckets::Edges(edges)) = &tally.statistic {
                let bytes: Vec<u8> = edges.iter().flat_map(|edge| edge.to_ne_bytes()).collect();
                self.edges.entry(rodata, index).fill("edge", &bytes);
            }
        }
        for (index, operation) in counting.operations.iter().enumerate() {
            let mut entry = self.operations.entry(rodata, index);
            if let OperationKind::Fetch(fetch, wide) = &operation.kind {
                write_fetch(&mut entry.inner("fetch."), &lower(fetch));
                write_wide(&mut entry, *wide);
            }
            write_operation(&mut entry, operation);
        }
    }
}

fn piece_end(part: EndPart) -> &'static str {
    match part {
        EndPart::Ip => "PIECE_IP",
        EndPart::Port => "PIECE_PORT",
        EndPart::Family => "PIECE_FAMILY",
        EndPart::Protocol => "PIECE_PROTOCOL",
    }
}

fn write_wide(entry: &mut Entry<'_>, wide: Wide) {
    let mut entry = entry.inner("wide.");
    entry.set("mask", wide.widening.mask);
    entry.set("sign", wide.widening.sign);
    entry.set("shift", wide.widening.shift);
    entry.set("swapped", wide.swapped);
}

fn write_tally(entry: &mut Entry<'_>, tally: &Tally) {
    let statistic = match &tally.statistic {
        Statistic::Count => "STATISTIC_COUNT",
        Statistic::Sum => "STATISTIC_SUM",
        Statistic::Min | Statistic::Max => "STATISTIC_EXTREME",
        Statistic::Average => "STATISTIC_AVERAGE",
        Statistic::Histogram(Buckets::PowersOfTwo) => "STATISTIC_POWERS",
        Statistic::Histogram(Buckets::Linear { .. }) => "STATISTIC_LINEAR",
        Statistic::Histogram(Buckets::Edges(_)) => "STATISTIC_EDGES",
    };
    entry.choose("statistic", statistic);
    entry.set("at", tally.at);
    entry.set("buckets", tally.counters() as u64);
    entry.set("is_signed", tally.signed);
    entry.set("has_condition", tally.condition.is_some());
    entry.set("condition", tally.condition.unwrap_or(0));
    entry.set("flip", tally.flip());
    if let Statistic::Histogram(Buckets::Linear { low, step, .. }) = &tally.statistic {
        entry.set("low", low.cast_unsigned());
        entry.set("step", *step);
    }
}

fn write_operation(entry: &mut Entry<'_>, operation: &Operation) {
    let mut numbers = |kind: &str, values: &[(&str, u64)]| {
        entry.choose("kind", kind);
        values.iter().for_each(|(name, value)| entry.set(name, *value));
    };
    match &operation.kind {
        OperationKind::Fetch(..) => numbers("OPERATION_FETCH", &[]),
        OperationKind::Constant(number) => numbers("OPERATION_CONSTANT", &[("low", *number)]),
        OperationKind::Arithmetic { op, signed } => numbers(arithmetic(*op), &[("is_signed", u64::from(*signed))]),
        OperationKind::Compare { equal, signed: (left, right), inverted } => {
            let kind = if *equal { "OPERATION_EQUAL" } else { "OPERATION_LESS" };
            let signs = u64::from(*left) | u64::from(*right) << 1;
            numbers(kind, &[("is_signed", signs), ("inverted", u64::from(*inverted))]);
        }
        OperationKind::Within { low, span } => numbers("OPERATION_WITHIN", &[("low", *low), ("span", *span)]),
    }
    entry.set("to", operation.to);
    entry.set("left", operation.left);
    entry.set("right", operation.right);
    entry.set("is_last", operation.is_last);
}

fn arithmetic(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Multiply => "OPERATION_MULTIPLY",
        Arithmetic::Divide => "OPERATION_DIVIDE",
        Arithmetic::Remainder => "OPERATION_REMAINDER",
        Arithmetic::Add => "OPERATION_ADD",
        Arithmetic::Subtract => "OPERATION_SUBTRACT",
        Arithmetic::ShiftLeft => "OPERATION_SHIFT_LEFT",
        Arithmetic::ShiftRight => "OPERATION_SHIFT_RIGHT",
        Arithmetic::BitAnd => "OPERATION_AND",
        Arithmetic::BitXor => "OPERATION_XOR",
        Arithmetic::BitOr => "OPERATION_OR",
    }
}
