// SPDX-License-Identifier: MIT OR Apache-2.0
//! Probes with a start and an end: several programs, one for each hook, over one map of what has begun.
//!
//! The first end is the probe's program as others see it. What else there is, is prepared, loaded and attached beside it.

mod load;
mod open;
mod parts;
mod prepare;

pub(super) use load::{Others, load_others, size_map, specialise_hook};
pub use open::OpenSpans;
pub(super) use parts::{attached, expand, spec_of};
pub use prepare::PreparedSpan;
pub(super) use prepare::prepare_span;
