// SPDX-License-Identifier: MIT OR Apache-2.0
//! Control groups that a test makes for itself.

use std::fs;
use std::path::PathBuf;

use crate::lab::wait_for;

/// The mount of cgroup2.
pub(crate) fn cgroup2() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let found = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
    found.map(|line| line.split(' ').nth(1).unwrap().into()).ok_or_else(|| "cgroup2 is not mounted".to_owned())
}

/// A cgroup that is removed in the end, once nobody is in it.
pub(crate) struct Cgroup(pub(crate) PathBuf);

impl Drop for Cgroup {
    fn drop(&mut self) {
        wait_for("an empty cgroup", || fs::remove_dir(&self.0).is_ok() || !self.0.exists());
    }
}
