// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: tracepoints, by category and name or by their name alone.

mod names;
mod tracefs;

pub(in crate::kernel) use tracefs::Tracefs;
