// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limit of open files, asked before something is begun that needs some.

use std::fs;

use rustix::process::{Resource, getrlimit};

use crate::kernel::error::KernelError;
use crate::spec::Place;

/// What help says about a limit that is reached.
pub(in crate::kernel) const HELP: &str = "raise the limit: `ulimit -n`, or LimitNOFILE= of the service";

/// More than a probe needs; so a daemon can still read files and answer when the limit is near.
const SPARE: u64 = 32;

/// Fails where few descriptors are left. Anyone who goes on until there are none takes for missing what cannot be opened.
pub(in crate::kernel) fn enough() -> Result<(), KernelError> {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return Ok(()) };
    // Since Linux 6.2 the directory says how many are in it: a hundred probes need not be counted a hundred times.
    let open = match fs::metadata("/proc/self/fd").map(|folder| folder.len()) {
        Ok(open @ 1..) => open,
        Ok(_) | Err(_) => match counted(limit) {
            Some(open) => open,
            None => return Ok(()),
        },
    };
    if open.saturating_add(SPARE) <= limit {
        return Ok(());
    }
    let message = format!("too many open files: {open} of {limit} that the limit allows");
    Err(KernelError::new(Place::Probe, message, HELP))
}

/// How many there are; `None` where nobody knows.
fn counted(limit: u64) -> Option<u64> {
    match fs::read_dir("/proc/self/fd") {
        Ok(entries) => Some(entries.count() as u64),
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) => Some(limit),
        Err(_) => None,
    }
}
