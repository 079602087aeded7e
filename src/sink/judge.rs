// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether something that is there already may be written to.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use super::owner::Resolved;
use super::unwritable::Unwritable;
use crate::trust::{Breach, Reason, Walked, is_of_the_kernel, writer_of_list};
use crate::words::Refusal;

/// What a sink can be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A regular file.
    File,
    /// A named pipe.
    Fifo,
    /// A terminal, `/dev/null` and the like.
    Device,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Fifo => "a FIFO",
            Self::Device => "a device",
        })
    }
}

/// What it is, where a sink can be such a thing.
pub(super) fn kind(about: &Metadata) -> Result<FileKind, Unwritable> {
    let kind = about.file_type();
    let refuse = |what: &str| Err(Unwritable::said(what));
    if kind.is_file() {
        Ok(FileKind::File)
    } else if kind.is_fifo() {
        Ok(FileKind::Fifo)
    } else if kind.is_dir() {
        refuse("it is a directory; a sink needs the path of a file")
    } else if kind.is_socket() {
        refuse("it is a socket; a sink writes to files, FIFOs, terminals and /dev/null")
    } else if kind.is_block_device() {
        refuse("it is a block device: events would overwrite what is on it")
    } else if takes_text(about.rdev()) {
        Ok(FileKind::Device)
    } else {
        refuse("it is a device but not a terminal; a sink writes to files, FIFOs, terminals and /dev/null")
    }
}

/// True for character devices that lines can be written to without harm: terminals, ports of virtual machines, and of the
/// memory devices (mem(4)) those that swallow what they get, and the kernel's log.
fn takes_text(device: u64) -> bool {
    const MEMORY: u32 = 1;
    const PSEUDO_TERMINALS: std::ops::RangeInclusive<u32> = 136..=143;
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    if major == MEMORY {
        // null, zero, full, kmsg
        return matches!(minor, 3 | 5 | 7 | 11);
    }
    if PSEUDO_TERMINALS.contains(&major) {
        return true;
    }
    let subsystem = fs::read_link(format!("/sys/dev/char/{major}:{minor}/subsystem"));
    subsystem.is_ok_and(|link| link.file_name().is_some_and(|name| name == "tty" || name == "virtio-ports"))
}

/// Whether what a path leads to may be written to. `directory` is asked where it matters.
pub(super) fn judge(
    found: &Walked,
    rights: Resolved,
    directory: impl FnOnce() -> io::Result<Walked>,
) -> Result<(), Unwritable> {
    let kind = kind(&found.about)?;
    // First: a stranger's link may lead to any descriptor of ours.
    if let Some(breach) = &found.linked_by {
        return Err(Unwritable::link(breach));
    }
    if found.path.starts_with("/proc/self/fd") {
        // Anyone who started us handed it over, as a standard stream: `/dev/stdout`, `/dev/fd/3`.
        return Ok(());
    }
    // `/proc/sys`, `/sys`: events would change how the machine runs.
    if kind == FileKind::File && is_of_the_kernel(found.file.as_fd())? {
        return Err(Unwritable::said("it is a virtual file of the kernel"));
    }
    // Devices have the owners and modes of those who use them; what counts is that nobody else put them there.
    let breach = match kind {
        FileKind::Device => found.replaced_by.clone(),
        // Who writes into it as well cannot change what its reader gets from us; its owner can read it.
        FileKind::Fifo => owner_breach(found, rights),
        FileKind::File => owner_breach(found, rights).or_else(|| mode_breach(found, rights)),
    };
    if let Some(breach) = breach {
        let help = match breach.reason {
            Reason::Owner(uid) => format!("remove it, or trust its owner: `file: {{ path: …, owner: \"{uid}\" }}`"),
            Reason::Group(gid) => {
                format!("remove the permission with chmod g-w, or trust the group: `owner: \":{gid}\"`")
            }
            Reason::User(_) => "remove the permission with chmod g-w".to_owned(),
            Reason::Everybody => "remove the permission with chmod o-w".to_owned(),
        };
        return Err(Unwritable::Judged(Refusal::new(breach.to_string()).help(help)));
    }
    if kind == FileKind::File && found.about.nlink() > 1 {
        let directory = directory()?;
        if directory.breach().is_some() || directory.is_shared {
            let why = "it has a second name in a directory where other users create files: it may be another file of \
                       yours";
            return Err(Unwritable::said(why));
        }
    }
    Ok(())
}

fn owner_breach(found: &Walked, rights: Resolved) -> Option<Breach> {
    let uid = found.about.uid();
    let breach = || Breach { path: found.path.clone(), reason: Reason::Owner(uid) };
    (!is_trusted_user(uid, rights)).then(breach)
}

fn is_trusted_user(uid: u32, rights: Resolved) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw() || rights.user == Some(uid)
}

fn mode_breach(found: &Walked, rights: Resolved) -> Option<Breach> {
    let own = rustix::process::getegid().as_raw();
    let (mode, gid) = (found.about.mode(), found.about.gid());
    // Many systems give each user a group of the same name, and let it write.
    let is_trusted = |gid: u32| gid == 0 || gid == own || rights.group == Some(gid);
    let is_listed = |reason: Reason| match reason {
        Reason::Owner(uid) | Reason::User(uid) => !is_trusted_user(uid, rights),
        Reason::Group(gid) => !is_trusted(gid),
        Reason::Everybody => true,
    };
    let reason = match mode & 0o022 {
        0 => None,
        writers if writers & 0o002 != 0 => Some(Reason::Everybody),
        _group if !is_trusted(gid) => Some(Reason::Group(gid)),
        _group => writer_of_list(found.file.as_fd(), &found.about, is_listed),
    };
    reason.map(|reason| Breach { path: found.path.clone(), reason })
}
