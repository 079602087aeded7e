// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs inside of the binary, for commands.

use std::process::ExitCode;

use super::exit::FAILED;
use super::terminal::tell;
use crate::catalog::{Catalog, builtin};

/// Does something with the programs of the binary.
pub(super) fn with_catalog(act: impl FnOnce(&Catalog) -> ExitCode) -> ExitCode {
    match builtin() {
        Ok(catalog) => act(&catalog),
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            ExitCode::from(FAILED)
        }
    }
}
