// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records that wait until it is found out what the functions in them are called, so that their ring is read on meanwhile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a record waits; then it is delivered with what is known.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of records that wait. Where there are more, the first ones wait no longer.
const MOST_BYTES: usize = 16 << 20;

/// One that waits.
pub(super) struct Waiting {
    pub(super) record: Vec<u8>,
    pub(super) unix_ns: u64,
    since: Instant,
}

/// In the order in which they came.
#[derive(Default)]
pub(super) struct Held {
    records: VecDeque<Waiting>,
    bytes: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn push(&mut self, record: &[u8], unix_ns: u64) {
        self.bytes += record.len();
        self.records.push_back(Waiting { record: record.to_vec(), unix_ns, since: Instant::now() });
    }

    /// The next one that waits no longer: it is known what is asked about it, or it has waited long enough, or `all` are to go.
    pub(super) fn next(&mut self, all: bool, is_known: impl FnOnce(&[u8]) -> bool) -> Option<Waiting> {
        let first = self.records.front()?;
        let goes = all || self.bytes > MOST_BYTES || is_known(&first.record) || first.since.elapsed() >= PATIENCE;
        let first = if goes { self.records.pop_front() } else { None };
        self.bytes -= first.as_ref().map_or(0, |first| first.record.len());
        first
    }

    /// What waits is lost; how many those are.
    pub(super) fn give_up(&mut self) -> u64 {
        self.bytes = 0;
        self.records.drain(..).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing overtakes, nobody waits for ever, and what waits takes a bounded amount of memory.
    #[test]
    fn order_time_and_memory() {
        let mut held = Held::default();
        for number in 0..3u8 {
            held.push(&[number], number.into());
        }
        assert!(held.next(false, |_| false).is_none() && held.records.len() == 3);
        assert_eq!(held.next(false, |record| record == [0]).map(|first| first.unix_ns), Some(0));
        assert!(held.next(false, |record| record == [2]).is_none(), "1 is before it");
        held.records[0].since = Instant::now().checked_sub(PATIENCE).unwrap();
        assert_eq!(held.next(false, |_| false).map(|first| first.unix_ns), Some(1));
        held.push(&vec![9; MOST_BYTES], 9);
        assert_eq!(held.next(false, |_| false).map(|first| first.unix_ns), Some(2));
        assert!(held.next(false, |_| false).is_none() && held.next(true, |_| false).is_some() && held.is_empty());
        assert_eq!((held.bytes, held.give_up()), (0, 0));
    }
}
