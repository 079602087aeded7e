// SPDX-License-Identifier: MIT OR Apache-2.0
//! All targets of a probe count in the same tables: what one of them lacks, and is null there, has the form that it has at the others.

use super::tables::NEAR_KEY_BYTES;
use crate::spec::{Counting, FetchCopy, FetchSource, Field, FieldType, StackKey};

/// Gives keys and values that are always null at this target the forms that they have at another.
pub fn learn(counting: &mut Counting, other: &Counting) {
    let of = |counting: &Counting| (0..counting.tables.len()).map(|table| keys(counting, table)).collect::<Vec<_>>();
    let same = of(counting) == of(other);
    if counting.tables.len() != other.tables.len() || counting.tallies.len() != other.tallies.len() || !same {
        return;
    }
    for table in 0..counting.tables.len() {
        for key in 0..keys(counting, table) {
            // What another has learnt itself is as good.
            let is_known = |counting: &Counting| !lacks(counting, table, key) || !is_open(counting, table, key);
            if !is_known(counting) && is_known(other) {
                take_key(counting, other, table, key);
            }
        }
        let first = keys(counting, table);
        for (index, tally) in counting.tables[table].tallies.clone().enumerate() {
            let (own, theirs) = (&mut counting.tallies[tally], &other.tallies[tally]);
            if own.elsewhere && !theirs.elsewhere {
                (own.signed, own.elsewhere) = (theirs.signed, false);
                let field = other.tables[table].row.fields.get(first + index);
                if let (Some(own), Some(field)) = (counting.tables[table].row.fields.get_mut(first + index), field) {
                    *own = Field { offset: own.offset, ..field.clone() };
                }
            }
        }
    }
}

/// How many keys a table has.
fn keys(counting: &Counting, table: usize) -> usize {
    counting.tables.get(table).and_then(|table| table.row.sample.as_ref()).map_or(0, |sample| sample.keys)
}

/// The fetch of a key.
fn fetch_of(counting: &Counting, table: usize, key: usize) -> Option<usize> {
    let table = counting.tables.get(table)?;
    Some(table.keys.start + usize::from(table.row.fields.get(key)?.absent_bit?))
}

/// True for a key that is always null.
fn lacks(counting: &Counting, table: usize, key: usize) -> bool {
    let fetch = fetch_of(counting, table, key).and_then(|index| counting.fetches.get(index));
    fetch.is_some_and(|fetch| fetch.source == FetchSource::Constant(0) && fetch.copy == FetchCopy::Kernel)
}

/// True for a key without a form of its own: what is null, and no type is named for it.
fn is_open(counting: &Counting, table: usize, key: usize) -> bool {
    let table = &counting.tables[table];
    let field = &table.row.fields[key];
    field.kind == FieldType::Unsigned && field.size == 8 && table.stacks.iter().all(|stack| stack.at != field.offset)
}

/// Bytes of a key in the key of its table.
fn slot(counting: &Counting, number: usize, key: usize) -> u32 {
    let table = &counting.tables[number];
    let keys = keys(counting, number);
    let end = table.row.fields.get(key + 1).filter(|_| key + 1 < keys).map_or(table.key_bytes, |next| next.offset);
    end.saturating_sub(table.row.fields[key].offset)
}

fn take_key(counting: &mut Counting, other: &Counting, table: usize, key: usize) {
    let (old, new) = (slot(counting, table, key), slot(other, table, key));
    let Some(fetch) = fetch_of(counting, table, key) else { return };
    let form = &other.tables[table].row.fields[key];
    let stack = other.tables[table].stacks.iter().find(|stack| stack.at == form.offset);
    let own = &mut counting.tables[table];
    let at = own.row.fields[key].offset;
    own.row.fields[key] = Field { offset: at, absent_bit: own.row.fields[key].absent_bit, ..form.clone() };
    counting.fetches[fetch].slot = new as u16;
    let moved = |place: u32| if place > at { place - old + new } else { place };
    for fetch in &mut counting.fetches[own.keys.clone()] {
        fetch.out = moved(fetch.out);
    }
    own.row.fields.iter_mut().for_each(|field| field.offset = moved(field.offset));
    own.stacks.iter_mut().for_each(|stack| stack.at = moved(stack.at));
    if let Some(stack) = stack {
        own.stacks.push(StackKey { at, ..*stack });
        own.stacks.sort_by_key(|stack| stack.at);
    }
    own.key_bytes = own.key_bytes - old + new;
    own.row.size = own.row.size - old + new;
    own.in_scratch |= own.key_bytes > NEAR_KEY_BYTES || stack.is_some();
}
