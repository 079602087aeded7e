// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a value came to where it is used: by an alias, or from the environment.

use std::sync::Arc;

use super::problem::Problem;
use super::source::{Location, SourceFile};
use super::yaml::Node;

/// The words at an alias whose value is to blame.
pub(super) const THROUGH: &str = "used through this alias";

/// Says of the problems from `before` on how their values came to where they are used.
pub(super) fn add_origins(source: &Arc<SourceFile>, part: &Node, problems: &mut [Problem], before: usize) {
    for problem in &mut problems[before..] {
        *problem = with_origin(source, part, problem.clone());
    }
}

/// The problem with the alias that brought the value into `part`, and with what the environment made of it.
pub(super) fn with_origin(source: &Arc<SourceFile>, part: &Node, mut problem: Problem) -> Problem {
    let Some(origin) = part.origin_of(problem.primary.span) else { return problem };
    if let Some(text) = origin.substituted {
        let written = source.text.get(problem.primary.span.start..problem.primary.span.end).unwrap_or_default();
        let short: String = text.chars().take(60).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        if !problem.message.contains(&*text) || text.is_empty() {
            let with = if written.contains("${var:") { "these variables" } else { "this environment" };
            problem = problem.note(format!("with {with} `{}` is {:?}{dots}", written.trim(), short));
        }
    }
    if let Some(alias) = origin.alias {
        let alias = Location::new(source, alias);
        if problem.related.iter().any(|(place, _)| *place == problem.primary) {
            problem.primary = alias;
        } else if problem.related.iter().all(|(_, label)| label != THROUGH) {
            problem.related.push((alias, THROUGH.to_owned()));
        }
    }
    problem
}
