// SPDX-License-Identifier: MIT OR Apache-2.0
//! A hook kind tried for real, and on what that harms nobody.

use std::time::Duration;

use crate::kernel::host::Host;
use crate::spec::Hook;
use crate::words::Refusal;

/// One hook kind, and how the trial went.
#[derive(Debug, Clone)]
pub struct Try {
    /// Where it was tried: kind, target, mode.
    pub hook: Hook,
    /// How it went.
    pub outcome: Outcome,
    /// Loading, attaching and detaching together; until the refusal where it was refused.
    pub took: Duration,
}

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was attached, and detached again.
    Works,
    /// It lacks something: privileges, or a part of the kernel.
    Needs(String),
    /// The kernel refused: why, and what would help.
    Refused(Refusal),
    /// There was nothing to try it on.
    NotTried(String),
}

/// Loads, attaches and detaches a program at a hook.
pub(super) type TryOne<'a> = &'a (dyn Fn(Hook, &Host) -> Try + Sync);

/// An event that is rare, and there on every kernel.
pub(super) const QUIET_EVENT: &str = "sched_process_exec";

/// Functions that hardly run; the first that this kernel has is probed.
const QUIET_FUNCTIONS: [&str; 3] = ["kernel_power_off", "kernel_restart", "do_sys_openat2"];

/// A kernel function that hardly runs.
pub(super) fn quiet_function(host: &Host) -> &'static str {
    let known = |name: &&&str| host.kernel_symbol(name).count == 1;
    QUIET_FUNCTIONS.iter().find(known).unwrap_or(&"do_sys_openat2")
}
