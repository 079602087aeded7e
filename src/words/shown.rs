// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text that somebody else chose (names of files, symbols and interfaces, values of YAML) where people read it.
//!
//! A terminal acts on control characters, a line end makes one message look like two, and bidirectional overrides make text
//! look like other text. So whatever becomes output writes them visibly: `\u{1b}`, `\n`, `\u{202e}`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// True for characters that do something instead of showing something: C0, DEL and C1 controls, line and paragraph
/// separators, bidirectional marks, overrides and isolates, and what takes no room at all.
///
/// ```
/// use ebpf_run::words::acts;
/// assert!(['\x1b', '\n', '\u{9b}', '\u{202e}', '\u{200b}', '\u{e0041}'].into_iter().all(acts));
/// assert!(!['a', ' ', 'ß', '日', '\u{fffd}'].into_iter().any(acts));
/// ```
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text as one line in which nothing [`acts`].
///
/// ```
/// use ebpf_run::words::shown;
/// assert_eq!(shown("sys\x1b[31m:no\nready"), r"sys\u{1b}[31m:no\nready");
/// assert_eq!(shown("a\u{202e}b\u{9b}"), r"a\u{202e}b\u{9b}");
/// ```
pub fn shown(text: &str) -> Cow<'_, str> {
    shown_but(text, &[])
}

/// The same, where the line ends are our own and stay.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    shown_but(text, &['\n'])
}

/// The same, where some characters stay that act.
fn shown_but<'t>(text: &'t str, stay: &[char]) -> Cow<'t, str> {
    let goes = |c: char| acts(c) && !stay.contains(&c);
    if !text.contains(goes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if goes(c) { write_out(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// `\n`, `\u{1b}`, `\u{202e}`.
pub fn write_out(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a `String` cannot fail.
        _ => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
    }
}

/// Bytes as text, so that no two are the same text: those that are no UTF-8 become `\xff`, and where these or a backslash could
/// be taken for something else, every backslash is doubled. What is plain UTF-8 stays as it is.
///
/// ```
/// use ebpf_run::words::distinct;
/// assert_eq!(distinct(b"a\xff.yaml"), r"a\xff.yaml");
/// assert_eq!(distinct(br"a\xff.yaml"), r"a\\xff.yaml");
/// assert_eq!(distinct("gr\u{f6}\u{df}e \\ 1".as_bytes()), "größe \\ 1");
/// ```
pub fn distinct(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !is_ambiguous(text)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    Cow::Owned(out)
}

/// [`distinct`] of a path.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    distinct(path.as_os_str().as_bytes())
}

/// True where a backslash could belong to one of the escapes above.
fn is_ambiguous(text: &str) -> bool {
    let follows = |at: usize| text[at + 1..].chars().next();
    text.match_indices('\\').any(|(at, _)| follows(at).is_some_and(|c| "\\xunrt".contains(c) || acts(c)))
}

/// JSON text in which nothing acts on a terminal: what [`acts`] becomes `\u009b`, which reads back as the same character. It
/// can only stand inside strings, but for the line ends and spaces between values.
///
/// ```
/// use ebpf_run::words::json_text;
/// assert_eq!(json_text("{\n\"a\": \"\u{9b}\u{e0041}\"}"), "{\n\"a\": \"\\u009b\\udb40\\udc41\"}");
/// ```
pub fn json_text(json: &str) -> Cow<'_, str> {
    let goes = |c: char| acts(c) && c != '\n';
    if !json.contains(goes) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if !goes(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces that collide where an encoding is careless.
    fn tricky() -> impl Strategy<Value = Vec<u8>> {
        let piece = proptest::sample::select(vec![
            &b"\\"[..],
            b"\\xff",
            b"\xff",
            b"u{1b}",
            b"\x1b",
            b"n",
            b"\n",
            b"u{9b}",
            "\u{9b}".as_bytes(),
            b" ",
        ]);
        proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Different bytes are different text, also when it is shown.
        #[test]
        fn no_two_are_the_same(a in tricky(), b in tricky()) {
            prop_assert_eq!(a == b, distinct(&a) == distinct(&b));
            prop_assert_eq!(a == b, shown(&distinct(&a)) == shown(&distinct(&b)));
        }

        /// Nothing acts in what is shown, and JSON means the same afterwards.
        #[test]
        fn nothing_acts(text in any::<String>()) {
            prop_assert!(!shown(&text).contains(acts));
            let json = serde_json::to_string(&text).unwrap();
            let harmless = json_text(&json);
            prop_assert!(!harmless.contains(acts));
            prop_assert_eq!(serde_json::from_str::<String>(&harmless).unwrap(), text);
        }
    }
}
