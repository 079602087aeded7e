// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a running unit reads, and how its lines get to sinks.

pub(super) mod budget;
pub(super) mod clock;
mod commands;
pub(super) mod counters;
pub(super) mod output;
pub(super) mod ring;
