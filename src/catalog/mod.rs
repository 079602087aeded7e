// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a program's object file to its description: everything here is read from BTF, nothing is written twice.
//!
//! ```text
//! bpf/NAME.bpf.c ──build.rs──▶ NAME.o in the binary ──describe──▶ Program: hooks, params, event, counters
//! ```
//!
//! What never happens here: no file is opened, no kernel is asked. Bytes come in, descriptions go out.

mod binary;
mod btf;
mod builtin;
mod counting_table;
mod demangle;
mod describe;
mod elf;
mod fetch_context;
mod fetch_entry;
mod fetch_table;
mod instructions;
mod kernel_offsets;
mod limit_table;
mod object;
mod program;
mod span_table;
mod step_table;
mod syscall_table;
mod table;
mod usdt;
mod user;

pub use binary::{Binary, BinaryFunction, Bytes, Lookup, UserProbe, is_for_this_machine};
pub use btf::{Btf, BtfError, Member, Named, Type, TypeId};
pub use builtin::{builtin, internal_object};
pub use demangle::{Written, demangle, is_cold};
pub use describe::describe;
pub use elf::ObjectError;
pub use fetch_context::FetchContext;
pub use fetch_entry::FetchLimit;
pub use fetch_table::FetchTable;
pub use instructions::instruction_at;
pub use kernel_offsets::KernelOffsets;
pub use limit_table::{LimitTable, RateOf};
pub use object::ObjectBytes;
pub use program::{Catalog, Counters, FunctionAt, HookDecl, Param, ParamType, Program, SpanObjects};
pub use span_table::SpanHook;
pub use step_table::{SetMapKind, SetPlace};
pub use syscall_table::{SyscallTable, syscall_numbers};
pub use usdt::{MOST_USDT_ARGUMENTS, Machine, UsdtArgument, UsdtPlace, UsdtUnreadable, usdt_arguments};
