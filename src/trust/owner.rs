// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owner and mode of one file or directory, and whom they let change it.

use std::fs::Metadata;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::breach::{Breach, Reason};
use super::list::writer_of_list;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Who can change a thing on the way, as far as its owner and mode say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    owner: u32,
    group: u32,
    mode: u32,
    /// Whom its list of rights lets write, where its group alone would not.
    listed: Option<Reason>,
}

impl Guard {
    pub(super) fn of(file: BorrowedFd<'_>, about: &Metadata) -> Self {
        let (owner, group, mode) = (about.uid(), about.gid(), about.mode());
        let listed = writer_of_list(file, about, |reason| !is_trusted_writer(reason));
        Self { owner, group, mode, listed }
    }

    /// Who can put other names into this directory, or take trusted users' names out of it.
    pub(super) fn breach_of_directory(self, path: &Path) -> Option<Breach> {
        // In a sticky directory only the owners of an entry and of the directory can rename or remove it.
        if self.mode & STICKY != 0 { self.breach_of_owner(path) } else { self.breach_of_file(path) }
    }

    /// Who can write this file.
    pub(super) fn breach_of_file(self, path: &Path) -> Option<Breach> {
        let breach = |reason| Some(Breach { path: path.to_owned(), reason });
        self.breach_of_owner(path).or_else(|| match self.mode {
            mode if mode & OTHERS_WRITE != 0 => breach(Reason::Everybody),
            mode if mode & GROUP_WRITES != 0 && self.group != 0 => breach(Reason::Group(self.group)),
            _ => self.listed.and_then(breach),
        })
    }

    /// Whose it is, where that is nobody who is trusted.
    pub(super) fn breach_of_owner(self, path: &Path) -> Option<Breach> {
        let reason = Reason::Owner(self.owner);
        (!is_trusted(self.owner)).then(|| Breach { path: path.to_owned(), reason })
    }

    /// True for a directory in which others can make names of their own.
    pub(super) fn is_shared(self) -> bool {
        self.mode & OTHERS_WRITE != 0 || self.mode & GROUP_WRITES != 0 && self.group != 0 || self.listed.is_some()
    }
}

fn is_trusted_writer(reason: Reason) -> bool {
    match reason {
        Reason::Owner(uid) | Reason::User(uid) => is_trusted(uid),
        Reason::Group(gid) => gid == 0,
        Reason::Everybody => false,
    }
}

/// Root, and anyone who the process runs as.
fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}
