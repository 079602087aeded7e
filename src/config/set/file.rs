// SPDX-License-Identifier: MIT OR Apache-2.0
//! A set that has its entries from a file, which is none of the configuration's: nobody has read it yet.

use std::path::Path;
use std::sync::Arc;

use crate::config::discretion::Values;
use crate::config::problem::Problem;
use crate::config::source::Location;
use crate::spec::{SetSource, SetSpec};

/// Where a file says that a set is in another one.
#[derive(Debug, Clone)]
pub struct SetFile {
    /// The set.
    pub spec: SetSpec,
    /// How expressions call it.
    pub word: String,
    /// Where its file is named.
    pub place: Location,
    pub(in crate::config) values: Arc<Values>,
}

impl SetFile {
    /// The file with the entries.
    pub fn path(&self) -> Option<&Path> {
        match &self.spec.source {
            SetSource::File(path) => Some(path),
            SetSource::Entries(_) | SetSource::Cgroup(_) | SetSource::Descendants(_) => None,
        }
    }

    /// A problem of it without what variables of the environment say.
    #[must_use]
    pub fn discreet(&self, problem: Problem) -> Problem {
        self.values.leave_out(problem)
    }
}
