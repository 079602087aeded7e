// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths with `start.`, `via.` and `end.` taken away, and captures put in.

use std::ops::Range;

use crate::expr::stack::is_stack_of;
use crate::spec::{Capture, Cast, Expr, ExprNode, TextSize};

/// The hook that a path names, and the path as it is written there.
pub(super) struct Stripped {
    /// Each word that was taken away, in order.
    pub(super) words: Vec<&'static str>,
    pub(super) path: Expr,
}

/// What stands for the hooks of a span.
pub(super) const QUALIFIERS: [&str; 3] = ["start", "via", "end"];

/// The word of a qualifier.
pub(super) fn qualifier(name: &str) -> Option<&'static str> {
    QUALIFIERS.into_iter().find(|word| *word == name)
}

/// Takes the words of hooks away. `is_own` is true for one that a hook itself, or a capture, calls something.
pub(super) fn stripped(path: &Expr, is_own: &dyn Fn(&str) -> bool) -> Stripped {
    let mut words = Vec::new();
    let path = replaced(path, &mut |expr| {
        let (of, at_hook) = match &expr.node {
            ExprNode::Member { of, name, .. } => (of, ExprNode::Name(name.clone())),
            ExprNode::Method { of, name, at, args } if is_stack_of(of, name) => {
                (of, ExprNode::Call { name: name.clone(), at: at.clone(), args: args.clone() })
            }
            _other => return None,
        };
        let ExprNode::Name(word) = &of.node else { return None };
        let word = qualifier(word).filter(|word| !is_own(word))?;
        words.push(word);
        Some(Expr::new(at_hook, expr.range.clone()))
    });
    words.dedup();
    Stripped { words, path }
}

/// The path with captures in the place of their names.
pub(super) fn without_captures(path: &Expr, captures: &[Capture]) -> Expr {
    replaced(path, &mut |expr| {
        let ExprNode::Name(name) = &expr.node else { return None };
        captures.iter().find(|capture| capture.name == *name).map(|capture| capture.expr.clone())
    })
}

/// The first part that names a hook of a span, or how long it took. `is_own` is as for [`stripped`].
pub(super) fn first_of_span(expr: &Expr, is_own: &dyn Fn(&str) -> bool) -> Option<(String, Range<usize>)> {
    let mut found = None;
    replaced(expr, &mut |part| {
        let name = match &part.node {
            ExprNode::Member { of, .. } | ExprNode::Method { of, .. } => match &of.node {
                ExprNode::Name(word) => qualifier(word),
                _other => None,
            },
            ExprNode::Name(name) if name == "duration" => Some("duration"),
            _other => None,
        };
        if let Some(name) = name.filter(|name| found.is_none() && !is_own(name)) {
            found = Some((name.to_owned(), part.range.clone()));
        }
        None
    });
    found
}

/// The path with what `other` makes of its parts, from the outside in.
fn replaced(expr: &Expr, other: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(other) = other(expr) {
        return other;
    }
    let node = match &expr.node {
        ExprNode::Member { of, name, at, arrow } => {
            ExprNode::Member { of: boxed(of, other), name: name.clone(), at: at.clone(), arrow: *arrow }
        }
        ExprNode::Index { of, index } => ExprNode::Index { of: boxed(of, other), index: boxed(index, other) },
        ExprNode::Cast { of, cast, at } => {
            ExprNode::Cast { of: boxed(of, other), cast: counted(cast, other), at: at.clone() }
        }
        ExprNode::ContainerOf { of, container, member } => {
            ExprNode::ContainerOf { of: boxed(of, other), container: container.clone(), member: member.clone() }
        }
        ExprNode::Call { name, at, args } => {
            let args = args.iter().map(|arg| replaced(arg, other)).collect();
            ExprNode::Call { name: name.clone(), at: at.clone(), args }
        }
        ExprNode::Method { of, name, at, args } => {
            let args = args.iter().map(|arg| replaced(arg, other)).collect();
            ExprNode::Method { of: boxed(of, other), name: name.clone(), at: at.clone(), args }
        }
        ExprNode::Unary { op, of } => ExprNode::Unary { op: *op, of: boxed(of, other) },
        ExprNode::Binary { op, left, right } => {
            ExprNode::Binary { op: *op, left: boxed(left, other), right: boxed(right, other) }
        }
        ExprNode::In { value, among, negated } => {
            ExprNode::In { value: boxed(value, other), among: among.clone(), negated: *negated }
        }
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Name(_)
        | ExprNode::List(_) => expr.node.clone(),
    };
    Expr::new(node, expr.range.clone())
}

fn boxed(expr: &Expr, other: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Box<Expr> {
    Box::new(replaced(expr, other))
}

/// The length of a text is a path as well.
fn counted(cast: &Cast, other: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Cast {
    let mut sized =
        |size: &TextSize| TextSize { max: size.max, length: size.length.as_deref().map(|length| boxed(length, other)) };
    match cast {
        Cast::String(size) => Cast::String(sized(size)),
        Cast::UserString(size) => Cast::UserString(sized(size)),
        Cast::Bytes(size) => Cast::Bytes(sized(size)),
        other_cast => other_cast.clone(),
    }
}

/// The same without `start.`, for a hook that begins what never ends.
pub fn without_start(expr: &Expr) -> Expr {
    replaced(expr, &mut |expr| {
        let ExprNode::Member { of, name, .. } = &expr.node else { return None };
        let is_start = matches!(&of.node, ExprNode::Name(word) if word == "start");
        is_start.then(|| Expr::new(ExprNode::Name(name.clone()), expr.range.clone()))
    })
}

/// The path, or what is calculated of several, as the hook of this word has it; `None` for what is read at others alone.
pub fn read_at(expr: &Expr, word: &str) -> Option<Expr> {
    let Stripped { words, path } = stripped(expr, &|_| false);
    (words.is_empty() || words.contains(&word)).then_some(path)
}
