// SPDX-License-Identifier: MIT OR Apache-2.0
//! Points in programs and libraries.

use std::fmt;
use std::time::Duration;

/// A point in the file of a program or library, in all processes that run it or in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPoint {
    /// The file as written: an absolute path, or a bare name that is searched for (`bash`, `libc.so.6`).
    pub binary: String,
    /// Where in it.
    pub place: UserPlace,
    /// Only this process; `None`: every one.
    pub pid: Option<u32>,
    /// Only this build of the file: its build id, in lower-case hexadecimal digits; `None`: any.
    pub build_id: Option<String>,
    /// Also where others than root could change the file.
    pub allow_untrusted: bool,
}

/// Where in the file of a program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPlace {
    /// A function, or an instruction inside it.
    Symbol {
        /// Its name in the file's tables of symbols.
        name: String,
        /// Bytes after its start; 0 at `uretprobe`.
        offset: u64,
        /// Further functions that the same program is attached to; after the first, and in order.
        more: Vec<String>,
    },
    /// So many bytes into the file.
    Offset(u64),
    /// Each place of a probe that the source names.
    Probe {
        /// Whose it is.
        provider: String,
        /// What it is called.
        name: String,
    },
}

impl UserPlace {
    /// The probe `provider:name`; `None` without a colon.
    pub fn probe(text: &str) -> Option<Self> {
        let (provider, name) = text.split_once(':')?;
        Some(Self::Probe { provider: provider.to_owned(), name: name.to_owned() })
    }
}

impl UserPoint {
    /// The function's name; `None` where the file says a number.
    pub fn symbol(&self) -> Option<&str> {
        match &self.place {
            UserPlace::Symbol { name, .. } => Some(name),
            UserPlace::Offset(_) | UserPlace::Probe { .. } => None,
        }
    }

    /// True for the same place in the same processes, whichever files may be there.
    pub fn is_at_place_of(&self, other: &Self) -> bool {
        (&self.binary, &self.place, self.pid) == (&other.binary, &other.place, other.pid)
    }

    /// The same at another function or probe.
    pub(super) fn at(&self, symbol: String) -> Self {
        let place = match &self.place {
            UserPlace::Symbol { offset, .. } => UserPlace::Symbol { name: symbol, offset: *offset, more: Vec::new() },
            UserPlace::Offset(_) => UserPlace::Symbol { name: symbol, offset: 0, more: Vec::new() },
            UserPlace::Probe { .. } => UserPlace::probe(&symbol).unwrap_or_else(|| self.place.clone()),
        };
        Self { place, ..self.clone() }
    }
}

/// `readline`, `readline+0x4`, `+0x1139`
impl fmt::Display for UserPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol { name, offset: 0, more } => write_several(f, name, more),
            Self::Symbol { name, offset, .. } => write!(f, "{name}+{offset:#x}"),
            Self::Offset(offset) => write!(f, "+{offset:#x}"),
            Self::Probe { provider, name } => write!(f, "{provider}:{name}"),
        }
    }
}

/// `bash:readline`, `/usr/bin/bash:readline (process 12)`
impl fmt::Display for UserPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.binary, self.place)?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
    }
}

/// `vfs_read`, `vfs_read, vfs_write`, `vfs_open, vfs_read and 7 more`
pub(super) fn write_several(f: &mut fmt::Formatter<'_>, first: &str, more: &[String]) -> fmt::Result {
    match more {
        [] => f.write_str(first),
        [one] => write!(f, "{first}, {one}"),
        [one, others @ ..] => write!(f, "{first}, {one} and {} more", others.len()),
    }
}

/// Tells the file that a path leads to from one that replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// Its length: an inode's number is given again.
    pub bytes: u64,
    /// Its last write: seconds since 1970, and nanoseconds.
    pub written: (i64, i64),
    /// The last change of anything about it, also of its owner and mode. Nobody can set this time.
    pub changed: (i64, i64),
    /// When it was made, since 1970; `None` where the file system does not know.
    pub born: Option<Duration>,
}
