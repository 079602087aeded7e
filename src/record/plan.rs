// SPDX-License-Identifier: MIT OR Apache-2.0
//! A [`Layout`], compiled once: records are then read without searching.

use super::extras::{Extras, FullRecord};
use super::field::RecordField;
use super::value::FieldValue;
use crate::spec::{Field, Layout};

/// How the records of one probe are read.
#[derive(Debug, Clone)]
pub struct RecordPlan {
    /// Bytes of a whole record.
    size: usize,
    /// Where the mask of absent values lies.
    absent: Option<usize>,
    process: Vec<RecordField>,
    fields: Vec<RecordField>,
}

impl RecordPlan {
    /// Compiles `layout`. A field of a size that its type cannot have, which no catalogue makes, never has a value.
    pub fn new(layout: &Layout) -> Self {
        let mut extras = 0;
        let mut compiled = |fields: &[Field]| fields.iter().map(|field| RecordField::new(field, &mut extras)).collect();
        Self {
            size: layout.size as usize,
            absent: layout.absent.map(|offset| offset as usize),
            process: compiled(&layout.process),
            fields: compiled(&layout.fields),
        }
    }

    /// Those of `pid tid uid comm` that a record holds, in that order.
    pub fn process(&self) -> &[RecordField] {
        &self.process
    }

    /// The other fields, in the order of the output.
    pub fn fields(&self) -> &[RecordField] {
        &self.fields
    }

    /// The field of this name, `pid tid uid comm` among them.
    pub fn field(&self, name: &str) -> Option<&RecordField> {
        self.process.iter().chain(&self.fields).find(|field| field.name() == name)
    }

    /// One record. It may be shorter or longer than its layout says.
    #[inline]
    pub fn record<'a>(&self, record: impl Into<FullRecord<'a>>) -> Record<'a> {
        let FullRecord { bytes, extras } = record.into();
        let mask = self.absent.and_then(|offset| bytes.get(offset..)?.first_chunk());
        let absent = mask.map_or(0, |mask| u64::from_ne_bytes(*mask));
        Record { bytes, extras, absent, is_short: bytes.len() < self.size }
    }
}

/// The bytes of one record, and which of its fields have no value.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    bytes: &'a [u8],
    extras: &'a Extras,
    /// Bits of fields without a value; 0 where the layout has no such mask.
    absent: u64,
    is_short: bool,
}

impl<'a> Record<'a> {
    /// What a field of the same plan holds.
    #[inline]
    pub fn value(&self, field: &'a RecordField) -> FieldValue<'a> {
        field.read(self.bytes, self.absent, self.extras)
    }

    /// True where it has fewer bytes than its layout says: the fields that do not fit are [`FieldValue::Null`].
    #[inline]
    pub fn is_short(&self) -> bool {
        self.is_short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldText, FieldValue};
    use crate::spec::{Field, FieldType};

    fn field(name: &str, offset: u32, size: u32, kind: FieldType, absent_bit: Option<u8>) -> Field {
        Field {
            name: name.into(),
            offset,
            size,
            kind,
            absent_bit,
            of_end: None,
            bits: None,
            unit: "ns".into(),
            doc: String::new(),
        }
    }

    fn plan() -> RecordPlan {
        RecordPlan::new(&Layout {
            size: 24,
            time: None,
            absent: Some(4),
            process: vec![field("pid", 0, 4, FieldType::Unsigned, None)],
            fields: vec![
                field("why", 12, 4, FieldType::Errno, Some(0)),
                field("path", 16, 8, FieldType::Text { limit: Some(4) }, Some(1)),
            ],
            ..Layout::default()
        })
    }

    fn record(absent: u64) -> Vec<u8> {
        [&7u32.to_ne_bytes()[..], &absent.to_ne_bytes(), &2u32.to_ne_bytes(), b"/etc/x\0\0"].concat()
    }

    /// A field is found by its name, and its value can be compared without a format: what a predicate or an aggregate needs.
    #[test]
    fn values_without_a_format() {
        let (plan, bytes) = (plan(), record(0));
        let read = |name: &str| plan.record(&bytes).value(plan.field(name).unwrap());
        assert_eq!(read("pid").number(), Some(7));
        let FieldValue::Named(why) = read("why") else { panic!("an error has a name") };
        assert_eq!((why.number, why.name.map(String::as_str)), (2, Some("ENOENT")));
        assert_eq!(read("path"), FieldValue::Text(FieldText { bytes: b"/etc", is_cut: true }));
        assert!(plan.field("nothing").is_none());
        assert_eq!(plan.field("why").unwrap().unit(), "ns");
    }

    /// Each bit of the mask takes the value of its own field away.
    #[test]
    fn absent_bits() {
        let plan = plan();
        for absent in 0..4 {
            let bytes = record(absent);
            let values = plan.fields().iter().map(|field| plan.record(&bytes).value(field).is_present());
            assert_eq!(values.collect::<Vec<_>>(), [absent & 1 == 0, absent & 2 == 0]);
        }
    }

    /// A record that ends early has the values that fit, and says that it is short.
    #[test]
    fn short_records() {
        let (plan, bytes) = (plan(), record(0));
        for length in 0..bytes.len() {
            let short = plan.record(&bytes[..length]);
            assert!(short.is_short());
            let present = |name: &str| short.value(plan.field(name).unwrap()).is_present();
            assert_eq!((present("pid"), present("why"), present("path")), (length >= 4, length >= 16, false));
        }
        assert!(!plan.record(&bytes).is_short() && !plan.record(&[&bytes[..], b"more"].concat()).is_short());
    }
}
