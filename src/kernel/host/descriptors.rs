// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limit of open files, asked before something is begun that needs some.

use std::fs;

use crate::kernel::error::KernelError;
use crate::spec::Place;

/// What help says about a limit that is reached.
pub(in crate::kernel) const HELP: &str = "raise the limit: `ulimit -n`, or LimitNOFILE= of the service";

/// More than a probe needs; so a daemon can still read files and answer when the limit is near.
const SPARE: libc::rlim_t = 32;

/// Fails where few descriptors are left. Whoever goes on until there are none takes for missing what cannot be opened.
pub(in crate::kernel) fn enough() -> Result<(), KernelError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes a local of its type.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Ok(());
    }
    let open = match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.count() as libc::rlim_t,
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) => limit.rlim_cur,
        Err(_) => return Ok(()),
    };
    if open.saturating_add(SPARE) <= limit.rlim_cur {
        return Ok(());
    }
    let message = format!("too many open files: {open} of {} that the limit allows", limit.rlim_cur);
    Err(KernelError::new(Place::Probe, message, HELP))
}
