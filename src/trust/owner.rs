// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owner and mode of one file or directory, and whom they let change it.

use std::ffi::CStr;
use std::fmt;
use std::fs::Metadata;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::ptr;

use super::list::writer_of_list;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Somebody who is neither root nor the process's own user can change what a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The file or directory on the way that lets them, without links.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why somebody can change a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It belongs to this user.
    Owner(u32),
    /// The members of this group can write it.
    Group(u32),
    /// Its list of rights lets this user write it.
    User(u32),
    /// Everybody can write it.
    Everybody,
}

impl Breach {
    /// The command that lets only root change it: `chown root /home/eve`, `chmod go-w /tmp/d`.
    pub fn remedy(&self) -> String {
        let command = match self.reason {
            // Without it, what a link leads to would change.
            Reason::Owner(_) if self.path.is_symlink() => "chown -h root",
            Reason::Owner(_) => "chown root",
            // Also of a list of rights: the bits of the group are its mask.
            Reason::Group(_) | Reason::User(_) => "chmod g-w",
            Reason::Everybody => "chmod go-w",
        };
        format!("{command} {}", self.path.display())
    }
}

/// ``/home/eve` belongs to eve`, ``/srv/x` can be written by the group staff`, ``/tmp/d` can be written by everybody`
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.path.display())?;
        match self.reason {
            Reason::Owner(uid) => match user_name(uid) {
                Some(name) => write!(f, "belongs to {name}"),
                None => write!(f, "belongs to the user {uid}"),
            },
            Reason::Group(gid) => match group_name(gid) {
                Some(name) => write!(f, "can be written by the group {name}"),
                None => write!(f, "can be written by the group {gid}"),
            },
            Reason::User(uid) => match user_name(uid) {
                Some(name) => write!(f, "can be written by {name} (getfacl)"),
                None => write!(f, "can be written by the user {uid} (getfacl)"),
            },
            Reason::Everybody => f.write_str("can be written by everybody"),
        }
    }
}

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

/// Root, and whoever the process runs as.
fn is_trusted(uid: u32) -> bool {
    // SAFETY: takes and returns a number.
    uid == 0 || uid == unsafe { libc::geteuid() }
}

/// What the names of users and groups need at most; longer ones are shown as numbers.
const NAME_ROOM: usize = 16 << 10;

/// The name of a user; `None` where nobody knows one.
pub fn user_name(uid: u32) -> Option<String> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let (mut room, mut found) = (vec![0; NAME_ROOM], ptr::null_mut());
    // SAFETY: all pointers are to locals of the sizes that are given; `found` is null or points to `entry`.
    let name = unsafe {
        libc::getpwuid_r(uid, entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &mut found);
        found.as_ref().map(|entry| CStr::from_ptr(entry.pw_name))
    };
    name.map(|name| name.to_string_lossy().into_owned())
}

fn group_name(gid: u32) -> Option<String> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let (mut room, mut found) = (vec![0; NAME_ROOM], ptr::null_mut());
    // SAFETY: as above.
    let name = unsafe {
        libc::getgrgid_r(gid, entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &mut found);
        found.as_ref().map(|entry| CStr::from_ptr(entry.gr_name))
    };
    name.map(|name| name.to_string_lossy().into_owned())
}
