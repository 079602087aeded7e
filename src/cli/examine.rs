// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads and checks the files that the command line names.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::Settings;
use crate::catalog::Catalog;
use crate::config::{Checked, Environment, Severity, SourceFile, check};
use crate::files;
use crate::trust::Breach;

/// Everything that is known about some paths before the kernel is asked.
pub(super) struct Examined {
    /// The configuration, and the problems: first those of files that cannot be read.
    pub(super) checked: Checked,
    /// The files that could be read.
    pub(super) sources: Vec<SourceFile>,
    /// Files, unreadable ones included.
    pub(super) files: usize,
    /// Who could change the files.
    pub(super) breaches: Vec<Breach>,
}

/// Reads and checks files, their variables as they are set; those that cannot be read do not keep the others from being checked.
pub(super) fn examine(paths: &[PathBuf], settings: &Settings, catalog: &Catalog) -> Examined {
    let found = files::read_all(paths);
    let files = found.files.len() + found.problems.len();
    let environment = Environment::new(&variable).set(&settings.set, Severity::Error);
    let checked = check(&found.files, catalog, &environment);
    Examined { checked: checked.refused_for(found.problems), sources: found.files, files, breaches: found.breaches }
}

/// What a variable of the environment says.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
