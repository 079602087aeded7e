// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes that somebody else chose (file names, command lines) become text that is valid UTF-8 and does nothing.
//!
//! A terminal acts on control characters, and bidirectional overrides make text look like other text. So in every
//! format these are written visibly: `\u001b` in JSON (which reads back as the same character), `\x1b` elsewhere.
//! Bytes that are not UTF-8 become `\xff`. JSON has no such escape: a string with such bytes holds the text `\xff`, each of its
//! own backslashes is doubled, and a field beside it says that it has to be read this way.

use std::io::Write as _;

use crate::words::acts;

/// What a string is written into, which decides how it is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Inside the double quotes of a JSON string, RFC 8259 §7: for UTF-8.
    Json,
    /// The same for bytes that are no UTF-8: `\xff` and `\\` once the JSON has been read.
    JsonEscaped,
    /// For people and grep: a backslash is doubled.
    Plain,
    /// The same between double quotes, which are escaped too.
    Quoted,
}

/// The style of JSON that tells these bytes from all others.
#[inline]
pub(super) fn json_style(bytes: &[u8]) -> Style {
    // The library looks at two words at once as long as they are ASCII.
    if std::str::from_utf8(bytes).is_ok() { Style::Json } else { Style::JsonEscaped }
}

/// Appends `bytes` inside a JSON string. True where they are no UTF-8, and so had to be written as [`Style::JsonEscaped`].
#[inline]
pub(super) fn json_escape(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let plain = plain_len(bytes);
    out.extend_from_slice(&bytes[..plain]);
    plain < bytes.len() && json_rest(&bytes[plain..], out)
}

#[cold]
fn json_rest(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let style = json_style(bytes);
    escape_rest(bytes, style, out);
    style == Style::JsonEscaped
}

/// Appends `bytes` so that they are harmless inside a string of this style.
#[inline]
pub(super) fn escape(bytes: &[u8], style: Style, out: &mut Vec<u8>) {
    let plain = plain_len(bytes);
    out.extend_from_slice(&bytes[..plain]);
    if plain < bytes.len() {
        escape_rest(&bytes[plain..], style, out);
    }
}

/// Appends `bytes`, in double quotes where a reader that splits at spaces and `=` would otherwise be misled.
pub(super) fn quoted_if_needed(bytes: &[u8], out: &mut Vec<u8>) {
    if needs_quotes(bytes) {
        out.push(b'"');
        escape(bytes, Style::Quoted, out);
        out.push(b'"');
    } else {
        escape(bytes, Style::Plain, out);
    }
}

/// True for the empty string and for what holds a space, a double quote or `=`.
pub(super) fn needs_quotes(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.iter().any(|byte| matches!(byte, b' ' | b'"' | b'='))
}

/// How many bytes at the start need no look in any style: printable ASCII without `"` and `\`.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    let mut done = 0;
    for chunk in bytes.chunks_exact(8) {
        let Ok(word) = <[u8; 8]>::try_from(chunk) else { break };
        let special = special_bytes(u64::from_le_bytes(word));
        if special != 0 {
            return done + (special.trailing_zeros() / 8) as usize;
        }
        done += 8;
    }
    let tail = &bytes[done..];
    done + tail.iter().position(|&byte| !PLAIN[byte as usize]).unwrap_or(tail.len())
}

/// Bytes that need no look, one by one.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    plain
};

/// Eight bytes at once: the lowest set bit lies in the first byte (in memory) that is not [`PLAIN`]. Bits above that one may be
/// wrong, because a borrow runs upwards.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_in = |w: u64| w.wrapping_sub(ONES) & !w;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero_in(word ^ (ONES * b'"' as u64));
    let backslash = zero_in(word ^ (ONES * b'\\' as u64));
    let delete = zero_in(word ^ (ONES * 0x7f));
    (below_space | quote | backslash | delete | word) & HIGH
}

#[cold]
fn escape_rest(bytes: &[u8], style: Style, out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            // What is plain is ASCII, so `plain` is a character boundary.
            let plain = plain_len(rest.as_bytes());
            out.extend_from_slice(&rest.as_bytes()[..plain]);
            let mut chars = rest[plain..].chars();
            let Some(c) = chars.next() else { break };
            escape_char(c, style, out);
            rest = chars.as_str();
        }
        for &byte in chunk.invalid() {
            if style == Style::JsonEscaped {
                out.push(b'\\');
            }
            hex_escape(byte, out);
        }
    }
}

fn escape_char(c: char, style: Style, out: &mut Vec<u8>) {
    match (style, c) {
        (Style::Json | Style::JsonEscaped | Style::Quoted, '"') => out.extend_from_slice(b"\\\""),
        (Style::JsonEscaped, '\\') => out.extend_from_slice(br"\\\\"),
        (_, '\\') => out.extend_from_slice(b"\\\\"),
        (_, '\n') => out.extend_from_slice(b"\\n"),
        (_, '\r') => out.extend_from_slice(b"\\r"),
        (_, '\t') => out.extend_from_slice(b"\\t"),
        (Style::Json | Style::JsonEscaped, _) if acts(c) => json_units(c, out),
        (Style::Plain | Style::Quoted, _) if c.is_ascii_control() => hex_escape(c as u8, out),
        // Writing to a Vec cannot fail.
        (Style::Plain | Style::Quoted, _) if acts(c) => drop(write!(out, "\\u{{{:x}}}", c as u32)),
        (_, _) => {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// `\u001b`, of some characters two of them.
fn json_units(c: char, out: &mut Vec<u8>) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        hex(&unit.to_be_bytes(), out);
    }
}

/// `\x1b`.
fn hex_escape(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    hex(&[byte], out);
}

/// Appends two lower-case hexadecimal digits for each byte.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(bytes: &[u8], style: Style) -> String {
        let mut out = Vec::new();
        escape(bytes, style, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What a terminal would act on is written visibly, in each style.
    #[test]
    fn nothing_acts_on_a_terminal() {
        for (bytes, json, plain) in [
            (&b"\x1b[31m"[..], "\\u001b[31m", "\\x1b[31m"),
            (b"a\nb\tc\rd", "a\\nb\\tc\\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}2J".as_bytes(), "\\u009b2J", "\\u{9b}2J"),
            ("x\u{202e}gpj.exe".as_bytes(), "x\\u202egpj.exe", "x\\u{202e}gpj.exe"),
            ("\u{2028}\u{2066}".as_bytes(), "\\u2028\\u2066", "\\u{2028}\\u{2066}"),
            (b"\x7f", "\\u007f", "\\x7f"),
            ("größe/日本".as_bytes(), "größe/日本", "größe/日本"),
            (b"a\\b", "a\\\\b", "a\\\\b"),
            (b"say \"hi\"", "say \\\"hi\\\"", "say \"hi\""),
        ] {
            assert_eq!(escaped(bytes, Style::Json), json);
            assert_eq!(escaped(bytes, Style::Plain), plain);
        }
        assert_eq!(escaped(b"say \"hi\"", Style::Quoted), "say \\\"hi\\\"");
    }

    /// A byte that is no UTF-8 is told from the text that it is shown as, in each style.
    #[test]
    fn bytes_are_not_their_escapes() {
        let json = |bytes| {
            let mut out = Vec::new();
            let is_escaped = json_escape(bytes, &mut out);
            (String::from_utf8(out).unwrap(), is_escaped)
        };
        assert_eq!(json(b"a\xff"), (r"a\\xff".to_owned(), true));
        assert_eq!(json(br"a\xff"), (r"a\\xff".to_owned(), false));
        assert_eq!(json(b"\\a\xff\"\x1b"), (r#"\\\\a\\xff\"\u001b"#.to_owned(), true));
        assert_eq!(escaped(b"a\xff", Style::Plain), r"a\xff");
        assert_eq!(escaped(br"a\xff", Style::Plain), r"a\\xff");
    }

    /// Values are quoted when they are empty or hold a space, a quote or an equals sign, and only then.
    #[test]
    fn quotes_where_needed() {
        for (bytes, text) in [
            (&b""[..], "\"\""),
            (b"plain/path", "plain/path"),
            (b"two words", "\"two words\""),
            (b"a=b", "\"a=b\""),
            (b"q\"q", "\"q\\\"q\""),
            (b"it's", "it's"),
            (b"tab\there", "tab\\there"),
        ] {
            let mut out = Vec::new();
            quoted_if_needed(bytes, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    /// The bytes behind a text with `\xff` and `\\`, as the man page says.
    fn unescape(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('\\') {
            bytes.extend_from_slice(before.as_bytes());
            rest = match behind.strip_prefix('x') {
                Some(hex) => {
                    bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
                    &hex[2..]
                }
                None => {
                    bytes.push(b'\\');
                    &behind[1..]
                }
            };
        }
        [bytes, rest.as_bytes().to_vec()].concat()
    }

    proptest! {
        /// The scan of eight bytes at once stops where a scan byte by byte stops.
        #[test]
        fn wide_scan_agrees_with_narrow(bytes in proptest::collection::vec(
            prop_oneof![4 => 0x20u8..0x7f, 1 => any::<u8>()], 0..40)) {
            let narrow = bytes.iter().position(|&b| !PLAIN[b as usize]).unwrap_or(bytes.len());
            prop_assert_eq!(plain_len(&bytes), narrow);
        }

        /// JSON text reads back, by serde_json, as what went in, and shows no character that acts.
        #[test]
        fn json_reads_back(text in any::<String>()) {
            let json = escaped(text.as_bytes(), Style::Json);
            prop_assert!(!json.chars().any(acts));
            let back: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
            prop_assert_eq!(back, text);
        }

        /// Whatever the bytes, the text is UTF-8 without control characters, in every style.
        #[test]
        fn any_bytes_become_harmless_text(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for style in [Style::Json, Style::JsonEscaped, Style::Plain, Style::Quoted] {
                prop_assert!(!escaped(&bytes, style).chars().any(acts));
            }
            let json = escaped(&bytes, Style::JsonEscaped);
            let text: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
            prop_assert_eq!(unescape(&text), bytes);
        }
    }
}
