// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much a capture reads.

/// Longest text or byte string that a capture may ask for.
pub const MAX_TEXT_BYTES: u16 = 4096;

/// Longest text when the expression does not say.
pub const DEFAULT_TEXT_BYTES: u16 = 256;
