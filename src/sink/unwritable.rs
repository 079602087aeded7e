// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a destination takes nothing, and what to do about it.

use std::fmt;
use std::io;

use crate::trust::Breach;
use crate::words::Refusal;

/// Why nothing is written there.
#[derive(Debug)]
pub(super) enum Unwritable {
    /// The kernel refused.
    Io(io::Error),
    /// We did.
    Judged(Refusal),
}

impl Unwritable {
    /// We refused, and nobody knows what would help.
    pub(super) fn said(why: impl Into<String>) -> Self {
        Self::Judged(Refusal::new(why))
    }

    /// A link on the way could lead wherever somebody else likes.
    pub(super) fn link(breach: &Breach) -> Self {
        let help = "write the path without links, or to a directory owned by root, such as /var/log/ebpf-run";
        Self::Judged(Refusal::new(format!("a link on the way is not followed: {breach}")).help(help))
    }

    /// Giving a file away takes a right that this process does not have.
    pub(super) fn no_chown() -> Self {
        let help = "run it as root; the comments in ebpf-run.service explain what the unit needs";
        Self::Judged(Refusal::new("setting the owner of a file needs CAP_CHOWN").help(help))
    }

    /// True where what is there was judged, and not just not found.
    pub(super) fn is_judged(&self) -> bool {
        matches!(self, Self::Judged(_))
    }

    /// In words for people.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Judged(refusal) => refusal.clone(),
            Self::Io(error) => Refusal::new(error.to_string()),
        }
    }
}

impl From<io::Error> for Unwritable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Judged(refusal) => f.write_str(&refusal.message),
        }
    }
}
