// SPDX-License-Identifier: MIT OR Apache-2.0
//! One value, or the name of one, as `pretty` shows it.

use super::columns::Column;
use super::escape::quoted_if_needed;
use super::grid::{Cell, CellKind};
use super::human::{HumanUnit, thousands};
use super::text;
use crate::record::{FieldValue, Record};

/// Appends a value, with a mark where it was cut.
pub(super) fn write(column: Column<'_>, value: FieldValue<'_>, out: &mut Vec<u8>) {
    text::write(value, column.frame.unit, out);
    // A path that was cut begins with the mark itself.
    if value.is_cut() && !matches!(value, FieldValue::Path(_)) {
        out.extend_from_slice(&column.frame.cut);
    }
}

/// The name of a column.
pub(super) fn name(column: Column<'_>) -> String {
    let mut name = Vec::new();
    quoted_if_needed(column.field.name().as_bytes(), &mut name);
    String::from_utf8_lossy(&name).into_owned()
}

/// A value of a table. `is_count`: its digits are grouped.
pub(super) fn cell<'a>(column: Column<'a>, row: Record<'a>, is_count: bool) -> Cell {
    let value = row.value(column.field);
    if !value.is_present() {
        return Cell { text: "-".to_owned(), kind: CellKind::Hole };
    }
    let is_number = matches!(value, FieldValue::Unsigned(_) | FieldValue::Signed(_) | FieldValue::Duration(_));
    let kind = match (is_number, matches!(value, FieldValue::Path(_) | FieldValue::Stack(_))) {
        (true, _) => CellKind::Number,
        (false, true) => CellKind::Path,
        (false, false) => CellKind::Text,
    };
    let is_count = is_count && column.frame.unit == HumanUnit::None;
    let text = if let (true, FieldValue::Unsigned(number)) = (is_count, value) {
        thousands(number)
    } else if let (true, FieldValue::Signed(number)) = (is_count, value) {
        let sign = if number < 0 { "-" } else { "" };
        format!("{sign}{}", thousands(number.unsigned_abs()))
    } else {
        text(column, value)
    };
    Cell { text, kind }
}

fn text(column: Column<'_>, value: FieldValue<'_>) -> String {
    let mut text = Vec::new();
    write(column, value, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
