// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a plan, each with what a format writes around its value: made once, so that an event only copies it.

use super::human::HumanUnit;
use crate::record::{FullRecord, Record, RecordField, RecordPlan};
use crate::spec::Layout;

/// What a format writes around the values of one field.
pub(super) struct Frame {
    /// Before the value.
    pub(super) key: Box<[u8]>,
    /// After a value that was cut.
    pub(super) cut: Box<[u8]>,
    /// After a value with bytes that it had to write otherwise.
    pub(super) escaped: Box<[u8]>,
    /// How people want to read it.
    pub(super) unit: HumanUnit,
}

/// A field and its frame.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    pub(super) field: &'a RecordField,
    pub(super) frame: &'a Frame,
}

/// All fields of a record's layout, for one format.
pub(super) struct Columns {
    plan: RecordPlan,
    process: Vec<Frame>,
    fields: Vec<Frame>,
}

impl Columns {
    /// Compiles `layout`. `key` gives what the format writes before a value of this name, `cut` and `escaped` what it writes
    /// after a text of this name that was cut, or that is not what it reads like.
    pub(super) fn new(
        layout: &Layout,
        key: impl Fn(&str) -> Vec<u8>,
        cut: impl Fn(&str) -> Vec<u8>,
        escaped: impl Fn(&str) -> Vec<u8>,
    ) -> Self {
        let frame = |field: &RecordField| Frame {
            key: key(field.name()).into(),
            cut: cut(field.name()).into(),
            escaped: escaped(field.name()).into(),
            unit: HumanUnit::named(field.unit()),
        };
        let plan = RecordPlan::new(layout);
        Self {
            process: plan.process().iter().map(frame).collect(),
            fields: plan.fields().iter().map(frame).collect(),
            plan,
        }
    }

    #[inline]
    pub(super) fn record<'a>(&self, record: impl Into<FullRecord<'a>>) -> Record<'a> {
        self.plan.record(record)
    }

    /// Those of `pid tid uid comm` that a record holds.
    #[inline]
    pub(super) fn process(&self) -> impl Iterator<Item = Column<'_>> {
        columns(self.plan.process(), &self.process)
    }

    /// The other fields.
    #[inline]
    pub(super) fn fields(&self) -> impl Iterator<Item = Column<'_>> {
        columns(self.plan.fields(), &self.fields)
    }
}

#[inline]
fn columns<'a>(fields: &'a [RecordField], frames: &'a [Frame]) -> impl Iterator<Item = Column<'a>> {
    fields.iter().zip(frames).map(|(field, frame)| Column { field, frame })
}
