// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events go and how they are written: two axes.

use std::fmt;
use std::path::{Path, PathBuf};

/// A sink of this run: its index in the list of [`SinkSpec`]s of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SinkId(pub usize);

/// One checked sink. Two probes that name the same destination and format share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSpec {
    /// How messages call it: the name in `sinks`, or the short form as written.
    pub name: String,
    /// Where the bytes go.
    pub destination: Destination,
    /// How they are written; `None`: `pretty` on a terminal, `jsonl` otherwise.
    pub format: Option<Format>,
    /// Whose a file is that is made.
    pub rights: Rights,
}

/// Mode and owner of files that a sink makes; of a file that is there already, whose it may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Rights {
    /// Permission bits, exactly; `None`: 0640 less what the umask takes away.
    pub mode: Option<u32>,
    /// A name or a number; `None`: the user who runs it.
    pub user: Option<String>,
    /// A name or a number; `None`: the group of the process, or of the directory where that is setgid.
    pub group: Option<String>,
}

impl Rights {
    /// The owner as a file says it: `syslog`, `syslog:adm`, `:adm`.
    pub fn owner(&self) -> Option<String> {
        match (&self.user, &self.group) {
            (None, None) => None,
            (user, None) => user.clone(),
            (user, Some(group)) => Some(format!("{}:{group}", user.as_deref().unwrap_or_default())),
        }
    }
}

/// Where bytes go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(PathBuf),
    /// What is counted, for Prometheus.
    Metrics,
}

/// What kind of thing a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DestinationKind {
    /// [`Destination::Stdout`].
    Stdout,
    /// [`Destination::Stderr`].
    Stderr,
    /// [`Destination::File`].
    File,
    /// [`Destination::Metrics`].
    Metrics,
}

impl DestinationKind {
    /// How many there are.
    pub const COUNT: usize = Self::Metrics as usize + 1;
}

impl Destination {
    /// Its kind.
    pub fn kind(&self) -> DestinationKind {
        match self {
            Self::Stdout => DestinationKind::Stdout,
            Self::Stderr => DestinationKind::Stderr,
            Self::File(_) => DestinationKind::File,
            Self::Metrics => DestinationKind::Metrics,
        }
    }

    /// Its path, where it has one in the file system.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout | Self::Stderr | Self::Metrics => None,
            Self::File(path) => Some(path),
        }
    }
}

/// `stdout`, `/var/log/events.jsonl`
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::Stderr => f.write_str("stderr"),
            Self::File(path) => path.display().fmt(f),
            Self::Metrics => f.write_str("metrics"),
        }
    }
}

/// How events are written. What each of them is called, and what writes it, is in `format::WRITERS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people at a terminal: aligned, coloured, one line an event; counters as a small table.
    Pretty,
    /// One JSON object a line.
    Jsonl,
    /// One line an event, `key=value`, without colour or alignment: for grep.
    Text,
    /// Comma-separated values with a header line.
    Csv,
    /// One line for each call stack: its functions, and how often it was there.
    Folded,
}

impl Format {
    /// How many there are.
    pub const COUNT: usize = Self::Folded as usize + 1;
}
