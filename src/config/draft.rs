// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe whose keys have been checked, on its way into the run.

use std::sync::Arc;

use super::source::{SourceFile, Span};
use crate::catalog::Program;
use crate::spec::{Destination, Place, ProbeSpec, Rights, SinkSpec};

/// A probe, or what is good of it, whose sinks have no numbers yet.
pub(crate) struct Draft {
    pub(crate) spec: ProbeSpec,
    pub(crate) program: Arc<Program>,
    pub(crate) places: Vec<(Place, Span)>,
    pub(crate) sinks: Vec<SinkSpec>,
    /// Whether it is to be run.
    pub(crate) enabled: bool,
    pub(crate) source: Arc<SourceFile>,
}

impl Draft {
    /// A probe that says nothing of its sinks yet.
    pub(crate) fn new(
        spec: ProbeSpec,
        program: &Arc<Program>,
        places: Vec<(Place, Span)>,
        source: &Arc<SourceFile>,
    ) -> Self {
        let (program, source) = (Arc::clone(program), Arc::clone(source));
        Self { spec, program, places, sinks: vec![unsaid()], enabled: true, source }
    }
}

/// Where events go when nothing is said.
fn unsaid() -> SinkSpec {
    SinkSpec { name: "stdout".to_owned(), destination: Destination::Stdout, format: None, rights: Rights::default() }
}
