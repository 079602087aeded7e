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
mod code;
mod container;
mod disks;
mod kallsyms;
mod maps;
mod patience;
mod perf_map;
mod processes;
mod programs;
mod worker;

pub use container::container_of_path;

use cgroups::Cgroups;
use code::Code;
use disks::Disks;
use patience::Patience;

use crate::record::{CodeOf, StackFrame};

/// All that was asked so far, and its names.
#[derive(Debug, Default)]
pub struct Symbols {
    patience: Patience,
    disks: Disks,
    code: Code,
    cgroups: Cgroups,
}

impl Symbols {
    /// Appends the name of a disk or a part of one (`sda1`), by its number as the kernel has it; false where there is none.
    pub fn disk(&mut self, number: u32, out: &mut Vec<u8>) -> bool {
        append(self.disks.name(number, &mut self.patience), out)
    }

    /// Takes what was found out of functions since the last call.
    pub fn refresh(&mut self) {
        self.code.refresh();
    }

    /// True if it is known what is at these addresses; else that is being found out from now on.
    pub fn knows_functions(&mut self, of: CodeOf, addresses: &mut dyn Iterator<Item = u64>) -> bool {
        self.code.knows(of, addresses)
    }

    /// Appends what is known of the functions at an address: at least one frame. With `wait`, a moment is waited for what is not known.
    pub fn functions(&mut self, of: CodeOf, address: u64, wait: bool, out: &mut Vec<StackFrame>) {
        if wait && self.code.get(of, address).is_none() {
            self.patience.ask(|| self.code.wait(of, address));
        }
        match self.code.get(of, address) {
            Some(frames) => out.extend_from_slice(frames),
            None => out.push(StackFrame::unknown(address)),
        }
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
