// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a set: one entry on each line; empty lines and lines that begin with `#` do not count.

use std::collections::BTreeSet;

use crate::config::set_entry;
use crate::spec::{SetEntry, SetKind};
use crate::words::shown;

/// Characters of a bad line that are shown.
const SHOWN: usize = 60;

/// What a file has, and what is wrong with it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lines {
    pub(super) entries: BTreeSet<SetEntry>,
    /// The first line that cannot be used, by its number, with the reason.
    pub(super) bad: Option<(usize, String)>,
    /// How many cannot.
    pub(super) bad_count: usize,
}

/// Reads the bytes of a file.
pub(super) fn lines(kind: SetKind, bytes: &[u8]) -> Lines {
    let mut found = Lines::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let read = match std::str::from_utf8(line) {
            Ok(text) => set_entry(kind, text).map_err(|refusal| match refusal.help {
                Some(help) => format!("{}; {help}", cut(&refusal.message)),
                None => cut(&refusal.message),
            }),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        match read {
            Ok(entry) => drop(found.entries.insert(entry)),
            Err(why) => {
                found.bad.get_or_insert((index + 1, why));
                found.bad_count += 1;
            }
        }
    }
    found
}

fn cut(message: &str) -> String {
    let shown = shown(message);
    if shown.chars().count() <= SHOWN * 2 {
        return shown.into_owned();
    }
    let begin: String = shown.chars().take(SHOWN * 2).collect();
    format!("{begin}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Comments and empty lines do not count; a bad line has its number, and the others count.
    #[test]
    fn good_and_bad_lines() {
        let text = b"# networks\n10.0.0.0/8\r\n\n  ::1  \n10.0.0.5/8\n\xff\n";
        let found = lines(SetKind::Ip, text);
        assert_eq!(found.entries.iter().map(ToString::to_string).collect::<Vec<_>>(), ["::1", "10.0.0.0/8"]);
        let (line, why) = found.bad.unwrap_or_default();
        assert_eq!((line, found.bad_count), (5, 2));
        assert!(why.contains("write `10.0.0.0/8`"), "{why}");
    }

    /// An overlong line is a bad one; a line without an end counts.
    #[test]
    fn overlong_lines() {
        let text = format!("{}\n/etc/passwd", "x".repeat(127));
        let found = lines(SetKind::Text, text.as_bytes());
        assert_eq!((found.entries.len(), found.bad_count), (1, 1));
    }
}
