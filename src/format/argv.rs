// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command line's words as a shell would need them: `sh -c 'echo hi' ''`.

use super::escape::{Style, escape};

/// Appends the words, each in single quotes where a shell would need them; an empty word is `''`. Each ends with a NUL; of a line
/// that was cut, the last one may have none.
pub(super) fn argv(words: &[u8], style: Style, out: &mut Vec<u8>) {
    if words.is_empty() {
        return;
    }
    let whole = words.strip_suffix(&[0]).unwrap_or(words);
    for (index, word) in whole.split(|&byte| byte == 0).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        if is_bare(word) {
            out.extend_from_slice(word);
        } else {
            quote(word, style, out);
        }
    }
}

/// The same, in double quotes as a whole where it has a space, a double quote, `=` or nothing in it.
pub(super) fn quoted_argv(words: &[u8], out: &mut Vec<u8>) {
    let only = words.strip_suffix(&[0]).unwrap_or(words);
    if words.is_empty() || only.iter().any(|byte| matches!(byte, 0 | b' ' | b'"' | b'=')) {
        out.push(b'"');
        argv(words, Style::Quoted, out);
        out.push(b'"');
    } else {
        argv(words, Style::Plain, out);
    }
}

/// True where a shell takes the word as it is.
fn is_bare(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"@%_-+=:,./".contains(byte))
}

/// A shell cannot escape a single quote between single quotes: close, `\'`, open.
fn quote(word: &[u8], style: Style, out: &mut Vec<u8>) {
    out.push(b'\'');
    for (index, part) in word.split(|&byte| byte == b'\'').enumerate() {
        if index > 0 {
            escape(b"'\\''", style, out);
        }
        escape(part, style, out);
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(words: &[u8]) -> String {
        let mut out = b"\"".to_vec();
        argv(words, Style::Json, &mut out);
        out.push(b'"');
        serde_json::from_slice(&out).unwrap()
    }

    /// Only words that a shell would misread are quoted.
    #[test]
    fn shell_words() {
        for (words, line) in [
            (&b""[..], ""),
            (b"ls\0-l\0/tmp", "ls -l /tmp"),
            (b"sh\0-c\0echo hi", "sh -c 'echo hi'"),
            (b"a\0\0b", "a '' b"),
            // Empty words at the end, which are as many as there are NULs; and nothing but one.
            (b"a\0\0", "a ''"),
            (b"a\0\0\0\0", "a '' '' ''"),
            (b"\0", "''"),
            (b"\0\0", "'' ''"),
            (b"\0a\0", "'' a"),
            (b"a\nb\0", "'a\nb'"),
            (b"echo\0it's", "echo 'it'\\''s'"),
            (b"env\0A=b", "env A=b"),
            (b"$HOME\0*", "'$HOME' '*'"),
        ] {
            assert_eq!(json(words), line);
        }
    }

    /// As the value of `key=`, the line is one double-quoted text.
    #[test]
    fn one_value() {
        for (words, value) in [
            (&b""[..], "\"\""),
            (b"ls", "ls"),
            (b"ls\0", "ls"),
            (b"\0", "''"),
            (b"ls\0\0", "\"ls ''\""),
            (b"a\nb\\n\0", "'a\\nb\\\\n'"),
            (b"ls\0-l", "\"ls -l\""),
            (b"it's", "'it'\\\\''s'"),
            (b"echo\0\"\x1b", "\"echo '\\\"\\x1b'\""),
        ] {
            let mut out = Vec::new();
            quoted_argv(words, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value);
        }
    }
}
