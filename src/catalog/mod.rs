// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a program's object file to its description: everything here is read from BTF, nothing is written twice.
//!
//! What never happens here: no file is opened, no kernel is asked. Bytes come in, descriptions go out.

mod program;

pub use program::{Catalog, Counters, HookDecl, Param, ParamType, Program};
