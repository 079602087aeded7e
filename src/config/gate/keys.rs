// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that a mapping does not have.

use serde_json::{Map, Value as Json};

use super::validate::{Kind, Violation};
use crate::config::guess::{self, UnknownKey};
use crate::config::problem::Problem;
use crate::config::schema;
use crate::config::yaml::{Node, Segment};
use crate::words;

/// The key that is probably meant.
pub(super) fn meant<'w>(key: &str, allowed: &[&'w str]) -> Option<&'w str> {
    guess::known_elsewhere(key, allowed).or_else(|| words::nearest(key, allowed.iter().copied()))
}

/// True for a missing key that is there, misspelt: the misspelling is the problem.
pub(super) fn is_misspelt(violation: &Violation<'_>, all: &[Violation<'_>]) -> bool {
    let Kind::MissingKey { key: missing } = &violation.kind else { return false };
    all.iter()
        .filter(|other| other.path == violation.path)
        .any(|other| matches!(&other.kind, Kind::UnknownKey { key, allowed } if meant(key, allowed) == Some(missing)))
}

/// True for too many keys where only one of them is known: the unknown ones are the problem.
pub(super) fn is_of_unknown_keys(violation: &Violation<'_>, all: &[Violation<'_>], keys: usize) -> bool {
    let Kind::TooManyKeys { most } = &violation.kind else { return false };
    let unknown = all.iter().filter(|other| other.path == violation.path);
    let unknown = unknown.filter(|other| matches!(other.kind, Kind::UnknownKey { .. })).count();
    unknown > 0 && keys.saturating_sub(unknown) <= *most
}

pub(super) fn unknown_key(
    problem: Problem,
    path: &[Segment],
    mapping: Option<&Node>,
    key: &str,
    allowed: &[&str],
    schema: &Map<String, Json>,
) -> Problem {
    let unknown = UnknownKey { path, mapping, key, allowed, schema, language: schema::shared() };
    let problem = problem.maybe_help(guess::for_key(&unknown));
    match (allowed, &problem.help) {
        ([], Some(_)) => problem,
        ([], None) => problem.help("it has no keys: write `{}`"),
        ([_, ..], _) => problem.note(format!("keys here: {}", words::list(allowed.iter().copied(), 24))),
    }
}
