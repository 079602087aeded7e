// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capture expressions: from text to a fetch that the `trace` program carries out.
//!
//! ```text
//! "sk->__sk_common.skc_dport as port" ──parse──▶ CaptureExpr ──resolve──▶ Fetch + Field
//!                                     config               BTF, format file
//! ```
//!
//! What never happens here: no file is read, no kernel is asked. BTF and format texts come in as bytes.

mod access;
mod casts;
mod parse;
mod resolve;
mod scope;
mod shape;
mod tracepoint;

pub use casts::CASTS;
pub use parse::{ExprError, parse};
pub use resolve::{ResolveError, Resolved, resolve};
pub use scope::{BUILTINS, MOST_RAW_ARGUMENTS, Prototype, REGISTER_ARGUMENTS, Scope, beyond_registers};
pub use tracepoint::{TraceField, TraceShape, parse_format};
