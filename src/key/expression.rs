// SPDX-License-Identifier: MIT OR Apache-2.0
//! An expression of a file: read, or complained about where it stands.

use crate::config::{Cx, Node, codes, cut};
use crate::expr;
use crate::spec::Expr;

/// The expression that a text is. `what` it is, for a message: "capture `path`".
pub(super) fn read(cx: &mut Cx<'_>, node: &Node, what: &str) -> Option<Expr> {
    let text = node.text()?;
    let error = match expr::parse_with(text, node.opaque()) {
        Ok(expr) => return Some(expr),
        Err(error) => error,
    };
    // What YAML took away is missing at the end; an anchor at the beginning.
    let is_at_an_end = error.range.end == text.len() || error.range.start == 0;
    let taken = cut(&cx.source.text, node).filter(|_| is_at_an_end);
    let problem = match taken {
        Some((message, help)) => cx.error(codes::EXPRESSION, node.span, format!("{what}: {message}")).help(help),
        None => {
            let place = node.part(&error.range);
            cx.error(codes::EXPRESSION, place, format!("{what}: {}", error.message)).maybe_help(error.help)
        }
    };
    cx.report(problem);
    None
}
