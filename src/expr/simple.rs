// SPDX-License-Identifier: MIT OR Apache-2.0
//! TODO(10): expressions that are one path with constant indexes, in the form of 0.1.0. It ends when `resolve` takes `Expr`.

use crate::spec::{CaptureCast, CaptureExpr, CaptureStep, Cast, Expr, ExprNode, TextSize};
use crate::words::Refusal;

/// The path and type of a simple expression.
pub(super) fn simple(expr: &Expr) -> Result<CaptureExpr, Refusal> {
    match &expr.node {
        ExprNode::Cast { of, cast, .. } => Ok(CaptureExpr { cast: Some(plain(cast)?), ..path(of)? }),
        _path => path(expr),
    }
}

/// The name that a path begins with; `None` for what is none.
pub fn first_name(expr: &Expr) -> Option<&str> {
    match &expr.node {
        ExprNode::Name(name) => Some(name),
        ExprNode::Member { of, .. } | ExprNode::Index { of, .. } | ExprNode::Cast { of, .. } => first_name(of),
        _other => None,
    }
}

fn path(expr: &Expr) -> Result<CaptureExpr, Refusal> {
    match &expr.node {
        ExprNode::Name(name) => Ok(CaptureExpr { base: name.clone(), steps: Vec::new(), cast: None }),
        ExprNode::Member { of, name, arrow, .. } => {
            let mut path = path(of)?;
            path.steps.push(if *arrow { CaptureStep::Arrow(name.clone()) } else { CaptureStep::Dot(name.clone()) });
            Ok(path)
        }
        ExprNode::Index { of, index } => {
            let mut path = path(of)?;
            let ExprNode::Number(index) = index.node else { return Err(not_yet(expr)) };
            path.steps.push(CaptureStep::Index(u32::try_from(index).map_err(|_| not_yet(expr))?));
            Ok(path)
        }
        _other => Err(not_yet(expr)),
    }
}

fn plain(cast: &Cast) -> Result<CaptureCast, Refusal> {
    Ok(match cast {
        Cast::Unsigned { size } => CaptureCast::Unsigned { size: *size },
        Cast::Signed { size } => CaptureCast::Signed { size: *size },
        Cast::Hex => CaptureCast::Hex,
        Cast::Ipv4 => CaptureCast::Ipv4,
        Cast::Ipv6 => CaptureCast::Ipv6,
        Cast::Port => CaptureCast::Port,
        Cast::String(TextSize { max, length: None }) => CaptureCast::String { max: *max },
        Cast::UserString(TextSize { max, length: None }) => CaptureCast::UserString { max: *max },
        Cast::Bytes(TextSize { max, length: None }) => CaptureCast::Bytes { len: *max },
        _new => return Err(Refusal::new(format!("`as {cast}` is not supported yet"))),
    })
}

fn not_yet(expr: &Expr) -> Refusal {
    Refusal::new(format!("`{expr}` cannot be captured yet"))
}
