// SPDX-License-Identifier: MIT OR Apache-2.0
//! `where` at a program with a record of its own: its names are the fields of the record, and user space decides.

use std::sync::Arc;

use super::builtin::builtin;
use super::check::{Checker, Meaning, Values};
use super::clause::{ClausePlan, Decided};
use super::filter::parts;
use super::operand::{Operand, OperandSource};
use super::reads::{operands_of, renumbered};
use crate::spec::{Expr, ExprNode, Field, FieldType, Formula, Layout, NameTable, SetUse};
use crate::words::{self, Refusal};

/// The names of a record that is finished.
#[derive(Clone, Copy)]
struct FieldsHere<'f> {
    layout: &'f Layout,
    sets: &'f [SetUse],
}

impl<'f> FieldsHere<'f> {
    fn fields(&self) -> impl Iterator<Item = &'f Field> {
        self.layout.process.iter().chain(&self.layout.fields)
    }
}

impl Values for FieldsHere<'_> {
    fn operand(&self, path: &Expr) -> Result<Operand, Refusal> {
        let ExprNode::Name(name) = &path.node else {
            let message = format!("`{path}` cannot be read here: the names are those of the program's fields");
            let names = words::list(self.fields().map(|field| field.name.as_str()), 16);
            let help = format!("there are {names}; a probe with a `hook` and the program `trace` reads other values");
            return Err(Refusal::new(message).maybe_help(Some(help)).at(path.range.clone()));
        };
        let found = self.fields().enumerate().find(|(_, field)| field.name == *name);
        let (number, field) = found.ok_or_else(|| {
            let names: Vec<&str> = self.fields().map(|field| field.name.as_str()).collect();
            let refusal = match builtin(name) {
                Some(_) => {
                    Refusal::new(format!("the program does not record `{name}`, and `where` has what it records"))
                        .help(format!("it records {}", words::list(names, 32)))
                }
                None => Refusal::new(format!("the program has no field `{name}`")).maybe_help(words::suggest(
                    name,
                    names,
                    "the program reports",
                )),
            };
            refusal.at(path.range.clone())
        })?;
        Ok(Operand {
            before: Vec::new(),
            source: OperandSource::Field(number),
            part: 0,
            size: u16::try_from(field.size).unwrap_or(u16::MAX),
            of_end: None,
            bits: field.bits,
            kind: kind(field),
        })
    }

    fn meaning(&self, name: &str) -> Meaning<'_> {
        let is_field = self.fields().any(|field| field.name == name);
        if is_field { Meaning::Value } else { Meaning::Unknown }
    }

    fn inside_captures(&self) -> Self {
        *self
    }

    fn enumerators(&self, _name: &str) -> Vec<(String, i64)> {
        Vec::new()
    }

    fn enumeration(&self, _name: &str) -> Option<Vec<(String, i64)>> {
        None
    }

    fn set(&self, word: &str) -> Option<&SetUse> {
        self.sets.iter().find(|set| set.word == word)
    }

    fn sets(&self) -> Vec<&str> {
        self.sets.iter().map(|set| set.word.as_str()).collect()
    }
}

/// How a field is compared: errors of programs have no sign.
fn kind(field: &Field) -> FieldType {
    if field.kind != FieldType::Errno {
        return field.kind.clone();
    }
    let names = NameTable::Errno.names().map(|(name, number)| (number, name.to_owned()));
    FieldType::Enum(names.collect())
}

/// Has records of this layout filtered; each error has the index of its clause.
pub fn filter_fields(
    filter: &[Expr],
    sets: &[SetUse],
    layout: &mut Layout,
) -> Result<Vec<ClausePlan>, Vec<(usize, Refusal)>> {
    let (mut formulas, mut clauses, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let names = FieldsHere { layout, sets };
    let mut checker = Checker::new(&names, Vec::new());
    for (clause, expr) in filter.iter().enumerate() {
        for part in parts(expr) {
            match checker.clause(part) {
                Ok(formula) => {
                    let decided = Decided::UserSpace { why: "the program's fields are in its record".to_owned() };
                    clauses.push(ClausePlan { clause, text: part.to_string(), decided });
                    formulas.push(formula);
                }
                Err(refusal) => errors.push((clause, refusal)),
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let fields: Vec<Field> = names.fields().cloned().collect();
    let operands = checker.operands;
    let formula = Formula::All(formulas);
    let mut places = vec![0; operands.len()];
    for index in operands_of(&formula) {
        let Some(OperandSource::Field(number)) = operands.get(index).map(|operand| &operand.source) else { continue };
        places[index] = layout.operands.len();
        layout.operands.extend(fields.get(*number).cloned());
    }
    layout.filter = Some(Arc::new(renumbered(&formula, &places)));
    Ok(clauses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::parse;

    /// What a program does not record is no mistake in writing, and is told apart from a field that it does not have.
    #[test]
    fn builtins_that_are_not_recorded() {
        let field = |name: &str| Field {
            name: name.to_owned(),
            offset: 0,
            size: 4,
            kind: FieldType::Unsigned,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit: String::new(),
            doc: String::new(),
        };
        let fields = ["pid", "uid", "filename"].map(field).to_vec();
        let mut layout = Layout { fields, ..Layout::default() };
        let mut said = |text: &str| {
            let filter: Vec<Expr> = parse(text).into_iter().collect();
            let errors = filter_fields(&filter, &[], &mut layout).err().unwrap_or_default();
            errors.into_iter().next().map(|(_, refusal)| (refusal.message, refusal.help.unwrap_or_default()))
        };
        let (message, help) = said("cpu == 0").unwrap_or_default();
        assert_eq!(message, "the program does not record `cpu`, and `where` has what it records");
        assert!(help.starts_with("it records `pid`, "), "{help}");
        let (message, help) = said("filname == 1").unwrap_or_default();
        assert_eq!((&*message, &*help), ("the program has no field `filname`", "did you mean `filename`?"));
        assert_eq!(said("uid == 0"), None);
    }
}
