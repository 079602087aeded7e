// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram, once its bytes have been read.

use std::sync::Arc;

use crate::spec::Buckets;

/// How many values fell into which bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Where the edges are.
    pub buckets: Arc<Buckets>,
    /// One for each bucket.
    pub counts: Vec<u64>,
    /// The values are nanoseconds.
    pub of_durations: bool,
}

impl Histogram {
    /// The buckets that have something, with their edges.
    pub fn filled(&self) -> impl Iterator<Item = (Option<i128>, Option<i128>, u64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(bucket, count)| {
            let (low, high) = self.buckets.edges(bucket);
            (low, high, *count)
        })
    }
}
