// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which expressions are call stacks.

use super::error::{ExprError, error};
use crate::spec::{Expr, ExprNode, ProbeSpec, StackSlot};

/// How many frames `kstack(16)` asks for.
pub(super) fn frames(name: &str, size: &Expr) -> Result<u16, ExprError> {
    let number = if let ExprNode::Number(number) = &size.node { u16::try_from(*number).ok() } else { None };
    number.filter(|frames| (1..=StackSlot::MAX).contains(frames)).ok_or_else(|| {
        let message = format!("a stack has 1 to {} frames, and `{size}` is no such number", StackSlot::MAX);
        error(
            size.range.clone(),
            message,
            format!("for example `{name}(16)`; `{name}` alone has {}", StackSlot::DEFAULT),
        )
    })
}

/// True for a stack of the hook that a name stands for: `start` and `kstack`.
pub(super) fn is_stack_of(hook: &Expr, name: &str) -> bool {
    matches!(hook.node, ExprNode::Name(_)) && matches!(name, "kstack" | "ustack")
}

/// True for `kstack`, `ustack`, `kstack(16)`, `current.kstack`, `start.ustack`, `start.ustack(16)`.
pub fn is_stack(expr: &Expr) -> bool {
    let name = match &expr.node {
        ExprNode::Name(name) | ExprNode::Call { name, .. } => name,
        ExprNode::Member { of, name, .. } | ExprNode::Method { of, name, .. } if is_stack_of(of, name) => name,
        ExprNode::Member { .. }
        | ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Index { .. }
        | ExprNode::Cast { .. }
        | ExprNode::ContainerOf { .. }
        | ExprNode::Method { .. }
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => return false,
    };
    matches!(name.as_str(), "kstack" | "ustack")
}

/// True where what the probe writes has a call stack.
pub fn has_stack(spec: &ProbeSpec) -> bool {
    let captured = |name: &str| spec.capture.iter().find(|capture| capture.name == name);
    let is_one = |expr: &Expr| {
        let behind = if let ExprNode::Name(name) = &expr.node { captured(name) } else { None };
        behind.map_or_else(|| is_stack(expr), |capture| is_stack(&capture.expr))
    };
    if spec.aggregates.is_empty() {
        return spec.capture.iter().any(|capture| is_stack(&capture.expr));
    }
    spec.aggregates.iter().any(|table| table.keys.iter().any(|key| is_one(&key.expr)))
}
