// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters in a map: summed over CPUs, and what was added since the last reading.

use std::collections::HashMap;

use libbpf_rs::{MapCore, MapFlags, MapHandle};

use crate::catalog::Counters;

/// Reads the counters of one probe.
pub struct CounterReader {
    map: MapHandle,
    layout: Counters,
    /// The sums of the last reading, by key.
    before: HashMap<Vec<u8>, Vec<u64>>,
}

impl CounterReader {
    pub(super) fn new(map: MapHandle, layout: Counters) -> Self {
        Self { map, layout, before: HashMap::new() }
    }

    /// What was counted since the last call: one row for each key that changed, key and value one after the other, in
    /// the order of [`Counters::row`].
    pub fn changes(&mut self) -> libbpf_rs::Result<Vec<Vec<u8>>> {
        let mut rows = Vec::new();
        let keys: Vec<Vec<u8>> = self.map.keys().collect();
        for key in keys {
            let Some(totals) = self.totals(&key)? else { continue };
            let before = self.before.entry(key.clone()).or_insert_with(|| vec![0; totals.len()]);
            // A counter that ran over, or an entry that was deleted and came back, starts again from zero.
            let change = |(now, then): (&u64, &u64)| now.checked_sub(*then).unwrap_or(*now);
            let changes: Vec<u64> = totals.iter().zip(before.iter()).map(change).collect();
            if changes.iter().any(|change| *change != 0) {
                let mut row = key;
                row.extend(changes.iter().flat_map(|change| change.to_ne_bytes()));
                rows.push(row);
            }
            *before = totals;
        }
        Ok(rows)
    }

    fn totals(&self, key: &[u8]) -> libbpf_rs::Result<Option<Vec<u64>>> {
        let mut totals = vec![0u64; self.layout.value_size as usize / 8];
        let mut add = |value: &[u8]| {
            for (total, bytes) in totals.iter_mut().zip(value.as_chunks().0) {
                *total = total.wrapping_add(u64::from_ne_bytes(*bytes));
            }
        };
        if self.map.map_type().is_percpu() {
            let Some(values) = self.map.lookup_percpu(key, MapFlags::ANY)? else { return Ok(None) };
            values.iter().for_each(|value| add(value));
        } else {
            let Some(value) = self.map.lookup(key, MapFlags::ANY)? else { return Ok(None) };
            add(&value);
        }
        Ok(Some(totals))
    }
}
