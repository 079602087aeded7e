// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events each command caused, for the summary.

use std::collections::HashMap;

/// Distinct commands that are told apart; a fork bomb with random names must not eat the memory.
const MAX_COMMANDS: usize = 4096;

/// Counts by the `comm` of a record. An event costs a comparison of 16 bytes as long as the command stays the same.
#[derive(Default)]
pub(super) struct Commands {
    last: [u8; 16],
    pending: u64,
    counts: HashMap<[u8; 16], u64>,
    others: u64,
}

impl Commands {
    #[inline]
    pub(super) fn add(&mut self, comm: &[u8; 16]) {
        if *comm != self.last {
            self.settle();
            self.last = *comm;
        }
        self.pending += 1;
    }

    fn settle(&mut self) {
        if self.pending == 0 {
            return;
        }
        if self.counts.len() < MAX_COMMANDS || self.counts.contains_key(&self.last) {
            *self.counts.entry(self.last).or_default() += self.pending;
        } else {
            self.others += self.pending;
        }
        self.pending = 0;
    }

    /// Name without its NULs, and count.
    pub(super) fn take_counts(&mut self) -> Vec<(Vec<u8>, u64)> {
        self.settle();
        let name = |comm: [u8; 16]| comm.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let mut counts: Vec<_> = self.counts.drain().map(|(comm, count)| (name(comm), count)).collect();
        if self.others > 0 {
            counts.push((b"(others)".to_vec(), self.others));
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every event is counted once, whatever the order of the commands.
    #[test]
    fn every_event_is_counted() {
        let mut commands = Commands::default();
        let comm = |name: &[u8]| {
            let mut comm = [0; 16];
            comm[..name.len()].copy_from_slice(name);
            comm
        };
        for name in ["a", "a", "b", "a", "", "b"] {
            commands.add(&comm(name.as_bytes()));
        }
        let mut counts = commands.take_counts();
        counts.sort();
        assert_eq!(counts, [(b"".to_vec(), 1), (b"a".to_vec(), 3), (b"b".to_vec(), 2)]);
    }
}
