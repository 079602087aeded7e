// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a look has come, for the thread that waits for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where a look is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    steps: AtomicU64,
    path: Mutex<PathBuf>,
}

impl Progress {
    /// It gets to this path.
    pub(super) fn at(&self, path: &Path) {
        path.clone_into(&mut self.path.lock().unwrap_or_else(PoisonError::into_inner));
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// How many paths it got to.
    pub(super) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// The path that it got to last.
    pub(super) fn path(&self) -> PathBuf {
        self.path.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
