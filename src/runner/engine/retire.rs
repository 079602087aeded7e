// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has ended and is not gone yet: rings that are still read, links that the kernel takes its time to detach.

use std::sync::Arc;
use std::thread;

use crate::runner::source::ring::IntakeTotals;

/// A ring whose program does not run any more, until the reader has emptied it.
pub(in crate::runner) struct Retiring {
    pub(in crate::runner) title: String,
    pub(in crate::runner) produced: u64,
    pub(in crate::runner) dropped: u64,
    pub(in crate::runner) totals: Arc<IntakeTotals>,
    /// What could not be read until the end.
    pub(in crate::runner) left: u64,
}

/// Detaches what is silent already. The kernel takes its time for that, and nobody has to wait for it.
pub(in crate::runner) fn detach_aside<T: Send + 'static>(ended: Vec<T>) {
    if !ended.is_empty() {
        // Where there is no thread to be had they are dropped here and now.
        drop(thread::Builder::new().name("detach".to_owned()).spawn(move || drop(ended)));
    }
}
