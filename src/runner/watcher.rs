// SPDX-License-Identifier: MIT OR Apache-2.0
//! Somebody who looks at what is counted as it comes, and draws it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::record::Rows;
use crate::spec::Layout;

/// What was counted in an interval, in one table.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The probe.
    pub probe: &'a str,
    /// What it is attached to; empty where that is not one thing.
    pub target: &'a str,
    /// What the rows look like.
    pub layout: &'a Layout,
    /// The rows; there may be none.
    pub rows: &'a Rows,
    /// How long it took.
    pub interval: Duration,
}

/// Is told of every sample.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(&Seen<'_>) + Send + Sync>);

impl Watcher {
    /// `see` is called by the threads that read; they wait for it.
    pub fn new(see: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(see))
    }

    pub(super) fn see(&self, seen: &Seen<'_>) {
        (self.0)(seen);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
