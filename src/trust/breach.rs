// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who could change what a path leads to, and which command prevents it.

use std::ffi::CStr;
use std::fmt;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr;

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

/// ``/home/eve` belongs to eve`, ``/srv/x` is writable by the group staff`, ``/tmp/d` is writable by everyone`
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.path.display())?;
        match self.reason {
            Reason::Owner(uid) => match user_name(uid) {
                Some(name) => write!(f, "belongs to {name}"),
                None => write!(f, "belongs to the user {uid}"),
            },
            Reason::Group(gid) => match group_name(gid) {
                Some(name) => write!(f, "is writable by the group {name}"),
                None => write!(f, "is writable by the group {gid}"),
            },
            Reason::User(uid) => match user_name(uid) {
                Some(name) => write!(f, "is writable by {name} (getfacl)"),
                None => write!(f, "is writable by the user {uid} (getfacl)"),
            },
            Reason::Everybody => f.write_str("is writable by everyone"),
        }
    }
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
