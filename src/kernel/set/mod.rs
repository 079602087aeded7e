// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets in the kernel: one map for each, which programs look up and user space fills while they run.

mod descendants;
mod keys;
mod map;

pub use descendants::Descendants;
pub use map::SetMap;
