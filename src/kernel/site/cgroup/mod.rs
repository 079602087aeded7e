// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups: directories of the cgroup2 mount.

mod hierarchy;
mod names;

pub(in crate::kernel) use hierarchy::find;
pub use names::cgroup_places;

pub(in crate::kernel) use names::{missing, named};
