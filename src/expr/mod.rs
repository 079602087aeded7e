// SPDX-License-Identifier: MIT OR Apache-2.0
//! The small languages inside the YAML: capture expressions.
//!
//! Text becomes a [`crate::spec::CaptureExpr`]; what its names mean is found out when the probe is loaded. Nothing here
//! knows of files or of the kernel.

mod parse;

pub use parse::{ExprError, parse};
