// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exit statuses.

/// Exit status for bad usage and bad configuration.
pub(super) const BAD_CONFIGURATION: u8 = 2;
/// Exit status for failures at run time: the kernel, a sink.
pub(super) const FAILED: u8 = 1;
