// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups: directories of the cgroup2 mount.

mod hierarchy;
mod names;

pub(in crate::kernel) use hierarchy::find;
pub use names::{CgroupPlaces, cgroup_places};

pub(in crate::kernel) use names::{first_of, missing, named};
