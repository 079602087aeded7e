// SPDX-License-Identifier: MIT OR Apache-2.0
//! What samples come to over all intervals, and what a load needs to be told from everything else on the machine.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::has;
use crate::lab::{Lab, sh};

/// The rows that have these fields.
pub(super) fn rows<'e>(events: &'e [Value], wanted: &'e Value) -> impl Iterator<Item = &'e Value> {
    events.iter().filter(move |event| event["type"] == "sample" && has(event, wanted))
}

/// What a value of these rows comes to, over all intervals.
pub(super) fn sum(events: &[Value], wanted: &Value, value: &str) -> u64 {
    rows(events, wanted).map(|row| row[value].as_u64().unwrap()).sum()
}

/// The buckets of a histogram of these rows, over all intervals: lower edge, and how many.
pub(super) fn buckets(events: &[Value], wanted: &Value, value: &str) -> BTreeMap<i64, u64> {
    let mut all = BTreeMap::new();
    for bucket in rows(events, wanted).flat_map(|row| row[value].as_array().unwrap()) {
        *all.entry(bucket[0].as_i64().unwrap_or(i64::MIN)).or_default() += bucket[2].as_u64().unwrap();
    }
    all
}

/// How many values a histogram of these rows has.
pub(super) fn counted(events: &[Value], wanted: &Value, value: &str) -> u64 {
    buckets(events, wanted, value).values().sum()
}

/// A copy of a program of this machine under a name that nobody else's processes have.
pub(super) fn copy_of(lab: &Lab, program: &str, name: &str) -> String {
    let copy = lab.text(name);
    sh(&format!("cp \"$(command -v {program})\" {copy}"));
    copy
}

/// A number of /proc/stat: `processes`, `ctxt`.
pub(super) fn stat(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}
