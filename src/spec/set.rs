// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets of values that expressions ask for: `ip not in private`, `path.under(watched)`, `pid in descendants(1234)`.

use core::net::Ipv6Addr;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::formula::SetName;

/// What a set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SetKind {
    /// Addresses and networks.
    Ip,
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Processes, by their ids.
    Pid,
}

impl SetKind {
    /// All of them, by the word in the file.
    pub const WORDS: [(&'static str, Self); 4] =
        [("ip", Self::Ip), ("text", Self::Text), ("number", Self::Number), ("pid", Self::Pid)];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Text => "text",
            Self::Number => "number",
            Self::Pid => "pid",
        }
    }

    /// The kind of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }
}

/// A set that a probe asks for. What is in it is no part of the probe: it may change while the probe runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUse {
    /// How expressions call it: `private`, `descendants(1234)`.
    pub word: String,
    /// Its name in the run.
    pub name: SetName,
    /// What it holds.
    pub kind: SetKind,
}

impl SetUse {
    /// The set that has the id of one cgroup, so that the kernel can decide `cgroup.under("/x")`. `None` for what is not the path of
    /// one: a whole path of plain names.
    pub fn of_cgroup(path: &str) -> Option<(Self, SetSpec)> {
        let path = if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) };
        let names = path.strip_prefix('/')?;
        let is_plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
        if !names.is_empty() && !names.split('/').all(is_plain) {
            return None;
        }
        let word = format!("cgroup {path}");
        let name = SetName(word.as_str().into());
        let spec = SetSpec { name: name.clone(), kind: SetKind::Number, source: SetSource::Cgroup(path.to_owned()) };
        Some((Self { word, name, kind: SetKind::Number }, spec))
    }

    /// Whether it has the id of a cgroup, whose level an expression asks for.
    pub fn is_of_cgroup(&self) -> bool {
        self.word.starts_with("cgroup ")
    }
}

/// A set, as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSpec {
    /// Its name, unique in the run.
    pub name: SetName,
    /// What it holds.
    pub kind: SetKind,
    /// Where that is from.
    pub source: SetSource,
}

impl SetSpec {
    /// How deep the cgroup is whose id the set has: 0 for the root.
    pub fn cgroup_level(&self) -> Option<usize> {
        let SetSource::Cgroup(path) = &self.source else { return None };
        Some(path.split('/').filter(|name| !name.is_empty()).count())
    }
}

/// Where the content of a set is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetSource {
    /// It stands in the configuration; sorted, each once.
    Entries(Vec<SetEntry>),
    /// A file with one entry a line, which is followed; relative paths are relative to the directory of the configuration.
    File(PathBuf),
    /// The id of the cgroup of this path, from the root of the hierarchy; none while there is no such cgroup.
    Cgroup(String),
    /// A process, its children, theirs, and so on, whether they exist already or come later.
    Descendants(u32),
}

/// What one set holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetEntry {
    /// A network: IPv4 stands as `::ffff:a.b.c.d`, its prefix 96 bits longer. A single address has the prefix 128.
    Network(Ipv6Addr, u8),
    /// A text of 1 to [`SetEntry::MAX_TEXT`] bytes, without NUL.
    Text(Arc<[u8]>),
    /// A number, or a process by its id; fits an i64 or a u64.
    Number(i128),
}

impl SetEntry {
    /// Bytes of the longest text: the kernel compares 128 with the NUL, and a text that it had to cut is never one of a set.
    pub const MAX_TEXT: usize = 126;
}

/// As a person writes it.
impl fmt::Display for SetEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(ip, prefix) => match (ip.to_ipv4_mapped(), prefix) {
                (Some(ip), 128) => write!(f, "{ip}"),
                (Some(ip), 96..) => write!(f, "{ip}/{}", prefix - 96),
                (_, 128) => write!(f, "{ip}"),
                _network => write!(f, "{ip}/{prefix}"),
            },
            Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
