// SPDX-License-Identifier: MIT OR Apache-2.0
//! A path to an open descriptor.

use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::path::PathBuf;

/// A path to what an open descriptor (`O_PATH`) stands for, whatever has its name by now.
pub fn through(file: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
