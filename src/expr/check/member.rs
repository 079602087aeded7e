// SPDX-License-Identifier: MIT OR Apache-2.0
//! `x in [1, 2]`, `x in SET`, `ip in "10.0.0.0/8"`, `pid in descendants(1234)`

use std::sync::Arc;

use super::checker::{Beside, Checker, Typed};
use super::compare::{go_together, with_constant};
use super::types::Type;
use super::values::Values;
use crate::spec::{Comparison, Expr, ExprNode, Formula, SetKind, SetName, TextTest};
use crate::words::Refusal;

impl<V: Values> Checker<'_, V> {
    pub(super) fn membership(&mut self, value: &Expr, among: &Expr, negated: bool) -> Result<Typed, Refusal> {
        if self.is_constant(value) {
            let message = format!("`{value}` is always the same");
            return Err(Refusal::new(message).help("left of `in` stands what is read").at(value.range.clone()));
        }
        if self.is_nothing(value) {
            return Ok(Typed::condition(Formula::Null));
        }
        let asked = self.check(value, Beside::Nothing)?;
        let formula = match &among.node {
            ExprNode::List(items) if items.is_empty() => {
                return Err(Refusal::new("the list is empty: nothing is in it").at(among.range.clone()));
            }
            ExprNode::List(items) => self.in_list((&asked, value), items)?,
            ExprNode::Text(_) if asked.ty == Type::Address => {
                self.in_list((&asked, value), std::slice::from_ref(among))?
            }
            ExprNode::Call { name, .. } if name == "descendants" => {
                let set = self.descendants(among, (&asked, value))?;
                Formula::InSet { of: Box::new(asked.formula), how: TextTest::Equal, set }
            }
            ExprNode::Name(_) => {
                let wanted = kind_of(&asked.ty).ok_or_else(|| no_set(value, &asked.ty))?;
                let set = self.set_of_kind(among, wanted)?;
                Formula::InSet { of: Box::new(asked.formula), how: TextTest::Equal, set }
            }
            _other => {
                let help = match asked.ty {
                    Type::Text(_) => {
                        format!("write `{value} in [\"a\", \"b\"]`; for a part of a text `{value}.contains(\"a\")`")
                    }
                    _other => format!("write `{value} in [1, 2]`, or `{value} in SET`"),
                };
                return Err(Refusal::new(format!("`{among}` is not a list or set")).help(help).at(among.range.clone()));
            }
        };
        Ok(Typed::condition(if negated { Formula::Not(Box::new(formula)) } else { formula }))
    }

    /// The set of a name, of numbers or of processes alike.
    fn set_of_kind(&self, among: &Expr, wanted: SetKind) -> Result<SetName, Refusal> {
        let is_pid = |name: &String| self.values.set(name).is_some_and(|set| set.kind == SetKind::Pid);
        let wanted = match &among.node {
            ExprNode::Name(name) if wanted == SetKind::Number && is_pid(name) => SetKind::Pid,
            _other => wanted,
        };
        match self.set_of(among, wanted, "in")? {
            Some(set) => Ok(set),
            None => Err(Refusal::new(format!("`{among}` is a value, not a list or set"))
                .help(format!("to compare write `x == {among}`"))
                .at(among.range.clone())),
        }
    }

    fn descendants(&mut self, call: &Expr, (asked, value): (&Typed, &Expr)) -> Result<SetName, Refusal> {
        if !matches!(asked.ty, Type::Number(_)) {
            let message = format!("`{value}` is {}, not the id of a process", asked.ty.words());
            return Err(Refusal::new(message).help("write `pid in descendants(1234)`").at(value.range.clone()));
        }
        match self.values.set(&call.to_string()) {
            Some(set) => Ok(set.name.clone()),
            None => Err(Refusal::new("`descendants` takes the id of a process: a number").at(call.range.clone())),
        }
    }

    fn in_list(&mut self, (asked, value): (&Typed, &Expr), items: &[Expr]) -> Result<Formula, Refusal> {
        let mut networks = Vec::new();
        let mut texts: Vec<Arc<[u8]>> = Vec::new();
        let mut others = Vec::new();
        for item in items {
            if !self.is_constant(item) {
                let help = "a list has numbers, texts and names of constants; compare with `==` what is read";
                return Err(Refusal::new(format!("`{item}` is no constant")).help(help).at(item.range.clone()));
            }
            let typed = self.check(item, Beside::Type(&asked.ty))?;
            let refuse = |refusal: Refusal| refusal.at(item.range.clone());
            if !go_together(&asked.ty, &typed.ty) {
                let message = format!("`{value}` is {}, and `{item}` {}", asked.ty.words(), typed.ty.words());
                return Err(refuse(Refusal::new(message)));
            }
            with_constant((asked, value), Comparison::Equal, (&typed, item)).map_err(refuse)?;
            match typed.formula {
                Formula::InNetworks { networks: one, .. } => networks.extend(one),
                Formula::Text(text) => texts.push(text),
                formula => others.push(Formula::Compare {
                    op: Comparison::Equal,
                    sides: Box::new((asked.formula.clone(), formula)),
                }),
            }
        }
        if !networks.is_empty() {
            return Ok(Formula::InNetworks { of: Box::new(asked.formula.clone()), networks });
        }
        if !texts.is_empty() {
            others.push(Formula::Matches { how: TextTest::Equal, of: Box::new(asked.formula.clone()), texts });
        }
        Ok(match <[Formula; 1]>::try_from(others) {
            Ok([one]) => one,
            Err(several) => Formula::Any(several),
        })
    }
}

/// The sets in which a value of the type can be.
fn kind_of(ty: &Type) -> Option<SetKind> {
    match ty {
        Type::Number(_) | Type::Named(..) | Type::Enum(..) => Some(SetKind::Number),
        Type::Text(_) | Type::Label(_) => Some(SetKind::Text),
        Type::Address => Some(SetKind::Ip),
        Type::Bool | Type::Duration | Type::Ktime | Type::Grouped { .. } | Type::Whole(_) | Type::Null => None,
    }
}

fn no_set(value: &Expr, ty: &Type) -> Refusal {
    let refusal = Refusal::new(format!("`{value}` is {}: sets have numbers, texts and addresses", ty.words()));
    match ty {
        Type::Whole(_) => refusal.help(format!("write `{value}.ip in SET`, `{value}.port in SET`")),
        _other => refusal,
    }
}
