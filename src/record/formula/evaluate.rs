// SPDX-License-Identifier: MIT OR Apache-2.0
//! A formula for one record.

use core::cell::Cell;

use super::arithmetic::calculate;
use super::compile::Compiled;
use super::operand::Operand;
use super::sets::SetContent;
use super::term::{Number, Term};
use super::text::{Cut, KnownText};
use crate::record::extras::Extras;
use crate::spec::{NameTable, TextTest};

/// One record, and what was asked of it so far.
pub(in crate::record) struct Evaluation<'r> {
    pub(in crate::record) operands: &'r [Operand],
    pub(in crate::record) record: &'r [u8],
    /// Its mask of absent values.
    pub(in crate::record) absent: u64,
    /// What was found out for the operands.
    pub(in crate::record) extras: &'r Extras,
    /// Something that was asked for could not be read, or not all of it.
    pub(in crate::record) unreadable: Cell<bool>,
}

impl<'r> Evaluation<'r> {
    /// What a formula comes to.
    pub(in crate::record) fn term(&self, formula: &'r Compiled) -> Term<'r> {
        match formula {
            Compiled::Operand(index) => self.operand(*index),
            Compiled::Number(number) => Term::Number(*number),
            Compiled::Text(text) => Term::Text { known: KnownText::whole(text), total: None },
            Compiled::Bool(value) => Term::Bool(*value),
            Compiled::Null => Term::Null,
            Compiled::Arithmetic { op, signed, sides } => {
                let [left, right] = &**sides;
                let numbers = (self.term(left).number(), self.term(right).number());
                let (Some(left), Some(right)) = numbers else { return Term::Null };
                calculate(*op, *signed, left, right).map_or(Term::Null, Term::Number)
            }
            Compiled::Named { table, of } => match self.term(of).number() {
                Some(Number { bits, .. }) if !table.is_null(bits.cast_signed()) => {
                    Term::Number(Number { bits, signed: *table == NameTable::Errno })
                }
                Some(_) | None => Term::Null,
            },
            Compiled::Size(of) => {
                let size = self.term(of).size();
                size.map_or(Term::Null, |bits| Term::Number(Number { bits, signed: false }))
            }
            Compiled::Compare { .. }
            | Compiled::IsNull(_)
            | Compiled::Not(_)
            | Compiled::All(_)
            | Compiled::Any(_)
            | Compiled::Matches { .. }
            | Compiled::InSet { .. }
            | Compiled::InNetworks { .. } => Term::of(self.truth(formula)),
        }
    }

    /// Whether a formula holds; `None`: undecided.
    pub(in crate::record) fn truth(&self, formula: &'r Compiled) -> Option<bool> {
        match formula {
            Compiled::Bool(value) => Some(*value),
            Compiled::Compare { op, sides } => {
                let [left, right] = sides.each_ref().map(|side| self.term(side));
                self.remember(left.compare(*op, right), left.is_null() || right.is_null())
            }
            Compiled::IsNull(of) => Some(self.term(of).is_null()),
            Compiled::Not(of) => self.truth(of).map(|holds| !holds),
            Compiled::All(of) => self.until(of, false),
            Compiled::Any(of) => self.until(of, true),
            Compiled::Matches { how, of, texts } => {
                let term = self.term(of);
                let found = term.with_text(|text| any(texts.iter().map(|wanted| text.is(*how, wanted))));
                self.remember(found.flatten(), term.is_null())
            }
            Compiled::InSet { of, how, set } => {
                let term = self.term(of);
                self.remember(is_in(term, *how, &**set), term.is_null())
            }
            Compiled::InNetworks { of, networks } => {
                let address = self.term(of).address()?;
                Some(networks.iter().any(|network| network.has(address)))
            }
            Compiled::Operand(_)
            | Compiled::Number(_)
            | Compiled::Text(_)
            | Compiled::Null
            | Compiled::Arithmetic { .. }
            | Compiled::Named { .. }
            | Compiled::Size(_) => self.term(formula).truth(),
        }
    }

    fn operand(&self, index: usize) -> Term<'r> {
        let Some(operand) = self.operands.get(index) else { return Term::Null };
        if operand.is_unreadable(self.absent) {
            self.unreadable.set(true);
        }
        operand.term(self.record, self.absent, self.extras)
    }

    /// What has a value and is undecided nonetheless was not read to its end.
    fn remember(&self, decided: Option<bool>, is_null: bool) -> Option<bool> {
        if decided.is_none() && !is_null {
            self.unreadable.set(true);
        }
        decided
    }

    /// `decisive` where one is, undecided where one is undecided; those after the decisive one are not asked.
    fn until(&self, formulas: &'r [Compiled], decisive: bool) -> Option<bool> {
        let mut result = Some(!decisive);
        for formula in formulas {
            match self.truth(formula) {
                Some(holds) if holds == decisive => return Some(decisive),
                Some(_) => {}
                None => result = None,
            }
        }
        result
    }
}

/// True where one is, undecided where one is undecided.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

fn is_in(term: Term<'_>, how: TextTest, set: &dyn SetContent) -> Option<bool> {
    if let Some(address) = term.address() {
        return Some(set.has_address(address));
    }
    if let Some(found) = term.with_text(|text| has_text(text, how, set)) {
        return found;
    }
    term.number().map(|number| set.has_number(number.exact()))
}

fn has_text(text: KnownText<'_>, how: TextTest, set: &dyn SetContent) -> Option<bool> {
    match (how, text.cut) {
        (TextTest::Equal, Cut::Nowhere) => Some(set.has_text(text.bytes)),
        (TextTest::Under, Cut::Nowhere) => Some(has_folder(text.bytes, set)),
        (
            TextTest::Equal
            | TextTest::StartsWith
            | TextTest::EndsWith
            | TextTest::Contains
            | TextTest::Glob
            | TextTest::Under,
            _,
        ) => {
            let mut undecided = false;
            let found = set.any_text(&mut |wanted| match text.is(how, wanted) {
                Some(fits) => fits,
                None => {
                    undecided = true;
                    false
                }
            });
            if undecided && !found { None } else { Some(found) }
        }
    }
}

/// Whether the path or a folder that it is in is in the set: a question for each of its slashes, however large the set is.
fn has_folder(path: &[u8], set: &dyn SetContent) -> bool {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let mut folders = slashes.flat_map(|at| [&path[..at], &path[..=at]]);
    set.has_text(path) || folders.any(|folder| !folder.is_empty() && set.has_text(folder))
}
