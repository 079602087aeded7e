// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads what a table has counted: one value of each row, whatever CPU counted it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use super::batch::{Then, each_row};
use super::map::TableMaps;
use crate::spec::{Statistic, Table, Tally};

/// A row: its key, and its counters, as the tallies of its table have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// A mask of null parts, then their slots.
    pub key: Vec<u8>,
    /// The sums over all CPUs; of a least or greatest number the best of them.
    pub counters: Vec<u64>,
    /// The stacks that the key has hashes of, as a record has them.
    pub stacks: Vec<u8>,
}

/// Stacks by their hashes, as they lie in memory.
type Frames = HashMap<u64, Vec<u8>>;

/// Reads one table.
#[derive(Debug)]
pub struct TableReader {
    maps: Arc<TableMaps>,
    table: Table,
    tallies: Vec<Tally>,
    cpus: usize,
    /// The map that programs count in.
    now: usize,
    /// What was taken out of a map before the kernel refused the rest.
    left: Vec<RawRow>,
    /// Stacks that [`TableReader::new_stacks`] gave, since the maps were exchanged.
    seen: HashSet<u64>,
}

impl TableReader {
    /// Reads these maps. Fails where the machine does not tell how many CPUs it can have.
    pub fn new(maps: Arc<TableMaps>, table: &Table, tallies: &[Tally]) -> io::Result<Self> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(io::Error::other)?;
        let tallies = tallies.get(table.tallies.clone()).unwrap_or_default().to_vec();
        Ok(Self { maps, table: table.clone(), tallies, cpus, now: 0, left: Vec::new(), seen: HashSet::new() })
    }

    /// What was counted since the last call; of a table that never begins again, since its start. Where this fails what was counted
    /// stays, and belongs to the next call.
    pub fn take(&mut self) -> io::Result<Vec<RawRow>> {
        if self.table.is_cumulative() {
            return self.read(self.now, Then::Keep);
        }
        let before = self.now;
        self.maps.count_in(before ^ 1)?;
        self.now ^= 1;
        self.seen.clear();
        self.read(before, Then::Delete)
    }

    /// The same when no program counts any more.
    pub fn take_last(&mut self) -> io::Result<Vec<RawRow>> {
        self.read(self.now, if self.table.is_cumulative() { Then::Keep } else { Then::Delete })
    }

    /// The stacks that the rows of a map have hashes of.
    fn frames(&self, number: usize) -> io::Result<Frames> {
        let mut frames = Frames::new();
        let Some(stacks) = &self.maps.stacks else { return Ok(frames) };
        each_row(stacks.frames[number & 1].as_fd(), (8, stacks.bytes as usize), Then::Keep, |hash, stack| {
            if let Some(hash) = hash.first_chunk() {
                frames.insert(u64::from_ne_bytes(*hash), stack.to_vec());
            }
        })?;
        Ok(frames)
    }

    /// Empties the map of the stacks that were read.
    fn forget_frames(&self, number: usize, then: Then) -> io::Result<()> {
        match &self.maps.stacks {
            Some(stacks) if then == Then::Delete => {
                let sizes = (8, stacks.bytes as usize);
                each_row(stacks.frames[number & 1].as_fd(), sizes, Then::Delete, |_hash, _stack| {})
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The call stacks that the last call did not have, each in rows without a count. What cannot be read now comes later.
    pub fn new_stacks(&mut self) -> Vec<RawRow> {
        let frames = self.frames(self.now).unwrap_or_default();
        let new: Vec<u64> = frames.keys().copied().filter(|hash| self.seen.insert(*hash)).collect();
        let is_of_process = |stack: &[u8]| stack.get(8..12).is_some_and(|pid| pid != [0; 4]);
        let row = |hash: &u64| {
            let mut key = vec![0; self.table.key_bytes as usize];
            let user = frames.get(hash).is_some_and(|stack| is_of_process(stack));
            for stack in self.table.stacks.iter().filter(|stack| stack.user == user) {
                let at = stack.at as usize;
                key.iter_mut().skip(at).zip(hash.to_ne_bytes()).for_each(|(byte, of_hash)| *byte = of_hash);
            }
            let counters = vec![0; self.maps.value_bytes as usize / 8];
            RawRow { stacks: stacks_of(&self.table, &key, &frames), key, counters }
        };
        new.iter().map(row).collect()
    }

    fn read(&mut self, number: usize, then: Then) -> io::Result<Vec<RawRow>> {
        let frames = self.frames(number)?;
        let mut rows = std::mem::take(&mut self.left);
        let value_bytes = self.maps.value_bytes as usize;
        let sizes = (self.maps.key_bytes as usize, value_bytes * self.cpus);
        let read = each_row(self.maps.rows[number & 1].as_fd(), sizes, then, |key, values| {
            let mut counters = vec![0; value_bytes / 8];
            for of_cpu in values.chunks_exact(value_bytes) {
                let words: Vec<u64> = of_cpu.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
                fold(&self.tallies, &mut counters, &words);
            }
            rows.push(RawRow { key: key.to_vec(), counters, stacks: stacks_of(&self.table, key, &frames) });
        });
        match read.and_then(|()| self.forget_frames(number, then)) {
            Ok(()) => Ok(rows),
            Err(error) => {
                if then == Then::Delete {
                    self.left = rows;
                }
                Err(error)
            }
        }
    }
}

/// The slots of the stacks of a key. One that is not there is empty.
fn stacks_of(table: &Table, key: &[u8], frames: &Frames) -> Vec<u8> {
    let mut slots = Vec::new();
    for stack in &table.stacks {
        let hash = key.get(stack.at as usize..).and_then(|at| at.first_chunk()).map(|hash| u64::from_ne_bytes(*hash));
        let found = hash.and_then(|hash| frames.get(&hash)).map(Vec::as_slice).unwrap_or_default();
        let end = slots.len() + usize::from(stack.slot);
        slots.extend(found.iter().take(stack.slot.into()));
        slots.resize(end, 0);
    }
    slots
}

/// Adds the counters of one row, or one CPU, to those of another.
pub(super) fn fold(tallies: &[Tally], sum: &mut [u64], more: &[u64]) {
    for tally in tallies {
        let at = usize::from(tally.at) / 8;
        let (Some(sum), Some(more)) = (sum.get_mut(at..), more.get(at..)) else { continue };
        match &tally.statistic {
            Statistic::Min | Statistic::Max => {
                if let ([count, best @ ..], [more, others @ ..]) = (sum, more)
                    && *more > 0
                {
                    *count = count.wrapping_add(*more);
                    best.iter_mut().zip(others).take(2).for_each(|(best, other)| *best = (*best).max(*other));
                }
            }
            Statistic::Count | Statistic::Sum | Statistic::Average | Statistic::Histogram(_) => {
                sum.iter_mut().zip(more).take(tally.counters()).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
            }
        }
    }
}

impl RawRow {
    /// Adds what another row of the same table has counted.
    pub fn add(&mut self, other: &Self, tallies: &[Tally]) {
        fold(tallies, &mut self.counters, &other.counters);
    }

    /// The bytes of the row, as its layout has them.
    pub fn record(&self, tallies: &[Tally]) -> Vec<u8> {
        let mut absent = self.key.first_chunk().map_or(0, |mask| u64::from_ne_bytes(*mask));
        let mut values = Vec::new();
        for (index, tally) in tallies.iter().enumerate() {
            let counters = self.counters.get(usize::from(tally.at) / 8..).unwrap_or_default();
            let counter = |index: usize| counters.get(index).copied().unwrap_or(0);
            let (first, second) = (counter(0), counter(1));
            match &tally.statistic {
                Statistic::Count | Statistic::Sum => values.extend(first.to_ne_bytes()),
                Statistic::Histogram(buckets) => {
                    values.extend(counters.iter().take(buckets.count()).flat_map(|count| count.to_ne_bytes()));
                }
                Statistic::Min | Statistic::Max | Statistic::Average if first == 0 => {
                    absent |= 1 << (Table::FIRST_VALUE_BIT + index);
                    values.extend([0; 8]);
                }
                Statistic::Min | Statistic::Max => {
                    values.extend((second.max(counter(2)) ^ tally.flip()).to_ne_bytes());
                }
                Statistic::Average => values.extend(mean(second, first, tally.signed).to_ne_bytes()),
            }
        }
        let mut record = absent.to_ne_bytes().to_vec();
        record.extend(self.key.get(8..).unwrap_or_default());
        record.extend(values);
        record.extend(&self.stacks);
        record
    }
}

/// Towards zero.
fn mean(sum: u64, count: u64, signed: bool) -> u64 {
    if signed {
        let mean = i128::from(sum.cast_signed()) / i128::from(count.max(1));
        return i64::try_from(mean).unwrap_or(0).cast_unsigned();
    }
    sum / count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Buckets;

    fn tally(statistic: Statistic, signed: bool, at: u16) -> Tally {
        Tally { statistic, number: None, signed, elsewhere: false, condition: None, at }
    }

    /// The least and the greatest number of several CPUs, with a sign and without, whether or not one of them has any.
    #[test]
    fn extremes() {
        for (statistic, signed, numbers, expected) in [
            (Statistic::Min, true, vec![5i64, -7, 3], -7),
            (Statistic::Max, true, vec![-5, -7, -3], -3),
            (Statistic::Min, false, vec![5, -1, 3], 3),
            (Statistic::Max, false, vec![5, -1, 3], -1),
        ] {
            let tallies = [tally(statistic, signed, 0)];
            let flip = tallies[0].flip();
            let mut row = RawRow { key: vec![0; 8], counters: vec![0; 3], stacks: Vec::new() };
            row.add(&RawRow { key: vec![0; 8], counters: vec![0; 3], stacks: Vec::new() }, &tallies);
            for (index, number) in numbers.into_iter().enumerate() {
                // One of its two cells may lag behind.
                let mut counters = vec![1, 0, 0];
                counters[1 + index % 2] = number.cast_unsigned() ^ flip;
                row.add(&RawRow { key: vec![0; 8], counters, stacks: Vec::new() }, &tallies);
            }
            let record = row.record(&tallies);
            assert_eq!((&record[..8], &record[8..]), (&[0; 8][..], &i64::to_ne_bytes(expected)[..]));
        }
    }

    /// Means are cut towards zero; what nothing was counted for is null, but for counts, sums and histograms.
    #[test]
    fn records() {
        let histogram = Statistic::Histogram(Buckets::Edges([10].into()));
        let tallies = [
            tally(Statistic::Average, true, 0),
            tally(Statistic::Average, false, 16),
            tally(Statistic::Count, false, 32),
            tally(histogram, false, 40),
        ];
        let row = RawRow {
            key: [1u64.to_ne_bytes(), [7; 8]].concat(),
            counters: vec![2, -7i64 as u64, 0, 0, 4, 1, 2],
            stacks: Vec::new(),
        };
        let words = [1 | 1 << 33, 0x0707_0707_0707_0707, -3i64 as u64, 0, 4, 1, 2];
        assert_eq!(row.record(&tallies), words.iter().flat_map(|word: &u64| word.to_ne_bytes()).collect::<Vec<_>>());
    }
}
