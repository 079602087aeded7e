// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that may be meant by one that is not there.

/// Entries of a directory that are compared with a name that is not there.
pub(in crate::kernel) const MOST_ENTRIES: usize = 10_000;

/// Leaves out names that cannot be meant: looking at all of them would take long.
pub(in crate::kernel) fn close_in_length(name: &str, symbol: &str) -> bool {
    name.len().abs_diff(symbol.len()) <= 1 + symbol.len() / 4
}
