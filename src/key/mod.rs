// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys of a probe, one file for each. What the language says of a key, its form, its check, for which programs it makes
//! sense and how it stands under `defaults`, is in that file and nowhere else.
//!
//! What never happens here: no file is opened, no kernel is asked, nothing is printed.

mod aggregate;
mod aggregate_value;
mod buffer;
mod capture;
mod definition;
mod description;
mod enabled;
mod expression;
mod fields;
mod hook;
mod include_self;
mod interval;
mod labels;
mod limits;
mod name;
mod params;
mod program;
mod set_names;
mod sinks;
mod span;
#[cfg(test)]
mod tests;
mod where_;

pub(crate) use definition::{Checking, InDefaults, Joined, Key, Set};
pub(crate) use program::usual as usual_program;

/// Every key, in the order in which they are described and checked: who the probe is, where it attaches and what it runs
/// come first, since the others ask for that.
pub(crate) const KEYS: &[&Key] = &[
    &name::NAME,
    &description::DESCRIPTION,
    &enabled::ENABLED,
    &hook::HOOK,
    &program::PROGRAM,
    &params::PARAMS,
    &capture::CAPTURE,
    &where_::WHERE,
    &aggregate::AGGREGATE,
    &interval::INTERVAL,
    &labels::LABELS,
    &sinks::SINKS,
    &buffer::BUFFER,
    &include_self::INCLUDE_SELF,
    &limits::LIMITS,
];
