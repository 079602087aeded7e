// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists of rights (acl(5)): users and groups that can write a file beside its owner and its group.
//!
//! ```text
//! 02 00 00 00   01 00 07 00 ff ff ff ff   02 00 07 00 fe ff 00 00   10 00 07 00 ff ff ff ff …
//! version 2     tag   may   nobody's      2: user may  65534        16: the mask
//! ```
//!
//! The bits of the group are the mask: where they do not say `w`, no list lets anybody write. Where they do, and the group is one
//! that may, the list says who else.

use std::fs::Metadata;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{getxattr, getxattr_query};

use super::breach::Reason;
use super::through::through;

const GROUP_WRITES: u32 = 0o020;
const USER: u16 = 2;
const GROUP: u16 = 8;
const WRITE: u16 = 2;
/// Bytes of the longest list (`XATTR_SIZE_MAX`).
const MOST: usize = 64 << 10;

/// The first of a file's list that can write it and is one of those; the file may be open with `O_PATH`. `None` also where there is
/// no list.
pub fn writer_of_list(file: BorrowedFd<'_>, about: &Metadata, is_one: impl Fn(Reason) -> bool) -> Option<Reason> {
    if about.mode() & GROUP_WRITES == 0 || about.is_symlink() {
        return None;
    }
    let list = list(file)?;
    let (entries, _) = list.get(4..)?.as_chunks::<8>();
    entries.iter().find_map(|&[tag, tag_high, may, may_high, id @ ..]| {
        let (tag, may) = (u16::from_le_bytes([tag, tag_high]), u16::from_le_bytes([may, may_high]));
        let id = u32::from_le_bytes(id);
        let reason = match tag {
            USER => Reason::User(id),
            GROUP => Reason::Group(id),
            _ => return None,
        };
        Some(reason).filter(|reason| may & WRITE != 0 && is_one(*reason))
    })
}

fn list(file: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let (path, name) = (through(file), "system.posix_acl_access");
    if getxattr_query(&path, name).ok()? == 0 {
        return None;
    }
    let mut room = vec![0; MOST];
    let length = getxattr(&path, name, &mut room[..]).ok()?;
    room.truncate(length);
    Some(room)
}
