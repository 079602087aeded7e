// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of what was detached.

use std::thread;
use std::time::Duration;

use rustix::thread::{MembarrierCommand, membarrier};

/// Waits until every program that was detached before has ended on every CPU: a grace period of RCU.
///
/// Closing a link takes the program off its hook at once, but a CPU that has entered it finishes it.
pub fn settle() {
    if membarrier(MembarrierCommand::Global).is_err() {
        // Not supported here (CONFIG_MEMBARRIER, nohz_full): no program runs for this long, which nobody can prove.
        thread::sleep(Duration::from_millis(20));
    }
}
