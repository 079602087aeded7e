// SPDX-License-Identifier: MIT OR Apache-2.0
//! Probes with a start and an end: several programs, one for each hook, over one map of what has begun.
//!
//! The first end is the probe's program as others see it. What else there is, is prepared, loaded and attached beside it.

mod load;
mod maps;
mod open;
mod others;
mod parts;
mod prepare;
mod prepared;

pub(super) use load::{load_others, size_map, specialise_hook};
pub(super) use maps::{BEHIND, OPEN};
pub use open::{DiesWith, OpenSpans};
pub(super) use others::Others;
pub(super) use parts::{attached, expand, hooks, spec_of};
pub(super) use prepare::prepare_span;
pub use prepared::{PreparedPart, PreparedSpan};
