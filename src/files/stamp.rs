// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tells two states of a file apart without reading it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What changes when somebody writes to a file, changes who may read it, or puts another one in its place.
#[derive(Debug, PartialEq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: SystemTime,
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn at(path: &Path) -> Option<Self> {
        Self::of(&fs::metadata(path).ok()?)
    }

    pub(super) fn of(about: &Metadata) -> Option<Self> {
        Some(Self {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified: about.modified().ok()?,
            changed: (about.ctime(), about.ctime_nsec()),
        })
    }

    /// How long until the last write is `settle` old; `None` if it is, or if it is in the future: then the clocks differ.
    pub(super) fn unsettled_for(&self, settle: Duration, now: SystemTime) -> Option<Duration> {
        let age = now.duration_since(self.modified).ok()?;
        settle.checked_sub(age).filter(|left| !left.is_zero())
    }
}
