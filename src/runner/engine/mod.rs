// SPDX-License-Identifier: MIT OR Apache-2.0
//! Units: how they are made, and what becomes of them.

pub(super) mod end;
pub(super) mod reader;
pub(super) mod retire;
pub(super) mod sinks;
pub(super) mod tail;
pub(super) mod unit;
