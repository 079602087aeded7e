// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be hooked on this machine: kernel functions, tracepoints, LSM hooks, functions of a binary; found by pattern.

mod binary;
mod find;
mod listed;
mod pattern;
mod query;

pub use binary::binary_in_yaml;
pub use find::search;
pub use listed::Listed;
pub use pattern::Pattern;
pub use query::{FoundHook, Query, Search};
