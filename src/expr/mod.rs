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
mod cursor;
mod error;
mod foreign;
mod function;
mod functions;
mod lex;
mod numbers;
mod operand;
mod parse;
mod parse_type;
mod prototype;
mod record;
mod resolve;
mod scope;
mod shape;
mod simple;
mod token;
mod tracepoint;
mod unexpected;

pub use builtin::BUILTINS;
pub use casts::CASTS;
pub use error::ExprError;
pub use function::{
    Arguments, FunctionScope, MOST_RAW_ARGUMENTS, Owner, REGISTER_ARGUMENTS, Returned, beyond_registers,
};
pub use functions::{FUNCTIONS, Function, METHODS};
pub use operand::{Operand, OperandSource};
pub use parse::{parse, parse_with};
pub use prototype::Prototype;
pub use record::RecordScope;
pub use resolve::{Resolved, resolve};
pub use scope::Scope;
pub use simple::first_name;
pub use tracepoint::{TraceField, TraceShape, parse_format};
