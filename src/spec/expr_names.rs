// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names that an expression reads.

use super::expr::{Cast, Expr, ExprNode};

impl Expr {
    /// Every name that it begins a path with, in its order; of `args.X` the `X`, of `current.X`, which is a builtin, none. Names in
    /// it may also be captures, constants or sets.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names
    }

    fn collect<'e>(&'e self, names: &mut Vec<&'e str>) {
        match &self.node {
            ExprNode::Number(_) | ExprNode::Duration(_) | ExprNode::Text(_) | ExprNode::Bool(_) | ExprNode::Null => {}
            ExprNode::Name(name) => names.push(name),
            ExprNode::Member { of, name, .. } => match &of.node {
                ExprNode::Name(scope) if scope == "args" => names.extend([scope.as_str(), name.as_str()]),
                ExprNode::Name(scope) if scope == "current" => {}
                _path => of.collect(names),
            },
            ExprNode::Index { of, index } => {
                of.collect(names);
                index.collect(names);
            }
            ExprNode::Cast { of, cast, .. } => {
                of.collect(names);
                if let Cast::String(size) | Cast::UserString(size) | Cast::Bytes(size) = cast
                    && let Some(length) = &size.length
                {
                    length.collect(names);
                }
            }
            ExprNode::ContainerOf { of, .. } | ExprNode::Unary { of, .. } => of.collect(names),
            ExprNode::Call { args, .. } | ExprNode::List(args) => args.iter().for_each(|arg| arg.collect(names)),
            ExprNode::Method { of, args, .. } => {
                of.collect(names);
                args.iter().for_each(|arg| arg.collect(names));
            }
            ExprNode::Binary { left, right, .. } => {
                left.collect(names);
                right.collect(names);
            }
            ExprNode::In { value, among, .. } => {
                value.collect(names);
                among.collect(names);
            }
        }
    }
}
