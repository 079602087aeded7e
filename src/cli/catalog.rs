// SPDX-License-Identifier: MIT OR Apache-2.0
//! The built-in programs, for commands.

use std::process::ExitCode;

use super::exit::FAILED;
use super::terminal::tell;
use crate::catalog::{Catalog, builtin};

/// Runs a command that needs the built-in programs; if one is broken, says so.
pub(super) fn with_catalog(act: impl FnOnce(&Catalog) -> ExitCode) -> ExitCode {
    match builtin() {
        Ok(catalog) => act(&catalog),
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            ExitCode::from(FAILED)
        }
    }
}
