// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names and sets at one place of a probe, as the checker asks for them.

use super::check::{Meaning, Values};
use super::operand::Operand;
use super::path::Names;
use crate::catalog::{Named, Type};
use crate::spec::{Expr, SetUse};
use crate::words::Refusal;

/// The names at one place of a probe, and its sets.
#[derive(Clone, Copy)]
pub(super) struct NamesHere<'s, 'a> {
    pub(super) names: Names<'s, 'a>,
    pub(super) sets: &'s [SetUse],
}

impl Values for NamesHere<'_, '_> {
    fn operand(&self, path: &Expr) -> Result<Operand, Refusal> {
        self.names.value(path)
    }

    fn meaning(&self, name: &str) -> Meaning<'_> {
        match self.names.captured(name) {
            Some(expr) => Meaning::Capture(expr),
            None if self.names.is_known(name) => Meaning::Value,
            None => Meaning::Unknown,
        }
    }

    fn inside_captures(&self) -> Self {
        Self { names: self.names.inside_captures(), sets: self.sets }
    }

    fn enumerators(&self, name: &str) -> Vec<(String, i64)> {
        let Some(btf) = self.names.btf() else { return Vec::new() };
        let mut found = Vec::new();
        for id in btf.all(Named::Enum) {
            if let Type::Enum { values, .. } = btf.get(id) {
                let number = values.into_iter().find(|(known, _)| known == name).map(|(_, number)| number);
                found.extend(number.map(|number| (btf.name(id).to_owned(), number)));
            }
        }
        found
    }

    fn enumeration(&self, name: &str) -> Option<Vec<(String, i64)>> {
        let btf = self.names.btf()?;
        match btf.get(btf.find(Named::Enum, name)?) {
            Type::Enum { values, .. } => Some(values),
            _ => None,
        }
    }

    fn set(&self, word: &str) -> Option<&SetUse> {
        self.sets.iter().find(|set| set.word == word)
    }

    fn sets(&self) -> Vec<&str> {
        self.sets.iter().map(|set| set.word.as_str()).collect()
    }
}
