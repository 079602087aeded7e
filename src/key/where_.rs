// SPDX-License-Identifier: MIT OR Apache-2.0
//! `where: [retval < 0, not path.under("/proc")]`

use schemars::JsonSchema;

use super::definition::{Checking, Key, Need, needless};
use super::expression;
use super::set_names::note_sets;
use crate::config::forms::Names;
use crate::config::{Node, codes};
use crate::spec::{BinaryOp, Expr, ExprNode, Place, UnaryOp};

/// Most comparisons of a probe: a list or a set is one.
const MAX_CLAUSES: usize = 64;

pub(super) const WHERE: Key = Key {
    word: "where",
    schema: |schemas| schemas.subschema_for::<Form>(),
    needs: Some(Need {
        met: |program| program.limit_table.is_some(),
        refuse: |cx, program| needless(cx, program, "where", "has no events to choose from"),
    }),
    too_many: Some(codes::TOO_MANY_CLAUSES),
    written: |_, node| if node.text().is_some() { serde_json::json!([node.to_json()]) } else { node.to_json() },
    check,
    ..Key::PLAIN
};

/// Which events are wanted: an expression, or a list of which all must hold. For programs that emit events, such as `trace` and
/// `exec`. The kernel decides before it makes a record; what it cannot compare is decided when the record is read (`ebpf-run plan`
/// tells which). Names are those of `capture`, what the hook offers, and builtins such as `pid`, `comm` and `uid`.
#[derive(JsonSchema)]
#[schemars(extend("examples" = ["cpu == 0", ["retval < 0", "not path.under(\"/proc\")"]]))]
#[expect(dead_code, reason = "for the schema: each clause is read with its place")]
struct Form(Names);

fn check(checking: &mut Checking<'_>) {
    let Some(node) = checking.cx.node.at(&["where"]) else { return };
    let clauses: Vec<&Node> = if node.text().is_some() { vec![node] } else { node.items().iter().collect() };
    let mut filter = Vec::new();
    let mut count = 0;
    for clause in clauses {
        let Some(expr) = expression::read(&mut checking.cx, clause, "`where`") else { continue };
        let before = count;
        count += comparisons(&expr);
        if before <= MAX_CLAUSES && count > MAX_CLAUSES {
            let message = format!("`where` has more than {MAX_CLAUSES} comparisons");
            let problem = checking.cx.error(codes::TOO_MANY_CLAUSES, clause.span, message);
            checking
                .cx
                .report(problem.help("put the values of one name into a list or a set: `x in [1, 2]`, `x in SET`"));
        }
        if note_sets(checking, &expr, clause) {
            checking.cx.note_text(Place::Clause(filter.len()), clause);
            filter.push(expr);
        }
    }
    checking.then(move |draft| draft.spec.filter.clone_from(&filter));
}

/// How many comparisons are joined by `&&`, `||` and `!`.
fn comparisons(expr: &Expr) -> usize {
    match &expr.node {
        ExprNode::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => comparisons(left) + comparisons(right),
        ExprNode::Unary { op: UnaryOp::Not, of } => comparisons(of),
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Name(_)
        | ExprNode::Member { .. }
        | ExprNode::Index { .. }
        | ExprNode::Cast { .. }
        | ExprNode::ContainerOf { .. }
        | ExprNode::Call { .. }
        | ExprNode::Method { .. }
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => 1,
    }
}
