// SPDX-License-Identifier: MIT OR Apache-2.0
//! An alias becomes what it refers to, within the limits of a file.

use super::super::node::{Node, Value};
use super::super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use super::{Builder, Frame, Key, Stop};
use crate::config::codes;
use crate::config::source::{Location, Span};

impl Builder<'_> {
    /// Puts what an alias refers to where the alias stands.
    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let dropped = matches!(self.stack.last(), Some(Frame::Map { key: Key::Dropped, .. }));
        let Some(anchored) = self.anchors.get(anchor) else {
            self.count(1, span)?;
            if !dropped {
                let problem = self.problem(codes::ANCHOR, span, "an alias inside its own value");
                let problem = match self.anchors.start(anchor) {
                    Some(start) => problem.related(Location::new(self.source, start), "the value begins here"),
                    None => problem,
                };
                self.problems.push(problem.help("a value cannot contain itself"));
            }
            self.place(Node::new(span, Value::Broken));
            return Ok(());
        };
        let (nodes, bytes, depth, place) = (anchored.nodes, anchored.bytes, anchored.depth, anchored.place);
        let too_large = if self.nodes + nodes > MAX_NODES {
            Some(format!("with this alias the file has more than {MAX_NODES} values"))
        } else if self.copied + bytes > MAX_BYTES {
            Some(format!("with this alias the file grows by more than {MAX_BYTES} bytes"))
        } else if self.stack.len() + depth > MAX_DEPTH {
            Some(format!("with this alias the file is nested more than {MAX_DEPTH} levels deep"))
        } else {
            None
        };
        if let Some(message) = too_large {
            let problem = self.problem(codes::TOO_LARGE, span, message);
            let problem = problem.related(Location::new(self.source, place), "this is its value");
            self.problems.push(problem.help("aliases of aliases multiply: use fewer, or split the file"));
            return Err(Stop::All);
        }
        let node = anchored.at(span);
        self.nodes += nodes;
        self.copied += bytes;
        self.place(node);
        Ok(())
    }
}
