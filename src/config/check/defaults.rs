// SPDX-License-Identifier: MIT OR Apache-2.0
//! `defaults`: checked once for the file, so that a mistake is said once and where it is written.

use std::sync::Arc;

use super::run::Run;
use super::sinks::FileSinks;
use crate::catalog::Catalog;
use crate::config::Cx;
use crate::config::origin::add_origins;
use crate::config::problem::Problem;
use crate::config::set::FileSets;
use crate::config::source::SourceFile;
use crate::config::yaml::{Node, Segment};
use crate::key::{Checking, KEYS, Key, Set};

/// What holds for every probe of a file that does not say otherwise. What has its problem already is left out.
#[derive(Default)]
pub(super) struct Defaults<'a> {
    /// The keys whose form is right, as they are written.
    pub(super) nodes: Vec<(&'static str, &'a Node)>,
    /// What each key does to a probe.
    pub(super) set: Vec<(&'static Key, Set)>,
}

/// Checks the `defaults` of a file; `clean` tells which parts of the file passed the first gate.
pub(super) fn check<'a>(
    source: &Arc<SourceFile>,
    root: &'a Node,
    clean: &dyn Fn(&[Segment]) -> bool,
    (catalog, sinks): (&Catalog, &FileSinks),
    run: &mut Run,
    problems: &mut Vec<Problem>,
) -> Defaults<'a> {
    let mut defaults = Defaults::default();
    let Some(node) = root.at(&["defaults"]) else { return defaults };
    let is_clean = |word: &str| clean(&["defaults", word].map(|key| Segment::Key(key.to_owned())));
    let before = problems.len();
    let mut checking = Checking {
        cx: Cx { source, node, problems, places: Vec::new() },
        keys: KEYS,
        catalog,
        sinks,
        sets: &FileSets::default(),
        run,
        defaults: &[],
        id: None,
        hook: None,
        span: None,
        program: None,
        stand_in: None,
        set: Vec::new(),
    };
    for key in KEYS.iter().copied().filter(|key| key.in_defaults.is_some()) {
        let Some(value) = node.at(&[key.word]).filter(|_| is_clean(key.word)) else { continue };
        defaults.nodes.push((key.word, value));
        (key.check)(&mut checking);
        defaults.set.extend(checking.set.drain(..).map(|set| (key, set)));
    }
    add_origins(source, node, problems, before);
    defaults
}
