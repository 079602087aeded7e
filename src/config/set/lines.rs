// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a set: one entry on each line; empty lines and lines that begin with `#` do not count, spaces around an entry neither.

use std::collections::BTreeSet;

use super::entry::set_entry;
use crate::spec::{SetEntry, SetKind};
use crate::words::{Refusal, shown};

/// Most entries of a set from a file.
pub const MAX_SET_ENTRIES: usize = 1 << 22;
/// Characters of what is wrong with a line that are shown.
const SHOWN: usize = 120;
/// How many bad lines are kept.
const MOST_BAD: usize = 10;
/// What editors of other systems put in front of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file has, and what is wrong with it.
#[derive(Debug, Default, PartialEq)]
pub struct SetLines {
    /// The entries, each once.
    pub entries: BTreeSet<SetEntry>,
    /// The first lines that cannot be used.
    pub bad: Vec<BadLine>,
    /// How many cannot.
    pub bad_count: usize,
    /// There are more than [`MAX_SET_ENTRIES`]; those behind are not read.
    pub is_too_long: bool,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// What is wrong, and what to write.
    pub why: Refusal,
}

/// Reads the bytes of a file. `quoted`: what is wrong may repeat what a line says.
pub fn set_lines(kind: SetKind, bytes: &[u8], quoted: bool) -> SetLines {
    let mut found = SetLines::default();
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match entry(kind, line, quoted) {
            Ok(entry) => drop(found.entries.insert(entry)),
            Err(why) => {
                found.bad_count += 1;
                if found.bad.len() < MOST_BAD {
                    found.bad.push(BadLine { number: index + 1, why });
                }
            }
        }
        if found.entries.len() > MAX_SET_ENTRIES {
            found.is_too_long = true;
            break;
        }
    }
    found
}

fn entry(kind: SetKind, line: &[u8], quoted: bool) -> Result<SetEntry, Refusal> {
    if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
        return Err(Refusal::new("it is UTF-16").help("save the file as UTF-8"));
    }
    let text = std::str::from_utf8(line).map_err(|_| Refusal::new("it is not UTF-8"))?;
    set_entry(kind, text).map_err(|refusal| match quoted {
        true => Refusal { message: cut(&refusal.message), help: refusal.help.as_deref().map(cut), ..refusal },
        false => Refusal::new(format!("it is no entry of a set of kind `{}`", kind.word())),
    })
}

fn cut(message: &str) -> String {
    let shown = shown(message);
    if shown.chars().count() <= SHOWN {
        return shown.into_owned();
    }
    let begin: String = shown.chars().take(SHOWN).collect();
    format!("{begin}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(found: &SetLines) -> Vec<String> {
        found.entries.iter().map(ToString::to_string).collect()
    }

    fn first_bad(found: &SetLines) -> (usize, String) {
        found.bad.first().map(|bad| (bad.number, bad.why.message.clone())).unwrap_or_default()
    }

    /// Comments and empty lines do not count; a bad line has its number, and the others count.
    #[test]
    fn good_and_bad_lines() {
        let text = b"# networks\n10.0.0.0/8\r\n\n  ::1  \n10.0.0.5/8\n\xff\n";
        let found = set_lines(SetKind::Ip, text, true);
        assert_eq!(entries(&found), ["::1", "10.0.0.0/8"]);
        assert_eq!((first_bad(&found).0, found.bad_count), (5, 2));
        let help = found.bad.first().and_then(|bad| bad.why.help.clone()).unwrap_or_default();
        assert!(help.contains("write `10.0.0.0/8`"), "{help}");
    }

    /// An overlong line is a bad one; a line without an end counts.
    #[test]
    fn overlong_lines() {
        let text = format!("{}\n/etc/passwd", "x".repeat(127));
        let found = set_lines(SetKind::Text, text.as_bytes(), true);
        assert_eq!((found.entries.len(), found.bad_count), (1, 1));
    }

    /// Files of other systems: a mark in front, lines that end with CR LF, what is there twice; an IPv4 address in the form of IPv6.
    #[test]
    fn careless_files() {
        let found = set_lines(SetKind::Number, b"\xef\xbb\xbf# ports\r\n53\r\n443\r\n0x35\r\n", true);
        assert_eq!((entries(&found), found.bad_count), (vec!["53".to_owned(), "443".to_owned()], 0));
        let found = set_lines(SetKind::Ip, b"\xef\xbb\xbf10.0.0.1\n::ffff:10.0.0.1\n::ffff:10.0.0.0/104", true);
        assert_eq!((entries(&found), found.bad_count), (vec!["10.0.0.0/8".to_owned(), "10.0.0.1".to_owned()], 0));
        let found = set_lines(SetKind::Number, b"\xff\xfe5\x003\x00\n\x00", true);
        assert_eq!((first_bad(&found), found.bad_count), ((1, "it is UTF-16".to_owned()), 2));
    }

    /// What a line of a file says that not everybody may read is not repeated.
    #[test]
    fn private_lines() {
        let found = set_lines(SetKind::Ip, b"root:$6$secret:19000:0:99999:7:::", false);
        assert_eq!(first_bad(&found), (1, "it is no entry of a set of kind `ip`".to_owned()));
        assert!(found.bad.iter().all(|bad| bad.why.help.is_none()));
    }

    /// There is an end to what is read.
    #[test]
    fn too_many_lines() {
        let text = (0..=MAX_SET_ENTRIES + 5).map(|number| format!("{number}\n")).collect::<String>();
        let found = set_lines(SetKind::Number, text.as_bytes(), true);
        assert!(found.is_too_long && found.entries.len() == MAX_SET_ENTRIES + 1);
    }
}
