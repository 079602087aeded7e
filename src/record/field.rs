// SPDX-License-Identifier: MIT OR Apache-2.0
//! One field of a plan: which bytes of a record it takes, and how they become a value.

use std::ffi::CStr;

use super::path::PathNames;
use super::value::{FieldText, FieldValue, NamedNumber};
use crate::spec::{ERRNOS, Field, FieldType};

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

/// How the bytes of a field are read: its [`FieldType`] with what can be known beforehand.
#[derive(Debug, Clone)]
enum FieldReader {
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
    /// A size that this type cannot have; a catalogue makes none. Never has a value.
    Unreadable,
}

/// Bytes of an integer.
#[derive(Debug, Clone, Copy)]
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

impl RecordField {
    pub(super) fn new(field: &Field) -> Self {
        let start = field.offset as usize;
        Self {
            name: field.name.as_str().into(),
            unit: field.unit.as_str().into(),
            start,
            end: start.saturating_add(field.size as usize),
            absent_bit: field.absent_bit.and_then(|bit| 1u64.checked_shl(bit.into())).unwrap_or(0),
            reader: FieldReader::new(&field.kind, field.size).unwrap_or(FieldReader::Unreadable),
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
    #[inline]
    pub(super) fn read<'a>(&'a self, record: &'a [u8], absent: u64) -> FieldValue<'a> {
        match record.get(self.start..self.end) {
            Some(slot) if absent & self.absent_bit == 0 => self.reader.read(slot),
            Some(_) | None if matches!(self.reader, FieldReader::Flag) => FieldValue::Unset,
            Some(_) | None => FieldValue::Null,
        }
    }
}

impl FieldReader {
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
            FieldType::Named(_)
            | FieldType::Duration
            | FieldType::Timespec
            | FieldType::Ktime
            | FieldType::Ip
            | FieldType::Mac
            | FieldType::Uuid
            | FieldType::Endpoint
            | FieldType::Sock
            | FieldType::Packet
            | FieldType::Counted { .. }
            | FieldType::Dev
            | FieldType::Ksym
            | FieldType::Usym
            | FieldType::Cgroup
            | FieldType::Container
            | FieldType::Computed(..) => Self::Unreadable,
            FieldType::Enum(names) => {
                let mut names = names.to_vec();
                names.sort_by_key(|&(number, _)| number);
                Self::Enum(Width::of(size)?, names.into())
            }
        })
    }

    #[inline]
    fn read<'a>(&'a self, slot: &'a [u8]) -> FieldValue<'a> {
        match self {
            Self::Unsigned(width) => FieldValue::Unsigned(width.unsigned(slot)),
            Self::Signed(width) => FieldValue::Signed(width.signed(slot)),
            Self::Hex(width) => FieldValue::Hex(width.unsigned(slot)),
            Self::Id if slot.iter().all(|&byte| byte == 0xff) => FieldValue::Null,
            Self::Id => FieldValue::Unsigned(Width::Four.unsigned(slot)),
            Self::Bool => FieldValue::Bool(slot.iter().any(|&byte| byte != 0)),
            Self::Flag if slot.iter().all(|&byte| byte == 0) => FieldValue::Unset,
            Self::Flag => FieldValue::Bool(true),
            Self::Text(limit) => FieldValue::Text(text(slot, *limit)),
            Self::Argv => FieldValue::Argv(words(slot)),
            Self::Path => FieldValue::Path(PathNames::of(slot)),
            Self::Bytes => FieldValue::Bytes(slot),
            Self::Ipv4 => {
                slot.first_chunk::<4>().map_or(FieldValue::Bytes(slot), |bytes| FieldValue::Ipv4((*bytes).into()))
            }
            Self::Ipv6 => {
                slot.first_chunk::<16>().map_or(FieldValue::Bytes(slot), |bytes| FieldValue::Ipv6((*bytes).into()))
            }
            Self::Port => FieldValue::Unsigned(slot.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes).into())),
            Self::Enum(width, names) => {
                let number = width.signed(slot);
                let found = names.binary_search_by_key(&number, |&(number, _)| number).ok();
                FieldValue::Named(NamedNumber { number, name: found.map(|index| &names[index].1) })
            }
            Self::Unreadable => FieldValue::Null,
        }
    }
}

/// The text before the first NUL, cut at `limit`.
#[inline]
fn text(slot: &[u8], limit: Option<usize>) -> FieldText<'_> {
    let text = CStr::from_bytes_until_nul(slot).map_or(slot, CStr::to_bytes);
    match limit {
        Some(limit) if text.len() > limit => {
            let (shown, hidden) = text.split_at(limit);
            let inside_char = hidden.first().is_some_and(|byte| byte & 0xc0 == 0x80);
            FieldText { bytes: if inside_char { without_half_char(shown) } else { shown }, is_cut: true }
        }
        // The kernel fills a slot to its end (`comm`: to its final NUL), so a full one may end inside a character.
        None if text.len() + 1 >= slot.len() => FieldText { bytes: without_half_char(text), is_cut: false },
        Some(_) | None => FieldText { bytes: text, is_cut: false },
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
            bits: None,
            unit: String::new(),
            doc: String::new(),
        };
        match RecordField::new(&field).read(slot, 0) {
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
