// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sets that an expression asks for.

use std::ops::Range;

use super::functions::METHODS;
use crate::spec::{BinaryOp, Cast, Expr, ExprNode};

/// A set that an expression asks for, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetMention {
    /// A declared one, by its name: `ip in private`, `path.under(watched)`.
    Named(String, Range<usize>),
    /// `pid in descendants(1234)`
    Descendants(u64, Range<usize>),
    /// `cgroup.under("/x")`, `cgroup == "/x"`: the id of one cgroup.
    Cgroup(String),
}

/// Every set that the expression asks for, as often as it does.
pub fn set_mentions(expr: &Expr) -> Vec<SetMention> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut Vec<SetMention>) {
    match &expr.node {
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Name(_) => {}
        ExprNode::Member { of, .. } | ExprNode::ContainerOf { of, .. } | ExprNode::Unary { of, .. } => {
            collect(of, found);
        }
        ExprNode::Cast { of, cast, .. } => {
            collect(of, found);
            if let Cast::String(size) | Cast::UserString(size) | Cast::Bytes(size) = cast
                && let Some(length) = &size.length
            {
                collect(length, found);
            }
        }
        ExprNode::Index { of, index } => [of, index].into_iter().for_each(|part| collect(part, found)),
        ExprNode::Call { name, args, .. } => {
            if let ("descendants", [Expr { node: ExprNode::Number(pid), .. }]) = (name.as_str(), args.as_slice()) {
                found.push(SetMention::Descendants(*pid, expr.range.clone()));
            }
            args.iter().for_each(|arg| collect(arg, found));
        }
        ExprNode::Method { of, name, args, .. } => {
            collect(of, found);
            // All of them compare texts.
            if name == "under" && is_cgroup(of) {
                args.iter().for_each(|arg| cgroups(arg, found));
            }
            let takes_sets = METHODS.iter().any(|method| method.name == name);
            args.iter().for_each(|arg| if takes_sets { asked(arg, found) } else { collect(arg, found) });
        }
        ExprNode::Binary { left, right, op } => {
            if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) && is_cgroup(left) {
                cgroups(right, found);
            }
            [left, right].into_iter().for_each(|side| collect(side, found));
        }
        ExprNode::In { value, among, .. } => {
            if is_cgroup(value) {
                cgroups(among, found);
            }
            collect(value, found);
            asked(among, found);
        }
        ExprNode::List(items) => items.iter().for_each(|item| collect(item, found)),
    }
}

/// The builtin, or a capture of that name, which hardly is anything else.
fn is_cgroup(expr: &Expr) -> bool {
    match &expr.node {
        ExprNode::Name(name) => name == "cgroup",
        ExprNode::Member { of, name, .. } => {
            name == "cgroup" && matches!(&of.node, ExprNode::Name(of) if of == "current" || of == "args")
        }
        _other => false,
    }
}

/// The paths that a text or a list of texts says.
fn cgroups(expr: &Expr, found: &mut Vec<SetMention>) {
    match &expr.node {
        ExprNode::Text(path) => found.push(SetMention::Cgroup(path.clone())),
        ExprNode::List(items) => items.iter().for_each(|item| cgroups(item, found)),
        _other => {}
    }
}

/// Where a set may stand, a bare name is one.
fn asked(expr: &Expr, found: &mut Vec<SetMention>) {
    match &expr.node {
        ExprNode::Name(name) => found.push(SetMention::Named(name.clone(), expr.range.clone())),
        _other => collect(expr, found),
    }
}
