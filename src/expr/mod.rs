// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capture expressions: from text to a fetch that the `trace` program carries out.
//!
//! ```text
//! "sk->__sk_common.skc_dport as port" ──parse──▶ Expr ──resolve──▶ Operand ──▶ Fetch + Field
//!                                     config               BTF, format file
//! ```
//!
//! What never happens here: no file is read, no kernel is asked. BTF and format texts come in as bytes.

mod builtin;
mod casts;
mod check;
mod clause;
mod counting;
mod cursor;
mod error;
mod filter;
mod finished;
mod foreign;
mod function;
mod functions;
mod item;
mod kernel_types;
mod lex;
mod lower;
mod machine;
mod mentions;
mod names_here;
mod network;
mod numbers;
mod operand;
mod parse;
mod parse_type;
mod path;
mod prototype;
mod reads;
mod record;
mod resolve;
mod scope;
mod span;
mod stack;
mod symbols;
mod syscall;
mod token;
mod tracepoint;
mod types;
mod unexpected;
mod usdt;
mod value_form;

pub use builtin::{BUILTINS, Builtin, builtin, builtin_names};
pub use casts::CASTS;
pub use clause::{ClausePlan, Decided};
pub use counting::{learn, resolve_tables};
pub use error::ExprError;
pub use filter::{Blame, Wanted, resolve, resolve_probe};
pub use finished::filter_fields;
pub use function::{
    Arguments, FunctionScope, MOST_RAW_ARGUMENTS, Owner, REGISTER_ARGUMENTS, Returned, beyond_registers,
};
pub use functions::{FUNCTIONS, Function, METHODS};
pub use item::ItemScope;
pub use kernel_types::{KernelTypes, Types};
pub use machine::{Machine, TargetName, Variable};
pub use mentions::{SetMention, set_mentions};
pub use network::NetworkScope;
pub use operand::{Operand, OperandSource};
pub use parse::{parse, parse_with};
pub use path::{Names, first_name, is_path};
pub use prototype::{Prototype, RawTracepoints, TrampolineTakes};
pub use record::RecordScope;
pub use resolve::{MAX_FETCHES, Resolved};
pub use scope::{MachineScope, Scope};
pub use span::{ResolvedPoint, ResolvedSpan, SpanBlame, SpanPoint, SpanWanted, read_at, resolve_span, without_start};
pub use stack::{has_stack, is_stack};
pub use syscall::SyscallScope;
pub use tracepoint::{TraceField, TraceShape, parse_format};
pub use usdt::{UsdtArgumentType, UsdtScope};
pub use value_form::{STATISTICS, ValueForm, parse_value};
