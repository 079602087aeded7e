// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kinds of destinations, one file each. To add one: a file, a line in `OUTPUTS`, and its variant of
//! [`crate::spec::Destination`].
//!
//! What never happens here: no event is counted, that is the writer's; nothing is written that the writer did not give.

mod descriptor;
mod file;
mod kind;
mod metrics;
mod outputs;
mod stream;

pub(super) use kind::{Output, OutputKind};
pub(super) use stream::Stream;
