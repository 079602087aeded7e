// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine: the running kernel, what this process may do on it, and what both say about themselves.

mod answers;
mod capabilities;
mod cgroups;
mod clock;
mod cpu_memory;
mod cpus;
pub(in crate::kernel) mod descriptors;
mod facts;
mod itself;
mod kernel_btf;
mod machine;
mod security;

pub use capabilities::Capabilities;
pub use cgroups::cgroup_root;
pub use clock::{boot_ns, boot_shift_ns, monotonic_ns};
pub use facts::{Facts, Memlock};
pub use machine::Host;

pub(in crate::kernel) use answers::answers;
pub(in crate::kernel) use cpus::{online_cpus, possible_cpus};
pub(in crate::kernel) use itself::{own_process, process_of};
