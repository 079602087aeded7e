// SPDX-License-Identifier: MIT OR Apache-2.0
//! `defaults`: checked once for the file, so that a mistake is said once and where it is written.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::run::Run;
use super::sinks::FileSinks;
use super::{fields, values};
use crate::config::decode::decode;
use crate::config::origin::add_origins;
use crate::config::problem::Problem;
use crate::config::source::{SourceFile, Span};
use crate::config::yaml::{Node, Segment};
use crate::config::{Cx, raw};
use crate::spec::{Limits, SinkSpec};

/// What holds for every probe of a file that does not say otherwise. What has its problem already is left out.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// Each with its place.
    pub(super) sinks: Option<Vec<(SinkSpec, Span)>>,
    pub(super) labels: Vec<(String, String)>,
    /// The labels' names with their places.
    pub(super) label_spans: Vec<(String, Span)>,
    pub(super) interval: Option<Duration>,
    pub(super) buffer_bytes: Option<u32>,
    pub(super) include_self: Option<bool>,
    pub(super) limits: Limits,
}

/// Checks the `defaults` of a file; `clean` tells which parts of the file passed the first gate.
pub(super) fn check(
    source: &Arc<SourceFile>,
    root: &Node,
    clean: &dyn Fn(&[Segment]) -> bool,
    sinks: &FileSinks,
    run: &mut Run,
    problems: &mut Vec<Problem>,
) -> Defaults {
    let mut defaults = Defaults::default();
    let Some(node) = root.at(&["defaults"]) else { return defaults };
    let before = problems.len();
    let raw_interval: Option<String> = part(source, node, "interval", clean, problems);
    let raw_buffer: Option<String> = part(source, node, "buffer", clean, problems);
    defaults.include_self = part(source, node, "include_self", clean, problems);
    let raw_limits: Option<raw::Limits> = part(source, node, "limits", clean, problems);
    let raw_sinks: Option<Vec<String>> = part(source, node, "sinks", clean, problems);
    let mut cx = Cx { source, node, problems, places: Vec::new() };
    defaults.interval = values::interval(&mut cx, raw_interval.as_deref());
    defaults.buffer_bytes = values::buffer(&mut cx, raw_buffer.as_deref());
    defaults.limits = values::limits(raw_limits.as_ref());
    defaults.sinks = raw_sinks.map(|names| sinks.resolve(&mut cx, &names, run));
    if is_clean("labels", clean) {
        for entry in node.at(&["labels"]).map(Node::entries).unwrap_or_default() {
            match fields::label_name(&cx, &entry.key, entry.key_span) {
                Some(problem) => cx.report(problem),
                None => {
                    defaults.labels.push((entry.key.clone(), fields::label_text(source, &entry.value)));
                    defaults.label_spans.push((entry.key.clone(), entry.key_span));
                }
            }
        }
    }
    add_origins(source, node, problems, before);
    defaults
}

fn is_clean(key: &str, clean: &dyn Fn(&[Segment]) -> bool) -> bool {
    clean(&["defaults", key].map(|key| Segment::Key(key.to_owned())))
}

/// One key of `defaults`, where it is given and passed the first gate.
fn part<T: DeserializeOwned>(
    source: &Arc<SourceFile>,
    defaults: &Node,
    key: &str,
    clean: &dyn Fn(&[Segment]) -> bool,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let node = defaults.at(&[key]).filter(|_| is_clean(key, clean))?;
    decode(source, node, problems)
}
