// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is loaded of a span beside the program of the probe's own hook.

use libbpf_rs::Object;

use crate::catalog::FunctionAt;

/// The programs at other hooks than the probe's own.
#[derive(Default)]
pub(in crate::kernel) struct Others {
    pub(in crate::kernel) objects: Vec<Object>,
    /// The functions of them that are attached, each with the number of its object.
    pub(in crate::kernel) functions: Vec<(FunctionAt, usize)>,
}
