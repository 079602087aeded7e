// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run schema`: what editors load.

use std::process::ExitCode;

use super::catalog::with_catalog;
use super::terminal::print_json;
use crate::config;

/// The schema as it is committed: pretty, with a final newline.
pub(super) fn schema() -> ExitCode {
    with_catalog(|catalog| print_json(&format!("{:#}\n", config::schema(catalog))))
}
