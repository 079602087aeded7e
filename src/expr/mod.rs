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
mod builtin;
mod casts;
mod function;
mod operand;
mod parse;
mod prototype;
mod record;
mod resolve;
mod scope;
mod shape;
mod tracepoint;

pub use builtin::BUILTINS;
pub use casts::CASTS;
pub use function::{
    Arguments, FunctionScope, MOST_RAW_ARGUMENTS, Owner, REGISTER_ARGUMENTS, Returned, beyond_registers,
};
pub use operand::{Operand, OperandSource};
pub use parse::{ExprError, parse};
pub use prototype::Prototype;
pub use record::RecordScope;
pub use resolve::{Resolved, resolve};
pub use scope::Scope;
pub use tracepoint::{TraceField, TraceShape, parse_format};
