// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole probe: what it captures, what it calculates, and which events it wants. Of each condition of `where` either the kernel
//! decides all, before there is a record, or user space, over the record.

use std::sync::Arc;

use super::check::{Checker, Values};
use super::clause::{ClausePlan, Decided};
use super::lower::{Cost, Graph, Unfit};
use super::machine::Machine;
use super::names_here::NamesHere;
use super::operand::Operand;
use super::path::{Names, is_path};
use super::reads::{longer_texts, operands_of, renumbered};
use super::resolve::Resolved;
use super::scope::Scope;
use crate::catalog::SetMapKind;
use crate::spec::{
    AggregatePart, BinaryOp, Capture, Expr, ExprNode, Field, FieldType, Formula, Layout, SetName, SetUse, Step,
    StepTest,
};
use crate::words::Refusal;

/// What a probe wants of its events.
#[derive(Clone, Copy)]
pub struct Wanted<'w> {
    /// What it shows.
    pub captures: &'w [Capture],
    /// Which of them: all of these hold.
    pub filter: &'w [Expr],
    /// The sets that these ask for.
    pub sets: &'w [SetUse],
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The capture of this number.
    Capture(usize),
    /// The clause of `where` of this number.
    Clause(usize),
    /// A part of the table of this number: which one.
    Aggregate(AggregatePart, usize, usize),
}

/// One condition that has been checked.
struct Condition {
    clause: usize,
    text: String,
    formula: Formula,
}

/// Resolves a probe. `head` is the layout of the record's fixed head; all errors are found at once.
pub fn resolve_probe(
    wanted: Wanted<'_>,
    scope: &Scope<'_>,
    machine: &Machine<'_>,
    head: &Layout,
) -> Result<Resolved, Vec<(Blame, Refusal)>> {
    let names = NamesHere { names: Names::of_conditions(scope, machine, wanted.captures), sets: wanted.sets };
    let mut resolved = Resolved::new(head);
    if scope.has_items_process() {
        resolved.fetch_process(&Names::of_captures(scope, machine));
    }
    resolve_values_after(wanted, &conditions(wanted.filter), &names, resolved)
}

/// The conditions of `where`, each with its clause.
pub(super) fn conditions(filter: &[Expr]) -> Vec<(usize, &Expr)> {
    let each = |(clause, expr)| parts(expr).into_iter().map(move |part| (clause, part));
    filter.iter().enumerate().flat_map(each).collect()
}

/// The same over any names: those of conditions.
pub(super) fn resolve_values<V: Values>(
    wanted: Wanted<'_>,
    filter: &[(usize, &Expr)],
    names: &V,
    head: &Layout,
) -> Result<Resolved, Vec<(Blame, Refusal)>> {
    resolve_values_after(wanted, filter, names, Resolved::new(head))
}

/// The same after what is resolved already.
fn resolve_values_after<V: Values>(
    wanted: Wanted<'_>,
    filter: &[(usize, &Expr)],
    names: &V,
    mut resolved: Resolved,
) -> Result<Resolved, Vec<(Blame, Refusal)>> {
    let mut errors = Vec::new();
    let inside = names.inside_captures();
    let mut operands = Vec::new();
    for (index, capture) in wanted.captures.iter().enumerate() {
        let field = if is_path(&capture.expr) {
            inside.operand(&capture.expr).and_then(|operand| resolved.field(&capture.name, &operand))
        } else {
            calculated(capture, &inside, &mut operands, &mut resolved)
        };
        match field {
            Ok(field) => resolved.layout.fields.push(field),
            Err(refusal) => errors.push((Blame::Capture(index), refusal)),
        }
    }
    let mut checker = Checker::new(names, operands);
    let mut conditions = Vec::new();
    for (clause, part) in filter {
        match checker.clause(part) {
            Ok(formula) => conditions.push(Condition { clause: *clause, text: part.to_string(), formula }),
            Err(refusal) if is_about_capture(&refusal, &errors) => {}
            Err(refusal) => errors.push((Blame::Clause(*clause), refusal)),
        }
    }
    if errors.is_empty()
        && let Err((clause, refusal)) = share_out(&conditions, &checker.operands, wanted.sets, &mut resolved)
    {
        errors.push((Blame::Clause(clause), refusal));
    }
    if errors.is_empty() { Ok(resolved) } else { Err(errors) }
}

/// Resolves the captures of a probe alone; each error has the index of its capture.
pub fn resolve(
    captures: &[Capture],
    scope: &Scope<'_>,
    machine: &Machine<'_>,
    head: &Layout,
) -> Result<Resolved, Vec<(usize, Refusal)>> {
    let wanted = Wanted { captures, filter: &[], sets: &[] };
    resolve_probe(wanted, scope, machine, head).map_err(|errors| {
        let index = |blame| match blame {
            Blame::Capture(index) | Blame::Clause(index) | Blame::Aggregate(_, _, index) => index,
        };
        errors.into_iter().map(|(blame, refusal)| (index(blame), refusal)).collect()
    })
}

/// What is wrong with a capture is not said again where a condition names it.
fn is_about_capture(refusal: &Refusal, errors: &[(Blame, Refusal)]) -> bool {
    let same = |known: &Refusal| known.message == refusal.message;
    errors.iter().any(|(blame, known)| matches!(blame, Blame::Capture(_)) && same(known))
}

/// The conditions of a clause: all must hold.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.node {
        ExprNode::Binary { op: BinaryOp::And, left, right } => [parts(left), parts(right)].concat(),
        _one => vec![expr],
    }
}

/// A capture that is calculated from what is read.
fn calculated<V: Values>(
    capture: &Capture,
    names: &V,
    operands: &mut Vec<Operand>,
    resolved: &mut Resolved,
) -> Result<Field, Refusal> {
    let mut checker = Checker::new(names, std::mem::take(operands));
    let typed = checker.calculated(&capture.expr);
    *operands = checker.operands;
    let typed = typed?;
    let kind = typed.computed().ok_or_else(|| {
        Refusal::new(format!("`{}` cannot be calculated", capture.expr))
            .help("a capture reads a value, or calculates a number or a condition")
    })?;
    let formula = read_by(&typed.formula, operands, resolved)?;
    Ok(Field {
        name: capture.name.clone(),
        offset: 0,
        size: 0,
        kind: FieldType::Computed(Arc::new(formula), kind),
        absent_bit: None,
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    })
}

/// A formula over the operands of the record, which get their slots.
fn read_by(formula: &Formula, operands: &[Operand], resolved: &mut Resolved) -> Result<Formula, Refusal> {
    let mut places = vec![0; operands.len()];
    for index in operands_of(formula) {
        let Some(operand) = operands.get(index) else { continue };
        let field = resolved.field("", &longer_texts(formula, index, operand))?;
        let known = resolved.layout.operands.iter().position(|known| *known == field);
        places[index] = known.unwrap_or(resolved.layout.operands.len());
        if known.is_none() {
            resolved.layout.operands.push(field);
        }
    }
    Ok(renumbered(formula, &places))
}

/// Gives the kernel what it can decide, and user space the rest.
fn share_out(
    conditions: &[Condition],
    operands: &[Operand],
    sets: &[SetUse],
    resolved: &mut Resolved,
) -> Result<(), (usize, Refusal)> {
    let mut for_kernel: Vec<(Cost, &Formula)> = Vec::new();
    let mut for_user = Vec::new();
    for condition in conditions {
        let alone = Graph::of(operands, sets, &[&condition.formula]);
        let decided = match alone.and_then(|steps| fits(&for_kernel, condition, operands, sets).map(|()| steps)) {
            Ok(steps) => {
                let cost = Graph::cost(&steps);
                for_kernel.push((cost, &condition.formula));
                Decided::Kernel { tests: steps.len(), nanoseconds: cost.nanoseconds() }
            }
            Err(Unfit(why)) => {
                let formula = read_by(&condition.formula, operands, resolved);
                for_user.push(formula.map_err(|refusal| (condition.clause, refusal))?);
                Decided::UserSpace { why }
            }
        };
        resolved.clauses.push(ClausePlan { clause: condition.clause, text: condition.text.clone(), decided });
    }
    resolved.steps = steps_of(&mut for_kernel, operands, sets).unwrap_or_default();
    resolved.layout.filter = match for_user.len() {
        0 => None,
        1 => for_user.pop().map(Arc::new),
        _several => Some(Arc::new(Formula::All(for_user))),
    };
    Ok(())
}

/// The graph of several conditions, the cheap ones first.
fn steps_of(formulas: &mut [(Cost, &Formula)], operands: &[Operand], sets: &[SetUse]) -> Result<Vec<Step>, Unfit> {
    formulas.sort_by_key(|(cost, _)| *cost);
    let formulas: Vec<&Formula> = formulas.iter().map(|(_, formula)| *formula).collect();
    Graph::of(operands, sets, &formulas)
}

/// Whether the kernel has room for one condition more.
fn fits(
    others: &[(Cost, &Formula)],
    condition: &Condition,
    operands: &[Operand],
    sets: &[SetUse],
) -> Result<(), Unfit> {
    let mut all = others.to_vec();
    all.push((Cost::Number, &condition.formula));
    let steps = steps_of(&mut all, operands, sets)?;
    for (kind, what) in KERNEL_SETS {
        let mut asked: Vec<&SetName> = Vec::new();
        for step in &steps {
            if let StepTest::Set(name, _) = &step.test
                && !asked.contains(&name)
                && sets.iter().any(|set| set.name == *name && SetMapKind::of(set.kind) == *kind)
            {
                asked.push(name);
            }
        }
        let room = kind.room();
        if asked.len() > room.into() {
            return Err(Unfit(format!("the kernel asks at most {room} sets of {what} for one probe")));
        }
    }
    Ok(())
}

/// What a program of the kernel has places for, as messages call it.
const KERNEL_SETS: &[(SetMapKind, &str)] =
    &[(SetMapKind::Numbers, "numbers"), (SetMapKind::Texts, "texts"), (SetMapKind::Networks, "addresses")];
