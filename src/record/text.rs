// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text and buffers as they lie in a record.

use std::ffi::CStr;

use super::value::FieldText;

/// The text before the first NUL, cut at `limit`.
#[inline(always)]
pub(super) fn text(slot: &[u8], limit: Option<usize>) -> FieldText<'_> {
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
pub(super) fn words(slot: &[u8]) -> &[u8] {
    let Some((length, bytes)) = slot.split_first_chunk() else { return &[] };
    let length = u32::from_ne_bytes(*length) as usize;
    without_half_char(&bytes[..length.min(bytes.len())])
}

/// A buffer with a length of its own: the bytes that are there, and how many there were.
#[inline]
pub(super) fn counted(slot: &[u8]) -> (&[u8], usize) {
    let Some((length, rest)) = slot.split_first_chunk() else { return (&[], 0) };
    let Some((total, bytes)) = rest.split_first_chunk() else { return (&[], 0) };
    let length = (u32::from_ne_bytes(*length) as usize).min(bytes.len());
    (&bytes[..length], (u32::from_ne_bytes(*total) as usize).max(length))
}

/// The same, of text: it ends before the first NUL.
#[inline]
pub(super) fn counted_text(slot: &[u8]) -> FieldText<'_> {
    let (bytes, total) = counted(slot);
    match CStr::from_bytes_until_nul(bytes) {
        Ok(text) => FieldText { bytes: text.to_bytes(), is_cut: false },
        Err(_) if total > bytes.len() => FieldText { bytes: without_half_char(bytes), is_cut: true },
        Err(_) => FieldText { bytes, is_cut: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// A buffer never runs past its length nor its slot; text of it ends at a NUL, and is cut only without one.
    #[test]
    fn counted_buffers() {
        let slot =
            |length: u32, total: u32, bytes: &[u8]| [&length.to_ne_bytes()[..], &total.to_ne_bytes(), bytes].concat();
        assert_eq!(counted(&slot(2, 2, b"abcd")), (&b"ab"[..], 2));
        assert_eq!(counted(&slot(4, 9, b"abcd")), (&b"abcd"[..], 9));
        assert_eq!(counted(&slot(u32::MAX, 0, b"abcd")), (&b"abcd"[..], 4));
        assert_eq!(counted(b"\x01\0\0\0\0"), (&b""[..], 0));
        let text = |length, total, bytes: &[u8]| {
            let slot = slot(length, total, bytes);
            let text = counted_text(&slot);
            (text.bytes.to_vec(), text.is_cut)
        };
        assert_eq!(text(4, 9, b"ab\0d"), (b"ab".to_vec(), false));
        assert_eq!(text(4, 9, b"abc\xe2"), (b"abc".to_vec(), true));
        assert_eq!(text(4, 4, b"abc\xe2"), (b"abc\xe2".to_vec(), false));
    }
}
