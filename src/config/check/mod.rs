// SPDX-License-Identifier: MIT OR Apache-2.0
//! The second gate: the rules. Raw probes become [`ProbeSpec`](crate::spec::ProbeSpec)s; one file for each topic.

mod defaults;
mod file;
mod partial;
mod probe;
mod run;
mod sinks;
mod vars;

pub(crate) use run::Run;
pub(crate) use sinks::FileSinks;
pub(super) use vars::read as read_vars;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::checked::Checked;
use super::discretion::{Values, discreet};
use super::environment::Environment;
use super::source::SourceFile;
use crate::catalog::Catalog;

/// Checks files that run together. Nothing outside the arguments is looked at; what `${env:NAME}` in the files stands
/// for, and what replaces their `vars`, `environment` knows.
pub fn check(files: &[SourceFile], catalog: &Catalog, environment: &Environment<'_>) -> Checked {
    let said = RefCell::new(BTreeMap::new());
    let lookup = |name: &str| {
        let value = environment.get(name)?;
        said.borrow_mut().insert(name.to_owned(), value.to_string_lossy().into_owned());
        Some(value)
    };
    let environment = environment.with_lookup(&lookup);
    let mut run = run::Run::default();
    for file in files {
        file::check(&Arc::new(file.clone()), catalog, &environment, &mut run);
    }
    vars::unknown_settings(&environment, &mut run);
    let through = run.take_environment();
    let mut checked = run.finish();
    let values = Arc::new(Values { said: said.take(), through });
    let running = checked.config.iter_mut().flat_map(|config| &mut config.probes);
    running.chain(&mut checked.fragments).for_each(|probe| probe.values = Arc::clone(&values));
    checked.set_files.iter_mut().for_each(|file| file.values = Arc::clone(&values));
    Checked { problems: discreet(checked.problems, &values), ..checked }
}
