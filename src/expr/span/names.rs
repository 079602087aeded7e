// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where each path of a span is read.

use std::cell::RefCell;

use super::rewrite::{QUALIFIERS, Stripped, stripped, without_captures};
use super::store::Store;
use super::{SpanPoint, returned};
use crate::expr::builtin::builtin;
use crate::expr::check::{Meaning, Values};
use crate::expr::machine::Machine;
use crate::expr::names_here::NamesHere;
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::path::{Names, Place, Ty, first_name};
use crate::expr::scope::Scope;
use crate::expr::types;
use crate::spec::{Capture, Expr, ExprNode, FetchCopy, FetchSource, FieldType, SetUse, SpanRole};
use crate::words::Refusal;

/// Builtins that say what the probe is attached to: the end tells.
const TARGETS: [&str; 4] = ["symbol", "syscall", "event", "interface"];

/// The names of a span, at one of its ends.
#[derive(Clone, Copy)]
pub(super) struct SpanNames<'s, 'a> {
    pub(super) points: &'s [SpanPoint<'s, 'a>],
    /// The end, by its number among the points.
    pub(super) end: usize,
    /// Start and end are those of one call.
    pub(super) in_thread: bool,
    /// Nothing is known yet but what the entry of the call has, and nothing is kept.
    pub(super) at_entry: bool,
    /// What can be named first; none inside captures.
    pub(super) captures: &'s [Capture],
    pub(super) inside_captures: bool,
    pub(super) sets: &'s [SetUse],
    pub(super) store: &'s RefCell<Store>,
}

impl<'s, 'a> SpanNames<'s, 'a> {
    fn at(&self, point: &'s SpanPoint<'s, 'a>) -> Names<'s, 'a> {
        self.names(point.scope, point.machine)
    }

    fn names<'n>(&self, scope: &'n Scope<'a>, machine: &'n Machine<'a>) -> Names<'n, 'a> {
        if self.inside_captures {
            Names::of_captures(scope, machine)
        } else {
            Names::of_conditions(scope, machine, &[])
        }
    }

    fn end(&self) -> Names<'s, 'a> {
        self.at(&self.points[self.end])
    }

    fn of_role(&self, role: SpanRole) -> impl Iterator<Item = &'s SpanPoint<'s, 'a>> {
        self.points.iter().filter(move |point| point.role == role)
    }

    fn is_own(&self, name: &str) -> bool {
        self.points.iter().any(|point| self.at(point).is_own(name))
    }

    /// The hook at which a path is read that names none.
    fn place_of(&self, path: &Expr) -> Result<SpanRole, Refusal> {
        let first = leftmost(path);
        if self.in_thread {
            let at_return = path.names().contains(&"retval");
            let is_target = TARGETS.contains(&first) && !self.is_own(first);
            return Ok(if at_return || is_target { SpanRole::End } else { SpanRole::Start });
        }
        let name = first_name(path).unwrap_or(first);
        let is_key = |key: &Expr| first_name(key).is_some_and(|known| known == name);
        if self.points[self.end].key.iter().any(is_key) || TARGETS.contains(&name) || first == "kernel" {
            return Ok(SpanRole::End);
        }
        let is_at = |role| self.of_role(role).any(|point| self.at(point).is_own(name));
        match (is_at(SpanRole::Start), is_at(SpanRole::End)) {
            (true, false) => Ok(SpanRole::Start),
            (false, true) => Ok(SpanRole::End),
            (true, true) => Err(Refusal::new(format!("`{name}` is known where spans start and where they end"))
                .help(format!("write `start.{name}` or `end.{name}`"))),
            (false, false) if builtin(name).is_some() => {
                Err(Refusal::new(format!("`{name}` may be another one where spans start and where they end"))
                    .help(format!("write `start.{name}` or `end.{name}`")))
            }
            (false, false) => Ok(SpanRole::End),
        }
    }

    fn read(&self, role: SpanRole, path: &Expr) -> Result<Operand, Refusal> {
        match role {
            SpanRole::Via => self.left_on_the_way(path),
            SpanRole::Start => {
                let operands: Result<Vec<Operand>, Refusal> =
                    self.of_role(SpanRole::Start).map(|point| self.at(point).value(path)).collect();
                let operands = operands?;
                let is_syscall = matches!(self.points[self.end].scope, Scope::Syscall(_));
                if self.in_thread && is_syscall && operands.iter().any(is_memory_of_call) {
                    return self.read(SpanRole::End, path);
                }
                match operands.into_iter().next().filter(|_| self.at_entry) {
                    Some(operand) => Ok(operand),
                    None => self.keep_at_starts(path),
                }
            }
            SpanRole::End | SpanRole::Cancel if self.at_entry => Err(Refusal::new("it is not known at the entry")),
            SpanRole::End | SpanRole::Cancel => {
                let operand = self.value_at_end(path)?;
                // The record has the process of the start.
                Ok(match operand.source {
                    OperandSource::Head { name, fetch } if name != "cpu" => {
                        let fetch = crate::spec::Fetch { slot: fetch.slot.max(8), ..fetch };
                        Operand { source: OperandSource::Fetch(fetch), ..operand }
                    }
                    source => Operand { source, ..operand },
                })
            }
        }
    }

    /// A value at the end; where that is the return of a call, its arguments are kept since the entry.
    fn value_at_end(&self, path: &Expr) -> Result<Operand, Refusal> {
        let end = &self.points[self.end];
        let entry = self.of_role(SpanRole::Start).next().filter(|_| self.in_thread);
        match entry.and_then(|entry| returned::scope(entry, end)) {
            Some(scope) => returned::with_kept(self.names(&scope, end.machine).value(path)?, self.store),
            None => self.end().value(path),
        }
    }

    fn keep_at_starts(&self, path: &Expr) -> Result<Operand, Refusal> {
        let operands: Result<Vec<Operand>, Refusal> =
            self.of_role(SpanRole::Start).map(|point| self.at(point).value(path)).collect();
        self.store.borrow_mut().keep(SpanRole::Start, &operands?, &path.to_string())
    }

    /// What the last hook on the way left: null where that does not have it.
    fn left_on_the_way(&self, path: &Expr) -> Result<Operand, Refusal> {
        let found: Vec<Result<Operand, Refusal>> =
            self.of_role(SpanRole::Via).map(|point| self.at(point).value(path)).collect();
        if found.is_empty() {
            return Err(Refusal::new("the span has no `via`").help("add the hook on the way, or read it at the start"));
        }
        if found.iter().all(Result::is_err)
            && let Some(Err(refusal)) = found.into_iter().next()
        {
            return Err(refusal);
        }
        let found = self.of_role(SpanRole::Via).map(|point| self.at(point).value(path));
        let operands: Vec<Operand> =
            found.map(|one| one.unwrap_or_else(|_| Operand::nothing(FieldType::Unsigned, 8))).collect();
        self.store.borrow_mut().keep(SpanRole::Via, &operands, &path.to_string())
    }

    fn duration(&self, path: &Expr) -> Result<Operand, Refusal> {
        let place = Place::register(FetchSource::Duration, Ty::Shown { kind: FieldType::Duration, size: 8 });
        let text = path.to_string();
        match &path.node {
            ExprNode::Cast { cast, .. } => types::read(place, cast, None, self.points[self.end].machine.types, &text),
            _name => types::by_type(place, &text),
        }
    }

    /// True where the path begins with the time that the span took.
    fn is_duration(&self, path: &Expr) -> bool {
        let of = if let ExprNode::Cast { of, .. } = &path.node { of } else { path };
        matches!(&of.node, ExprNode::Name(name) if name == "duration") && !self.is_own("duration")
    }

    fn operand_of(&self, path: &Expr) -> Result<Operand, Refusal> {
        if self.is_duration(path) && !self.at_entry {
            return self.duration(path);
        }
        let Stripped { words, path } = stripped(path, &|word| self.is_own(word));
        let role = match words.as_slice() {
            [] => self.place_of(&path)?,
            ["start"] => SpanRole::Start,
            ["via"] => SpanRole::Via,
            ["end"] => SpanRole::End,
            _several => {
                let refusal = Refusal::new("a path is read at one hook of a span");
                return Err(refusal.help("capture each value under a name of its own, and calculate with these"));
            }
        };
        self.read(role, &path)
    }
}

impl Values for SpanNames<'_, '_> {
    fn operand(&self, path: &Expr) -> Result<Operand, Refusal> {
        if !self.captures.iter().any(|capture| capture.name == leftmost(path)) {
            return self.operand_of(path).map_err(|refusal| refusal.at(path.range.clone()));
        }
        let of_capture = self.inside_captures().operand_of(&without_captures(path, self.captures));
        // The place is one in the text of the capture.
        of_capture.map_err(|refusal| Refusal { range: Some(path.range.clone()), ..refusal })
    }

    fn meaning(&self, name: &str) -> Meaning<'_> {
        if let Some(capture) = self.captures.iter().find(|capture| capture.name == name) {
            return Meaning::Capture(&capture.expr);
        }
        let is_ours = QUALIFIERS.contains(&name) || name == "duration";
        let is_known = is_ours || self.points.iter().any(|point| self.at(point).is_known(name));
        if is_known { Meaning::Value } else { Meaning::Unknown }
    }

    fn inside_captures(&self) -> Self {
        Self { captures: &[], inside_captures: true, ..*self }
    }

    fn enumerators(&self, name: &str) -> Vec<(String, i64)> {
        NamesHere { names: self.end(), sets: self.sets }.enumerators(name)
    }

    fn enumeration(&self, name: &str) -> Option<Vec<(String, i64)>> {
        NamesHere { names: self.end(), sets: self.sets }.enumeration(name)
    }

    fn set(&self, word: &str) -> Option<&SetUse> {
        self.sets.iter().find(|set| set.word == word)
    }

    fn sets(&self) -> Vec<&str> {
        self.sets.iter().map(|set| set.word.as_str()).collect()
    }
}

/// The name that a path begins with; empty where it begins with none.
pub(super) fn leftmost(path: &Expr) -> &str {
    match &path.node {
        ExprNode::Name(name) => name,
        ExprNode::Member { of, .. }
        | ExprNode::Index { of, .. }
        | ExprNode::Cast { of, .. }
        | ExprNode::ContainerOf { of, .. } => leftmost(of),
        ExprNode::Call { args, .. } => args.first().map_or("", leftmost),
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::Method { .. }
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => "",
    }
}

/// True for what lies in the memory of a process that makes a system call: it is read when the call is done. What its descriptors are
/// of is not: that may be gone by then.
fn is_memory_of_call(operand: &Operand) -> bool {
    operand.source.fetch().is_some_and(|fetch| {
        let is_number = fetch.copy == FetchCopy::Value && fetch.hops.is_empty() || fetch.copy == FetchCopy::FdPath;
        matches!(fetch.source, FetchSource::Argument(_)) && !is_number
    })
}
