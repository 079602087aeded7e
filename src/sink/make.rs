// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening what has a path, or making a file there.
//!
//! ```text
//! /var/log/ebpf-run/x.jsonl   nothing there   made in the directory that was walked to: O_EXCL, so no link is followed
//!                             a file of ours  opened through the descriptor that was judged
//! /home/eve/x.jsonl           hers, a link    refused: it may lead to /etc/passwd
//! ```
//!
//! What others can write is not used, and links that others could have made are not followed; a directory of somebody else
//! is good enough to make a file in, which can be taken away from there and no more.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::judge::{FileKind, judge, kind};
use super::owner::Resolved;
use super::unwritable::Unwritable;
use crate::trust::{self, Breach, Walked};

/// Links to files that are not there which are followed on one path.
const MOST_LINKS: usize = 40;
/// Where the systemd unit and the examples write: made where it is missing.
const OUR_DIRECTORY: &str = "/var/log/ebpf-run";
/// How often a name may come and go while it is opened.
const MOST_CHANGES: usize = 8;

/// What was opened, and who could take it away from its directory.
pub(super) type Made = (File, Option<Breach>);

/// Opens what the path leads to, where it is of the kind that it was before, or makes a file. Waits for nobody.
pub(super) fn open_path(path: &Path, rights: Resolved, before: Option<FileKind>) -> Result<Made, Unwritable> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match open_or_make(&path, rights, before)? {
            Opened::Done(file, breach) => return Ok((file, breach)),
            Opened::Link(target) => path = target,
        }
    }
    Err(io::Error::from(Errno::LOOP).into())
}

/// Whether [`open_path`] would find or make something good, as far as that can be known without doing it.
pub(super) fn examine_path(path: &Path, rights: Resolved) -> Result<(), Unwritable> {
    match trust::walk(path) {
        Ok(found) => judge(&found, rights, || parent(&found)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Err(_) if parent_of(path) == Path::new(OUR_DIRECTORY) => Ok(()),
        Err(_) => directory(path).map(|_| ()),
    }
}

enum Opened {
    Done(File, Option<Breach>),
    /// To something that is not there yet.
    Link(PathBuf),
}

fn open_or_make(path: &Path, rights: Resolved, before: Option<FileKind>) -> Result<Opened, Unwritable> {
    for _ in 0..MOST_CHANGES {
        match trust::walk(path) {
            Ok(found) => {
                return open_found(path, &found, rights, before).map(|file| Opened::Done(file, found.replaced_by));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) => {}
        }
        let directory = directory(path)?;
        match make(&directory, path, rights) {
            Ok(file) => return Ok(Opened::Done(file, directory.breach().cloned())),
            Err(Unwritable::Io(error)) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // A link to nothing, or somebody was faster.
        if let Ok(target) = fs::read_link(entry(&directory, path)) {
            return follow(&directory, path, &target).map(Opened::Link);
        }
    }
    Err(Unwritable::said("it is being replaced again and again"))
}

/// The directory in which it was found.
fn parent(found: &Walked) -> io::Result<Walked> {
    trust::walk(found.path.parent().unwrap_or(Path::new("/")))
}

fn open_found(path: &Path, found: &Walked, rights: Resolved, before: Option<FileKind>) -> Result<File, Unwritable> {
    judge(found, rights, || parent(found))?;
    let kind = kind(&found.about)?;
    if let Some(before) = before.filter(|before| *before != kind) {
        return Err(Unwritable::said(format!("{before} was there, and now it is {kind}")));
    }
    // The very file that was judged, whatever has its name by now.
    let judged = trust::through(found.file.as_fd());
    let mut options = OpenOptions::new();
    match kind {
        // Readable too: the end tells whether the last line is whole.
        FileKind::File => options.read(true).append(true),
        // Write-only: a FIFO that is opened for both is its own reader, and never says that nobody reads.
        FileKind::Fifo | FileKind::Device => options.write(true),
    };
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    options.custom_flags(flags).open(judged).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => Unwritable::said("it is a FIFO without a reader; start the reader first"),
        Some(Errno::NOENT) => {
            Unwritable::said(format!("`{}` cannot be opened without /proc: mount it", path.display()))
        }
        Some(_) | None => error.into(),
    })
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directory in which a file is to be made. The one for our logs is made too.
fn directory(path: &Path) -> Result<Walked, Unwritable> {
    let parent = parent_of(path);
    let missing = |error: &io::Error| error.kind() == ErrorKind::NotFound;
    let walked = match trust::walk(parent) {
        Err(error) if missing(&error) && parent == Path::new(OUR_DIRECTORY) => {
            // What comes of it is seen by the second walk.
            drop(DirBuilder::new().mode(0o750).create(parent));
            trust::walk(parent)
        }
        walked => walked,
    };
    let walked = walked.map_err(|error| match missing(&error) {
        true => io::Error::other(format!("the directory `{}` does not exist", parent.display())),
        false => error,
    })?;
    if !walked.about.is_dir() {
        return Err(io::Error::from(Errno::NOTDIR).into());
    }
    match &walked.linked_by {
        Some(breach) => Err(Unwritable::link(breach)),
        None => Ok(walked),
    }
}

/// Makes a file where nothing has its name.
fn make(directory: &Walked, path: &Path, rights: Resolved) -> Result<File, Unwritable> {
    let name = path.file_name().ok_or(io::Error::from(ErrorKind::IsADirectory))?;
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = if rights.mode.is_some() { 0o600 } else { 0o640 };
    let made = openat(&directory.file, name, flags, Mode::from_raw_mode(mode)).map_err(io::Error::from)?;
    let file = File::from(made);
    hand_over(&file, directory, rights).inspect_err(|_| {
        // Nobody shall find it with the wrong owner, and take that for ours.
        let _gone = unlinkat(&directory.file, name, AtFlags::empty());
    })?;
    Ok(file)
}

/// Gives a file that was just made its mode and its owner.
fn hand_over(file: &File, directory: &Walked, rights: Resolved) -> Result<(), Unwritable> {
    if let Some(mode) = rights.mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    let about = file.metadata()?;
    // A stranger's directory that is setgid would let their group read it.
    let of_stranger = directory.breach().is_some();
    let group = rights.group.or_else(|| of_stranger.then(|| rustix::process::getegid().as_raw()));
    let user = rights.user.filter(|user| *user != about.uid());
    let group = group.filter(|group| *group != about.gid());
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(file, user, group).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => Unwritable::no_chown(),
        _ => error.into(),
    })
}

/// An entry of the directory that was walked to, whatever has the directory's name by now.
fn entry(directory: &Walked, path: &Path) -> PathBuf {
    trust::through(directory.file.as_fd()).join(path.file_name().unwrap_or_default())
}

/// Where a link leads whose target is not there: followed only where nobody else can make links.
fn follow(directory: &Walked, path: &Path, target: &Path) -> Result<PathBuf, Unwritable> {
    if let Some(breach) = directory.breach() {
        return Err(Unwritable::link(breach));
    }
    if directory.is_shared {
        let what = format!("`{}` is a link in a directory where other users create files", path.display());
        return Err(Unwritable::said(what));
    }
    Ok(directory.path.join(target))
}
