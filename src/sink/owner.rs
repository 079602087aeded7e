// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users and groups that a file names, as numbers of this machine.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use super::unwritable::Unwritable;
use crate::spec::Rights;

/// What an entry of the databases needs at most; groups can have many members.
const ENTRY_ROOM: usize = 1 << 20;

/// Mode and owner of what is made, and whose may be there already. `None`: not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Resolved {
    pub(super) mode: Option<u32>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
}

/// Looks up the names, which may be known now that were not before.
pub(super) fn resolve(rights: &Rights) -> Result<Resolved, Unwritable> {
    let user = rights.user.as_deref().map(|name| id(name, "user", user_id)).transpose()?;
    let group = rights.group.as_deref().map(|name| id(name, "group", group_id)).transpose()?;
    Ok(Resolved { mode: rights.mode, user, group })
}

fn id(name: &str, what: &str, look_up: impl Fn(&CString) -> Option<u32>) -> Result<u32, Unwritable> {
    let named = CString::new(name).ok().and_then(|name| look_up(&name));
    // The largest number means "as it is" to chown(2).
    let number = || name.parse::<u32>().ok().filter(|number| *number != u32::MAX);
    named.or_else(number).ok_or_else(|| Unwritable::said(format!("this machine has no {what} `{name}`")))
}

fn user_id(name: &CString) -> Option<u32> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let (mut room, mut found) = (vec![0 as c_char; ENTRY_ROOM], ptr::null_mut());
    // rustix asks no databases of users.
    // SAFETY: the name ends with a NUL, all other pointers are to locals of the sizes that are given; `found` is null or
    // points to `entry`.
    unsafe {
        libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &mut found);
        found.as_ref().map(|entry| entry.pw_uid)
    }
}

fn group_id(name: &CString) -> Option<u32> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let (mut room, mut found) = (vec![0 as c_char; ENTRY_ROOM], ptr::null_mut());
    // SAFETY: as above.
    unsafe {
        libc::getgrnam_r(name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &mut found);
        found.as_ref().map(|entry| entry.gr_gid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and numbers; what is neither is refused by its name.
    #[test]
    fn names_and_numbers() {
        let rights =
            |user: &str, group: &str| Rights { mode: None, user: Some(user.into()), group: Some(group.into()) };
        let found = |user: &str, group: &str| resolve(&rights(user, group)).map_err(|error| error.to_string());
        assert_eq!(found("root", "0"), Ok(Resolved { mode: None, user: Some(0), group: Some(0) }));
        assert_eq!(found("4711", "root"), Ok(Resolved { mode: None, user: Some(4711), group: Some(0) }));
        for name in ["no-such-user", "4294967295", "-1"] {
            assert_eq!(found(name, "0"), Err(format!("this machine has no user `{name}`")));
        }
        assert_eq!(found("0", "no-such-group"), Err("this machine has no group `no-such-group`".to_owned()));
    }
}
