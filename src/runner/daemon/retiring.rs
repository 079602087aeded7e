// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has ended and is not gone yet: rings that are still read, links that the kernel takes its time to detach.

use std::sync::Arc;
use std::thread;

use crate::runner::intake::IntakeTotals;

/// A ring whose program does not run any more, until the reader has emptied it.
pub(super) struct Retiring {
    pub(super) title: String,
    pub(super) produced: u64,
    pub(super) dropped: u64,
    pub(super) totals: Arc<IntakeTotals>,
    /// What could not be read until the end.
    pub(super) left: u64,
}

/// Detaches what is silent already. The kernel takes its time for that, and nobody has to wait for it.
pub(super) fn detach_aside<T: Send + 'static>(ended: Vec<T>) {
    if !ended.is_empty() {
        // Where there is no thread to be had they are dropped here and now.
        drop(thread::Builder::new().name("detach".to_owned()).spawn(move || drop(ended)));
    }
}
