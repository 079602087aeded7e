// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts of the tree as the types that they are decoded into.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::codes;
use super::problem::Problem;
use super::source::{Location, SourceFile};
use super::yaml::{Node, Segment};

/// A part of the tree as its raw type. After the first gate this works; where it does not, that is a problem like others.
pub(crate) fn decode<T: DeserializeOwned>(
    source: &Arc<SourceFile>,
    node: &Node,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let error = match serde_path_to_error::deserialize::<_, T>(node.to_json()) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let path: Vec<Segment> = error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Segment::Key(key.clone())),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
        })
        .collect();
    let place = Location::new(source, node.nearest(&path));
    problems.push(Problem::new(codes::WRONG_TYPE, place, format!("this value cannot be used: {}", error.inner())));
    None
}
