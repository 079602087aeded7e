// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formulas as tests for the kernel: a graph that leads forward only, in which "undecided" goes where "false" goes.
//!
//! ```text
//! retval < 0 && not (comm == "a" || comm == "b")
//!   0  retval  Range(low: -2^63, span: 2^63 - 1)   yes: 1      no: reject  fault: reject
//!   1  comm    Bytes("a\0")                        yes: reject no: 2       fault: reject
//!   2  comm    Bytes("b\0")                        yes: reject no: pass    fault: reject
//! ```

mod address;
mod cgroup;
mod graph;
mod interval;
mod kinds;
mod number;
mod text;
mod unfit;

pub(super) use graph::Graph;
pub(super) use kinds::{is_null_by_value, is_signed};
pub(super) use unfit::{Cost, Unfit};
