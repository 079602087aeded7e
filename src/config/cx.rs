// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every topic of a check needs: where things stand in the file, and a place to complain.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::codes;
use super::decode::decode;
use super::problem::Problem;
use super::source::{Location, SourceFile, Span};
use super::yaml::Node;
use crate::spec::Place;

/// What stands for a name that is missing; no probe can be called so.
pub(crate) const NAMELESS: &str = "?";

/// What every topic needs: where things stand, and a place to complain.
pub(crate) struct Cx<'a> {
    pub(crate) source: &'a Arc<SourceFile>,
    pub(crate) node: &'a Node,
    pub(crate) problems: &'a mut Vec<Problem>,
    pub(crate) places: Vec<(Place, Span)>,
}

impl Cx<'_> {
    /// The value at the end of these keys, or the nearest thing around it.
    pub(crate) fn value(&self, keys: &[&str]) -> Span {
        (0..=keys.len())
            .rev()
            .find_map(|length| self.node.at(&keys[..length]))
            .map_or(self.node.span, |node| if std::ptr::eq(node, self.node) { self.name() } else { node.span })
    }

    /// The last of these keys itself, or the nearest thing around it.
    pub(crate) fn key(&self, keys: &[&str]) -> Span {
        let parent = keys.split_last().and_then(|(last, above)| self.node.at(above)?.get(last));
        parent.map_or_else(|| self.value(keys), |entry| entry.key_span)
    }

    /// The probe's name: what stands for the probe as a whole.
    pub(crate) fn name(&self) -> Span {
        self.node.at(&["name"]).map_or(self.node.span, |node| node.span)
    }

    pub(crate) fn at(&self, span: Span) -> Location {
        Location::new(self.source, span)
    }

    pub(crate) fn note_place(&mut self, place: Place, span: Span) {
        self.places.push((place, span));
    }

    /// Where a text stands, and so where each part of it does. The whole text is to blame where it is not written verbatim.
    pub(crate) fn note_text(&mut self, place: Place, node: &Node) {
        if let (Some(text), Some(at)) = (node.text(), node.verbatim_at()) {
            let whole = place.clone().part(Some(0..text.len()));
            self.places.push((whole, Span::new(at, at + text.len())));
        }
        self.places.push((place, node.span));
    }

    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// What stands at the end of these keys, as the type that it is decoded into; `None`, and reported, where it is not one.
    pub(crate) fn decode<T: DeserializeOwned>(&mut self, keys: &[&str]) -> Option<T> {
        decode(self.source, self.node.at(keys)?, self.problems)
    }

    /// An error at a span.
    pub(crate) fn error(&self, code: &'static str, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(code, self.at(span), message)
    }
}

/// Complains that a name is not one of those that exist.
pub(crate) fn unknown<'w>(
    problem: Problem,
    name: &str,
    what: &str,
    known: impl Iterator<Item = &'w str> + Clone,
) -> Problem {
    let nearest = crate::words::nearest(name, known.clone());
    let problem = problem.maybe_help(nearest.map(|word| format!("did you mean `{word}`?")));
    problem.note(format!("{what}: {}", crate::words::list(known, 16)))
}

/// The code for all hook targets.
pub(crate) const TARGET: &str = codes::BAD_TARGET;
