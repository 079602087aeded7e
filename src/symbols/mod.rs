// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ids and addresses of events are called on this machine: disks, functions, cgroups, containers.
//!
//! ```text
//! id ──▶ remembered? ──▶ name
//!             └─ no ──▶ /sys, /proc, cgroup2 ──▶ remembered
//! ```
//!
//! Each reader has one of its own. What is known is answered without a system call; the time that is spent on what is not is bounded,
//! so that events with ever new ids do not keep the reader from its ring. What never happens here: nothing is guessed. What nobody
//! knows has no name.

mod cgroups;
mod container;
mod disks;
mod kallsyms;
mod maps;
mod patience;
mod users;

pub use container::container_of_path;

use cgroups::Cgroups;
use disks::Disks;
use kallsyms::KernelSymbols;
use patience::Patience;
use users::Users;

/// All that was asked so far, and its names.
#[derive(Debug, Default)]
pub struct Symbols {
    patience: Patience,
    disks: Disks,
    users: Users,
    cgroups: Cgroups,
}

impl Symbols {
    /// Appends the name of a disk or a part of one (`sda1`), by its number as the kernel has it; false where there is none.
    pub fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool {
        append(self.disks.name(number, &mut self.patience), out)
    }

    /// Appends `function+0x8` for an address in the kernel's code; false where the kernel does not say.
    pub fn kernel(&mut self, address: u64, out: &mut Vec<u8>) -> bool {
        KernelSymbols::of_this_machine().append(address, out)
    }

    /// Appends `function+0x8` for an address in the code of a process; false where the process is gone or has no such code.
    pub fn user(&mut self, pid: u32, address: u64, out: &mut Vec<u8>) -> bool {
        append(self.users.name(pid, address, &mut self.patience), out)
    }

    /// Appends the path of a cgroup, from the root of the cgroup2 mount.
    pub fn cgroup(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        append(self.cgroups.path(id, &mut self.patience), out)
    }

    /// Appends the id of the container that a cgroup is of; false where it is of none.
    pub fn container(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        append(self.cgroups.container(id, &mut self.patience), out)
    }
}

fn append(name: Option<&str>, out: &mut Vec<u8>) -> bool {
    name.is_some_and(|name| {
        out.extend_from_slice(name.as_bytes());
        true
    })
}
