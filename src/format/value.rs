// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one place that turns a record's bytes into values: a [`Layout`] is compiled once into a [`Plan`], whose
//! columns then read each record without searching, allocating or panicking.

use std::ffi::CStr;

use super::human::Unit;
use super::path::Path;
use crate::spec::{ERRNOS, Field, FieldType, Layout};

/// A compiled [`Layout`].
pub(super) struct Plan {
    /// Bytes of a whole record.
    pub(super) size: usize,
    absent: Option<usize>,
    /// The process fields that the record holds.
    pub(super) process: Vec<Column>,
    /// The other fields.
    pub(super) fields: Vec<Column>,
}

impl Plan {
    /// Compiles `layout`. `key` gives what the format writes before a value of this name, `cut` and `escaped` what it writes
    /// after a text of this name that was cut, or that is not what it reads like.
    pub(super) fn new(
        layout: &Layout,
        key: impl Fn(&str) -> Vec<u8>,
        cut: impl Fn(&str) -> Vec<u8>,
        escaped: impl Fn(&str) -> Vec<u8>,
    ) -> Self {
        let column = |field: &Field| Column {
            cut: cut(&field.name).into(),
            escaped: escaped(&field.name).into(),
            ..Column::new(field, key(&field.name))
        };
        Self {
            size: layout.size as usize,
            absent: layout.absent.map(|offset| offset as usize),
            process: layout.process.iter().map(column).collect(),
            fields: layout.fields.iter().map(column).collect(),
        }
    }

    /// The record's mask of absent values; 0 where it has none.
    #[inline]
    pub(super) fn absent_mask(&self, record: &[u8]) -> u32 {
        let bytes = self.absent.and_then(|offset| record.get(offset..)?.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }
}

/// One field of a [`Plan`].
pub(super) struct Column {
    /// The name in the output.
    pub(super) name: String,
    /// What the format writes before the value.
    pub(super) key: Box<[u8]>,
    /// What the format writes after a value that was cut.
    pub(super) cut: Box<[u8]>,
    /// What the format writes after a value with bytes that it had to write otherwise.
    pub(super) escaped: Box<[u8]>,
    /// How people want to read it.
    pub(super) unit: Unit,
    start: usize,
    end: usize,
    absent_bit: u32,
    op: Op,
}

/// What a column found in a record.
pub(super) enum Read<'a> {
    /// A value.
    Value(Value<'a>),
    /// The field has no value in this record, or the record ends before it.
    Absent,
    /// A [`FieldType::Flag`] that is not set: nothing is to be written.
    Unset,
}

/// A value, still in the record's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Unsigned(u64),
    Signed(i64),
    Hex(u64),
    Bool(bool),
    /// Text and whether it was longer than its limit.
    Text(&'a [u8], bool),
    /// Words, each followed by NUL; the last one of a line that was cut may have none.
    Argv(&'a [u8]),
    Path(Path<'a>),
    Bytes(&'a [u8]),
    Ipv4([u8; 4]),
    Ipv6([u8; 16]),
    /// The name of a number.
    Name(&'a str),
    /// A number that should have a name and has none.
    NoName(i64),
}

impl Value<'_> {
    /// True for what a sibling `NAME_truncated` is to say of.
    pub(super) fn is_cut(self) -> bool {
        match self {
            Self::Text(_, cut) | Self::Path(Path { cut, .. }) => cut,
            Self::Unsigned(_)
            | Self::Signed(_)
            | Self::Hex(_)
            | Self::Bool(_)
            | Self::Argv(_)
            | Self::Bytes(_)
            | Self::Ipv4(_)
            | Self::Ipv6(_)
            | Self::Name(_)
            | Self::NoName(_) => false,
        }
    }
}

/// How a column's bytes are read: [`FieldType`] with what can be known beforehand.
enum Op {
    Unsigned(Width),
    Signed(Width),
    Hex(Width),
    Id,
    Bool,
    Flag,
    Text(Option<usize>),
    Argv,
    Path,
    Bytes,
    Ipv4,
    Ipv6,
    Port,
    /// Sorted by number.
    Enum(Width, Box<[(i64, String)]>),
    /// A size that this kind cannot have; a catalogue makes none. Never has a value.
    Unreadable,
}

/// Bytes of an integer.
#[derive(Clone, Copy)]
enum Width {
    One,
    Two,
    Four,
    Eight,
}

impl Width {
    fn of(size: u32) -> Option<Self> {
        match size {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    #[inline]
    fn unsigned(self, slot: &[u8]) -> u64 {
        match self {
            Self::One => slot.first().map_or(0, |&byte| byte.into()),
            Self::Two => slot.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes).into()),
            Self::Four => slot.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes).into()),
            Self::Eight => slot.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes)),
        }
    }

    #[inline]
    fn signed(self, slot: &[u8]) -> i64 {
        let unused_bits = match self {
            Self::One => 56,
            Self::Two => 48,
            Self::Four => 32,
            Self::Eight => 0,
        };
        (self.unsigned(slot) << unused_bits).cast_signed() >> unused_bits
    }
}

impl Column {
    fn new(field: &Field, key: Vec<u8>) -> Self {
        let start = field.offset as usize;
        Self {
            name: field.name.clone(),
            key: key.into(),
            cut: Box::default(),
            escaped: Box::default(),
            unit: Unit::named(&field.unit),
            start,
            end: start.saturating_add(field.size as usize),
            absent_bit: field.absent_bit.and_then(|bit| 1u32.checked_shl(bit.into())).unwrap_or(0),
            op: Op::new(&field.kind, field.size).unwrap_or(Op::Unreadable),
        }
    }

    /// What this column says about `record`, whose [`Plan::absent_mask`] is `absent`.
    #[inline]
    pub(super) fn read<'a>(&'a self, record: &'a [u8], absent: u32) -> Read<'a> {
        match record.get(self.start..self.end) {
            Some(slot) if absent & self.absent_bit == 0 => self.op.read(slot),
            Some(_) | None if matches!(self.op, Op::Flag) => Read::Unset,
            Some(_) | None => Read::Absent,
        }
    }
}

impl Op {
    fn new(kind: &FieldType, size: u32) -> Option<Self> {
        Some(match kind {
            FieldType::Unsigned => Self::Unsigned(Width::of(size)?),
            FieldType::Signed => Self::Signed(Width::of(size)?),
            FieldType::Hex => Self::Hex(Width::of(size)?),
            FieldType::Id => (size == 4).then_some(Self::Id)?,
            FieldType::Bool => Self::Bool,
            FieldType::Flag => Self::Flag,
            FieldType::Text { limit } => Self::Text(limit.map(|limit| limit as usize)),
            FieldType::Argv => Self::Argv,
            FieldType::Path => Self::Path,
            FieldType::Bytes => Self::Bytes,
            FieldType::Ipv4 => (size == 4).then_some(Self::Ipv4)?,
            FieldType::Ipv6 => (size == 16).then_some(Self::Ipv6)?,
            FieldType::Port => (size == 2).then_some(Self::Port)?,
            FieldType::Errno => {
                let names = ERRNOS.iter().map(|(number, name)| (*number, (*name).to_owned()));
                Self::Enum((size == 4).then_some(Width::Four)?, names.collect())
            }
            FieldType::Enum(names) => {
                let mut names = names.to_vec();
                names.sort_by_key(|&(number, _)| number);
                Self::Enum(Width::of(size)?, names.into())
            }
        })
    }

    #[inline]
    fn read<'a>(&'a self, slot: &'a [u8]) -> Read<'a> {
        Read::Value(match self {
            Self::Unsigned(width) => Value::Unsigned(width.unsigned(slot)),
            Self::Signed(width) => Value::Signed(width.signed(slot)),
            Self::Hex(width) => Value::Hex(width.unsigned(slot)),
            Self::Id if slot.iter().all(|&byte| byte == 0xff) => return Read::Absent,
            Self::Id => Value::Unsigned(Width::Four.unsigned(slot)),
            Self::Bool => Value::Bool(slot.iter().any(|&byte| byte != 0)),
            Self::Flag if slot.iter().all(|&byte| byte == 0) => return Read::Unset,
            Self::Flag => Value::Bool(true),
            Self::Text(limit) => text(slot, *limit),
            Self::Argv => Value::Argv(words(slot)),
            Self::Path => Value::Path(Path::of(slot)),
            Self::Bytes => Value::Bytes(slot),
            Self::Ipv4 => slot.first_chunk().map_or(Value::Bytes(slot), |bytes| Value::Ipv4(*bytes)),
            Self::Ipv6 => slot.first_chunk().map_or(Value::Bytes(slot), |bytes| Value::Ipv6(*bytes)),
            Self::Port => Value::Unsigned(slot.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes).into())),
            Self::Enum(width, names) => {
                let number = width.signed(slot);
                match names.binary_search_by_key(&number, |&(number, _)| number) {
                    Ok(index) => Value::Name(&names[index].1),
                    Err(_) => Value::NoName(number),
                }
            }
            Self::Unreadable => return Read::Absent,
        })
    }
}

/// The text before the first NUL, cut at `limit`.
#[inline]
fn text(slot: &[u8], limit: Option<usize>) -> Value<'_> {
    let text = CStr::from_bytes_until_nul(slot).map_or(slot, CStr::to_bytes);
    match limit {
        Some(limit) if text.len() > limit => {
            let (shown, hidden) = text.split_at(limit);
            let inside_char = hidden.first().is_some_and(|byte| byte & 0xc0 == 0x80);
            Value::Text(if inside_char { without_half_char(shown) } else { shown }, true)
        }
        // The kernel fills a slot to its end (`comm`: to its final NUL), so a full one may end inside a character.
        None if text.len() + 1 >= slot.len() => Value::Text(without_half_char(text), false),
        Some(_) | None => Value::Text(text, false),
    }
}

/// `text` without the beginning of a UTF-8 character at its end, where all before it is valid.
#[inline]
fn without_half_char(text: &[u8]) -> &[u8] {
    match text.last() {
        Some(0x80..) => match std::str::from_utf8(text) {
            Err(error) if error.error_len().is_none() => &text[..error.valid_up_to()],
            Ok(_) | Err(_) => text,
        },
        Some(_) | None => text,
    }
}

/// The words of a command line: so many bytes as the first four say.
fn words(slot: &[u8]) -> &[u8] {
    let Some((length, bytes)) = slot.split_first_chunk() else { return &[] };
    let length = u32::from_ne_bytes(*length) as usize;
    without_half_char(&bytes[..length.min(bytes.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(kind: FieldType, slot: &[u8]) -> Option<String> {
        let field = Field {
            name: "x".into(),
            offset: 0,
            size: slot.len() as u32,
            kind,
            absent_bit: None,
            unit: String::new(),
            doc: String::new(),
        };
        match Column::new(&field, Vec::new()).read(slot, 0) {
            Read::Value(Value::Text(text, cut)) => Some(format!("{} {cut}", text.escape_ascii())),
            Read::Value(value) => Some(format!("{value:?}")),
            Read::Absent => Some("absent".into()),
            Read::Unset => None,
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
        assert!(ERRNOS.is_sorted());
        assert_eq!(read_one(FieldType::Errno, &2u32.to_ne_bytes()).unwrap(), "Name(\"ENOENT\")");
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

    /// A command line is as long as it says: what follows is none of it, and empty words at its end are.
    #[test]
    fn argv_words() {
        let read = |length: u32, bytes: &[u8]| words(&[&length.to_ne_bytes()[..], bytes].concat()).to_vec();
        assert_eq!(read(6, b"ls\0-l\0junk"), b"ls\0-l\0"[..6]);
        assert_eq!(read(5, b"ls\0\0\0\0\0\0"), b"ls\0\0\0");
        assert_eq!(read(0, b"\0\0"), b"");
        assert_eq!(read(u32::MAX, b"a\xe2\x82"), b"a");
        assert_eq!(words(b"\x01\0"), b"");
    }
}
