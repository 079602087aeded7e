// SPDX-License-Identifier: MIT OR Apache-2.0
//! Constants by their names: `EACCES`, `O_CREAT`, `SKB_DROP_REASON_NO_SOCKET`, `wb_reason.WB_REASON_SYNC`.

use super::checker::{Beside, Checker, Typed};
use super::types::{Range, Type};
use super::values::{Meaning, Values};
use crate::expr::builtin::builtin_names;
use crate::expr::foreign;
use crate::spec::{Expr, ExprNode, Formula, NameTable};
use crate::words::{Refusal, list, nearest};

impl<V: Values> Checker<'_, V> {
    /// A name that stands for no value, beside one of that type.
    pub(super) fn constant(&mut self, expr: &Expr, name: &str, beside: Beside<'_>) -> Result<Typed, Refusal> {
        match beside {
            Beside::Type(Type::Named(table, range)) => {
                of_table(*table, *range, name).map_or_else(|| self.misplaced(name, *table), Ok)
            }
            Beside::Type(Type::Enum(names, _)) => self.of_enum(names, name),
            Beside::Type(
                ty @ (Type::Number(_)
                | Type::Duration
                | Type::Ktime
                | Type::Bool
                | Type::Label(_)
                | Type::Text(_)
                | Type::Grouped { .. }
                | Type::Address
                | Type::Whole(_)
                | Type::Null),
            ) => self.plain(expr, name, Some(ty)),
            Beside::Nothing => self.plain(expr, name, None),
        }
    }

    /// `wb_reason.WB_REASON_SYNC`: an enumerator with its enum; `None` where that is something else.
    pub(super) fn enumerator(&self, of: &Expr, name: &str) -> Option<Result<Typed, Refusal>> {
        let ExprNode::Name(enumeration) = &of.node else { return None };
        if !matches!(self.values.meaning(enumeration), Meaning::Unknown) {
            return None;
        }
        let values = self.values.enumeration(enumeration)?;
        let found = values.iter().find(|(known, _)| known == name);
        Some(match found {
            Some((_, number)) => Ok(Typed::constant((*number).into())),
            None => {
                let known = values.iter().map(|(known, _)| known.as_str());
                let help = nearest(name, known.clone()).map(|near| format!("did you mean `{near}`?"));
                let help = help.unwrap_or_else(|| format!("it has {}", list(known, 8)));
                Err(Refusal::new(format!("enum {enumeration} has no `{name}`")).help(help))
            }
        })
    }

    /// A constant beside a plain number, or alone.
    fn plain(&self, expr: &Expr, name: &str, beside: Option<&Type>) -> Result<Typed, Refusal> {
        if let Some((table, number)) = NameTable::of_name(name).next() {
            let mut typed = Typed::constant(number.into());
            // It has not been said whether the number of an error stands for itself or is returned.
            if table == NameTable::Errno && beside.is_some_and(Type::is_signed) {
                typed.ty = Type::Named(NameTable::Errno, Range::constant(number.into(), false));
            }
            return Ok(typed);
        }
        let enumerators =
            if name.starts_with(|c: char| c.is_ascii_uppercase()) { self.values.enumerators(name) } else { Vec::new() };
        let mut numbers: Vec<i64> = enumerators.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match numbers.as_slice() {
            [number] => Ok(Typed::constant((*number).into())),
            [] => Err(self.unknown(expr, name)),
            _several => {
                let enums = list(enumerators.iter().map(|(of, _)| of.as_str()), 4);
                let first = enumerators.first().map_or("", |(of, _)| of);
                Err(Refusal::new(format!("`{name}` has several values: it is in the enums {enums}"))
                    .help(format!("write which: `{first}.{name}`")))
            }
        }
    }

    /// A name that is nothing at all; a set is, elsewhere.
    fn unknown(&self, expr: &Expr, name: &str) -> Refusal {
        if self.values.set(name).is_some() {
            let message = format!("`{name}` is a set, not a value");
            return Refusal::new(message).help(format!("write `x in {name}`"));
        }
        // The resolver knows the names that the hook has.
        let refusal = match self.values.operand(expr) {
            Err(refusal) => refusal,
            Ok(_) => Refusal::new(format!("there is no `{name}`")),
        };
        let tables = NameTable::WORDS.iter().flat_map(|(_, table)| table.names().map(|(known, _)| known));
        let is_constant =
            name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let constant = nearest(name, tables).filter(|_| is_constant).map(|near| format!("did you mean `{near}`?"));
        let builtin = || {
            nearest(name, builtin_names()).filter(|near| *near != name).map(|near| format!("did you mean `{near}`?"))
        };
        let other = foreign::name(name).map(str::to_owned);
        refusal.maybe_help(other.or(constant).or_else(|| builtin().filter(|_| !is_constant)))
    }

    fn of_enum(&self, names: &[(i64, String)], name: &str) -> Result<Typed, Refusal> {
        if let Some((number, _)) = names.iter().find(|(_, known)| known == name) {
            return Ok(Typed::new(
                Formula::Number { bits: number.cast_unsigned(), signed: true },
                Type::Enum(names.into(), Range::constant((*number).into(), true)),
            ));
        }
        let known = || names.iter().map(|(_, known)| known.as_str());
        let help = nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
        Err(Refusal::new(format!("the enum has no `{name}`"))
            .help(help.unwrap_or_else(|| format!("it has {}", list(known(), 8)))))
    }

    /// A constant that is not of the table.
    fn misplaced(&self, name: &str, wanted: NameTable) -> Result<Typed, Refusal> {
        if let Some((table, _)) = NameTable::of_name(name).next() {
            let message =
                format!("`{name}` is one of `{}`, and the other side one of `{}`", table.word(), wanted.word());
            return Err(Refusal::new(message).help(format!("read it as that: `(x as {})`", table.word())));
        }
        let known = || wanted.names().map(|(known, _)| known);
        let help = nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` has no `{name}`", wanted.word());
        Err(Refusal::new(message).help(help.unwrap_or_else(|| format!("it has {}", list(known(), 8)))))
    }
}

/// What a value of the table holds for this name.
pub(super) fn of_table(table: NameTable, range: Range, name: &str) -> Option<Typed> {
    let held = table.held(name)?;
    // Flags have no sign.
    let number = if range.signed { i128::from(held) } else { i128::from(held.cast_unsigned()) };
    let range = Range { min: number, max: number, ..range };
    let formula = Formula::Number { bits: held.cast_unsigned(), signed: range.signed };
    Some(Typed::new(formula, Type::Named(table, range)))
}
