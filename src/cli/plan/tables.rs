// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables that a probe counts in: their keys and values, the rows that there is room for, what they take.

use serde_json::{Value, json};

use super::Planned;
use crate::kernel::TableMaps;
use crate::spec::{Aggregate, Table};
use crate::words;

/// One table.
pub(super) struct PlannedTable<'a> {
    asked: &'a Aggregate,
    table: &'a Table,
    kernel_bytes: u64,
}

/// Those of a probe, where they could be resolved.
pub(super) fn of<'a>(probe: &'a Planned<'_>) -> Vec<PlannedTable<'a>> {
    let counting = probe.prepared.as_ref().and_then(|prepared| prepared.counting.as_ref());
    let tables = counting.map(|counting| counting.tables.as_slice()).unwrap_or_default();
    let planned =
        |(asked, table)| PlannedTable { asked, table, kernel_bytes: TableMaps::bytes(table, TableMaps::cpus()) };
    probe.spec.aggregates.iter().zip(tables).map(planned).collect()
}

impl PlannedTable<'_> {
    /// `by comm, syscall: 1,024 rows of 24 bytes and 16 for each CPU, twice; 133 KiB`
    pub(super) fn line(&self, size: fn(u64) -> String) -> String {
        let Self { asked, table, kernel_bytes } = self;
        let name = asked.name.as_ref().map_or_else(String::new, |name| format!("`{name}` "));
        let keys = words::list(asked.keys.iter().map(|key| key.name.as_str()), 8);
        let by = if keys.is_empty() { "one row".to_owned() } else { format!("by {keys}: {} rows", table.max_keys) };
        let twice = if table.is_cumulative() { "" } else { ", twice" };
        format!(
            "{name}{by} of {} bytes, and {} for each of {} CPUs{twice}: {}",
            table.key_bytes,
            table.value_bytes,
            TableMaps::cpus(),
            size(*kernel_bytes)
        )
    }

    pub(super) fn json(&self) -> Value {
        let Self { asked, table, kernel_bytes } = self;
        json!({
            "name": asked.name,
            "keys": asked.keys.iter().map(|key| &key.name).collect::<Vec<_>>(),
            "values": asked.values.iter().map(|value| &value.name).collect::<Vec<_>>(),
            "rows": table.max_keys,
            "key_bytes": table.key_bytes,
            "value_bytes": table.value_bytes,
            "kernel_bytes": kernel_bytes,
        })
    }
}
