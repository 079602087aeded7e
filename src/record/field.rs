// SPDX-License-Identifier: MIT OR Apache-2.0
//! One field of a plan: which bytes of a record it takes, and how they become a value.

use super::extras::Extras;
use super::reader::{FieldReader, OtherReader, PartReader};
use super::value::FieldValue;
use crate::spec::{Field, FoundOut, OfEnd};

/// A compiled [`Field`].
#[derive(Debug, Clone)]
pub struct RecordField {
    name: Box<str>,
    unit: Box<str>,
    start: usize,
    end: usize,
    absent_bit: u64,
    reader: FieldReader,
}

impl RecordField {
    /// `extras`: how many fields before it need something that is found out; counts itself.
    pub(super) fn new(field: &Field, extras: &mut usize) -> Self {
        let reader = FieldReader::new(&field.kind, field.size, field.bits, *extras);
        let (offset, size, reader) = match field.of_end {
            Some(OfEnd { offset, part }) => {
                let at = field.offset.saturating_sub(offset) as usize;
                let of_end = |reader| PartReader::field(part, at, field.size as usize, reader);
                (offset, PartReader::bytes(part), reader.map(of_end))
            }
            None => (field.offset, field.size, reader),
        };
        let start = offset as usize;
        *extras += usize::from(field.kind.found_out() != FoundOut::Nothing);
        Self {
            name: field.name.as_str().into(),
            unit: field.unit.as_str().into(),
            start,
            end: start.saturating_add(size as usize),
            absent_bit: field.absent_bit.and_then(|bit| 1u64.checked_shl(bit.into())).unwrap_or(0),
            reader: reader.unwrap_or(FieldReader::Other(OtherReader::Unreadable)),
        }
    }

    /// Its name in the output.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its numbers count, as [`Field::unit`]: `ns`, `bytes` …; empty where nothing is said.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Its value in these bytes of a record, whose mask of absent values is `absent`.
    #[inline(always)]
    pub(super) fn read<'a>(&'a self, record: &'a [u8], absent: u64, extras: &'a Extras) -> FieldValue<'a> {
        match record.get(self.start..self.end) {
            Some(slot) if absent & self.absent_bit == 0 => self.reader.read(slot, extras),
            Some(_) | None if self.reader.is_flag() => FieldValue::Unset,
            Some(_) | None => FieldValue::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FullRecord, NamedNumber};
    use crate::spec::FieldType;

    fn read_one(kind: FieldType, slot: &[u8]) -> Option<String> {
        let field = Field {
            name: "x".into(),
            offset: 0,
            size: slot.len() as u32,
            kind,
            absent_bit: None,
            of_end: None,
            bits: None,
            unit: String::new(),
            doc: String::new(),
        };
        match RecordField::new(&field, &mut 0).read(slot, 0, FullRecord::from(slot).extras) {
            FieldValue::Text(text) => Some(format!("{} {}", text.bytes.escape_ascii(), text.is_cut)),
            FieldValue::Named(NamedNumber { name: Some(name), .. }) => Some(format!("Name({name:?})")),
            FieldValue::Named(NamedNumber { number, name: None }) => Some(format!("NoName({number})")),
            FieldValue::Null => Some("absent".into()),
            FieldValue::Unset => None,
            value => Some(format!("{value:?}")),
        }
    }

    /// Every width reads its own bytes, with its own sign.
    #[test]
    fn width_and_sign() {
        let ffs = [0xff; 8];
        for (size, max) in [(1, 0xff), (2, 0xffff), (4, 0xffff_ffff), (8, u64::MAX)] {
            assert_eq!(read_one(FieldType::Unsigned, &ffs[..size]).unwrap(), format!("Unsigned({max})"));
            assert_eq!(read_one(FieldType::Signed, &ffs[..size]).unwrap(), "Signed(-1)");
        }
        assert_eq!(read_one(FieldType::Signed, &(-2i32).to_ne_bytes()).unwrap(), "Signed(-2)");
        assert_eq!(read_one(FieldType::Signed, &i64::MIN.to_ne_bytes()).unwrap(), format!("Signed({})", i64::MIN));
        assert_eq!(
            read_one(FieldType::Unsigned, &(1u64 << 63).to_ne_bytes()).unwrap(),
            "Unsigned(9223372036854775808)"
        );
        assert_eq!(read_one(FieldType::Port, &[0x01, 0xbb]).unwrap(), "Unsigned(443)");
        assert_eq!(read_one(FieldType::Unsigned, &[0; 3]).unwrap(), "absent");
    }

    /// The id of nobody is no number.
    #[test]
    fn unset_ids() {
        assert_eq!(read_one(FieldType::Id, &0u32.to_ne_bytes()).unwrap(), "Unsigned(0)");
        assert_eq!(read_one(FieldType::Id, &(u32::MAX - 1).to_ne_bytes()).unwrap(), "Unsigned(4294967294)");
        assert_eq!(read_one(FieldType::Id, &u32::MAX.to_ne_bytes()).unwrap(), "absent");
    }

    /// A flag is there when set and nowhere otherwise.
    #[test]
    fn flags() {
        assert_eq!(read_one(FieldType::Flag, &[1]).unwrap(), "Bool(true)");
        assert_eq!(read_one(FieldType::Flag, &[0]), None);
        assert_eq!(read_one(FieldType::Bool, &[0]).unwrap(), "Bool(false)");
    }

    /// Errors have the kernel's names.
    #[test]
    fn names_of_errors() {
        assert_eq!(read_one(FieldType::Errno, &2u32.to_ne_bytes()).unwrap(), "Name(\"ENOENT\")");
        assert_eq!(read_one(FieldType::Errno, &11u32.to_ne_bytes()).unwrap(), "Name(\"EAGAIN\")");
        assert_eq!(read_one(FieldType::Errno, &4000u32.to_ne_bytes()).unwrap(), "NoName(4000)");
    }

    /// Numbers without a name stay numbers, negative ones too.
    #[test]
    fn names_of_numbers() {
        let kind = FieldType::Enum([(17, "udp".to_owned()), (6, "tcp".to_owned()), (-1, "none".to_owned())].into());
        assert_eq!(read_one(kind.clone(), &6u32.to_ne_bytes()).unwrap(), "Name(\"tcp\")");
        assert_eq!(read_one(kind.clone(), &(-1i32).to_ne_bytes()).unwrap(), "Name(\"none\")");
        assert_eq!(read_one(kind, &[9]).unwrap(), "NoName(9)");
    }

    /// Text is cut at its limit, and back to the start of a character that the limit would split.
    #[test]
    fn cut_text() {
        let text = |limit, slot: &[u8]| read_one(FieldType::Text { limit }, slot).unwrap();
        assert_eq!(text(Some(4), b"abcd\0xyz"), "abcd false");
        assert_eq!(text(Some(4), b"abcde\0yz"), "abcd true");
        assert_eq!(text(Some(4), "abc€\0".as_bytes()), "abc true");
        assert_eq!(text(Some(5), "ab€€\0".as_bytes()), "ab\\xe2\\x82\\xac true");
        // Latin-1, where the byte after the cut does not continue a character, and text that was broken before.
        assert_eq!(text(Some(4), b"abc\xe9de\0"), "abc\\xe9 true");
        assert_eq!(text(Some(4), b"\xffab\xe2\x82\xac\0"), "\\xffab\\xe2 true");
        assert_eq!(text(None, b"abc\0\0\0\0\0"), "abc false");
        assert_eq!(text(None, b"abcdefgh"), "abcdefgh false");
        // The kernel cuts `comm` at 15 bytes.
        assert_eq!(text(None, b"abcdefghijklm\xe2\x82\0"), "abcdefghijklm false");
        assert_eq!(text(None, b""), " false");
    }
}
