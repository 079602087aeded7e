// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel functions that names and globs stand for, and the first of several that there is.

use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::kernel::site::targets::{Named, matching, none_of};
use crate::words::matches_glob;

/// Those that can be probed.
pub(in crate::kernel) fn named(patterns: &[String], host: &Host) -> Named {
    let wanted = |glob: Option<&str>| host.probeable_functions(|name| glob.is_none_or(|glob| matches_glob(glob, name)));
    matching(patterns, "function of this kernel", wanted)
}

/// The first of these that this kernel has.
pub(in crate::kernel) fn first_of(names: &[String], host: &Host) -> Result<String, KernelError> {
    let found = names.iter().find(|name| host.kernel_symbol(name).count > 0);
    found.cloned().ok_or_else(|| none_of(names, "this kernel", "functions", |name| host.kernel_symbol(name).help))
}
