// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: tracepoints, by category and name or by their name alone; hooks of the security modules.

mod expand;
mod names;
mod tracefs;

pub(in crate::kernel) use expand::{
    first_raw_tracepoint, first_security_hook, first_tracepoint, named_raw_tracepoints, named_security_hooks,
    named_tracepoints,
};
pub(in crate::kernel) use tracefs::Tracefs;
