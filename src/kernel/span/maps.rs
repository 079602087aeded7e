// SPDX-License-Identifier: MIT OR Apache-2.0
//! The maps that only programs of spans have, by their names in `bpf/include/span_parts.h`.

/// The map of what has begun.
pub(in crate::kernel) const OPEN: &str = "open_spans";
/// The array of what runs after a program at the same hook.
pub(in crate::kernel) const BEHIND: &str = "behind";
