// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers that have names: of an enum, or of a table that is built in.

use super::value::{FieldValue, NamedNumber, TableNumber};
use crate::spec::NameTable;

/// The names of an enum's numbers.
#[derive(Debug, Clone)]
pub(super) struct EnumNames(Box<[(i64, String)]>);

impl EnumNames {
    /// Of numbers in any order.
    pub(super) fn new(mut names: Vec<(i64, String)>) -> Self {
        names.sort_by_key(|&(number, _)| number);
        Self(names.into())
    }

    /// Of a table of numbers; of several names of one number the usual one.
    pub(super) fn of_table(table: NameTable) -> Self {
        let mut names: Vec<(i64, String)> = table.names().map(|(name, number)| (number, name.to_owned())).collect();
        names.sort_by_key(|&(number, _)| number);
        names.dedup_by_key(|&mut (number, _)| number);
        Self(names.into())
    }

    /// This number, with its name where it has one.
    #[inline]
    pub(super) fn value(&self, number: i64) -> FieldValue<'_> {
        let found = self.0.binary_search_by_key(&number, |&(number, _)| number).ok();
        FieldValue::Named(NamedNumber { number, name: found.and_then(|index| self.0.get(index)).map(|(_, name)| name) })
    }
}

/// A number that a table names; [`FieldValue::Null`] for one that stands for nothing.
#[inline]
pub(super) fn in_table(number: i64, table: NameTable) -> FieldValue<'static> {
    if table.is_null(number) { FieldValue::Null } else { FieldValue::InTable(TableNumber { number, table }) }
}
