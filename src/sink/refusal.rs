// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a destination takes nothing, and what to do about it.

use std::fmt;
use std::io;

use crate::trust::Breach;

/// Why nothing is written there.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The kernel refused.
    Io(io::Error),
    /// We did.
    Judged { why: String, help: Option<String> },
}

impl Refusal {
    pub(super) fn said(why: String) -> Self {
        Self::Judged { why, help: None }
    }

    /// A link on the way could lead wherever somebody else likes.
    pub(super) fn link(breach: &Breach) -> Self {
        Self::Judged {
            why: format!("a link on the way is not followed: {breach}"),
            help: Some(
                "write the path without links, or to a directory owned by root, such as /var/log/ebpf-run".to_owned(),
            ),
        }
    }

    /// Giving a file away takes a right that this process does not have.
    pub(super) fn no_chown() -> Self {
        Self::Judged {
            why: "setting the owner of a file needs CAP_CHOWN".to_owned(),
            help: Some("run it as root; the comments in ebpf-run.service explain what the unit needs".to_owned()),
        }
    }

    /// True where what is there was judged, and not just not found.
    pub(super) fn is_judged(&self) -> bool {
        matches!(self, Self::Judged { .. })
    }

    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::Judged { help, .. } => help.clone(),
            Self::Io(_) => None,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Judged { why, .. } => f.write_str(why),
        }
    }
}
