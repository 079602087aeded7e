// SPDX-License-Identifier: MIT OR Apache-2.0
//! One probe, key by key.

use std::sync::Arc;

use super::defaults::Defaults;
use super::run::Run;
use super::sinks::{FileSinks, refuse_stackless};
use crate::catalog::Catalog;
use crate::config::Cx;
use crate::config::draft::Draft;
use crate::config::problem::Problem;
use crate::config::set::FileSets;
use crate::config::source::SourceFile;
use crate::config::yaml::Node;
use crate::key::{Checking, Joined, KEYS};
use crate::spec::ProbeSpec;

/// What a file has for all its probes.
pub(super) struct InFile<'a> {
    pub(super) source: &'a Arc<SourceFile>,
    pub(super) catalog: &'a Catalog,
    pub(super) sinks: &'a FileSinks,
    pub(super) sets: &'a FileSets,
    pub(super) defaults: &'a Defaults<'a>,
}

/// Checks a probe and hands what is good of it to the run; nothing where that does not say where it attaches. `certain` is
/// false where the parts that are left out may have said so, or that it is not to be run.
pub(super) fn check(file: &InFile<'_>, node: &Node, certain: bool, run: &mut Run, problems: &mut Vec<Problem>) {
    let mut checking = Checking {
        cx: Cx { source: file.source, node, problems, places: Vec::new() },
        keys: KEYS,
        catalog: file.catalog,
        sinks: file.sinks,
        sets: file.sets,
        run,
        defaults: &file.defaults.nodes,
        id: None,
        hook: None,
        span: None,
        program: None,
        stand_in: None,
        set: Vec::new(),
    };
    for key in KEYS {
        (key.check)(&mut checking);
    }
    refuse_needless(&mut checking);
    let Checking { cx, id, hook, span, stand_in, set, .. } = checking;
    let (Some(id), Some((hook, targets)), Some(program), true) = (id, hook, stand_in, certain) else { return };
    let kind = hook.as_ref().map(|hook| hook.kind);
    let spec = ProbeSpec { span, ..ProbeSpec::new(id, hook, targets, program.name.clone()) };
    let mut draft = Draft::new(spec, program, cx.places, file.source);
    for (key, default) in &file.defaults.set {
        let Some(how) = &key.in_defaults else { continue };
        let stays = node.get(key.word).is_none() || how.joined == Joined::ByEntry;
        if stays && key.makes_sense_at(program, kind) {
            default(&mut draft);
        }
    }
    set.iter().for_each(|set| set(&mut draft));
    refuse_stackless(&draft, problems);
    run.add(draft, problems);
}

/// Complains about keys that mean nothing for the program. In `defaults` they are for the others.
fn refuse_needless(checking: &mut Checking<'_>) {
    let Some(program) = checking.program else { return };
    for key in KEYS.iter().filter(|key| checking.cx.node.get(key.word).is_some()) {
        let Some(need) = key.needs.as_ref().filter(|need| !(need.met)(program)) else { continue };
        if let Some(problem) = (need.refuse)(&checking.cx, program) {
            checking.cx.report(problem);
        }
    }
}
