// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a destination, and the sentence that says why it could not be.
//!
//! ```text
//! /var/log/ebpf-run/x.jsonl   nothing there   made in the directory that was walked to: O_EXCL, so no link is followed
//!                             a file of ours  opened through the descriptor that was judged
//! /home/eve/x.jsonl           hers, a link    refused: it may lead to /etc/passwd
//! ```
//!
//! What others can write is not used, and links that others could have made are not followed; a directory of somebody else
//! is good enough to make a file in, which can be taken away from there and no more.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::judge::{Kind, Refusal, judge, kind};
use super::output::Output;
use crate::spec::Destination;
use crate::trust::{self, Walked};

/// Links to files that are not there which are followed on one path.
const MOST_LINKS: usize = 40;
/// How often a name may come and go while it is opened.
const MOST_CHANGES: usize = 8;

/// Why a sink could not be opened: ``failed to open `/x/y.jsonl`: the directory `/x` does not exist``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkOpenError {
    what: String,
    why: String,
    help: Option<String>,
}

impl SinkOpenError {
    pub(super) fn new(destination: &Destination, why: &Refusal) -> Self {
        Self { what: destination.to_string(), why: why.to_string(), help: why.help() }
    }

    /// What to do about it, where there is something.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for SinkOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to open `{}`: {}", self.what, self.why)
    }
}

impl std::error::Error for SinkOpenError {}

/// Opens the destination without waiting for anybody.
pub(super) fn open(destination: &Destination) -> Result<Output, SinkOpenError> {
    let stream = |fd: io::Result<OwnedFd>| fd.map(Output::standard_stream).map_err(Refusal::from);
    match destination {
        Destination::Stdout => stream(io::stdout().as_fd().try_clone_to_owned()),
        Destination::Stderr => stream(io::stderr().as_fd().try_clone_to_owned()),
        Destination::File(path) => open_path(path).map(|(output, breach)| {
            if let Some(breach) = breach {
                tracing::warn!("{breach}: `{}` can be taken away from there", path.display());
            }
            output
        }),
    }
    .map_err(|error| SinkOpenError::new(destination, &error))
}

/// Opens what has the path now, where that is not what is open: whoever rotates logs has moved it away. A new file is made
/// where there is none. `None`: nothing has changed.
pub(super) fn moved(path: &Path, output: &Output) -> Option<Result<Output, Refusal>> {
    if fs::metadata(path).is_ok_and(|found| output.is_at(&found)) {
        return None;
    }
    let opened = match output.kind() {
        // Nobody would see that a file has taken the place of a FIFO or a device.
        Some(Kind::Fifo | Kind::Device) if !path.exists() => Err(io::Error::from(ErrorKind::NotFound).into()),
        Some(_) | None => open_path(path).map(|(output, _)| output),
    };
    Some(opened.and_then(|new| match (output.kind(), new.kind()) {
        (Some(old), Some(new)) if old != new => Err(Refusal::said(format!("{old} was there, and now it is {new}"))),
        (_, _) => Ok(new),
    }))
}

/// Opens what a path leads to, or makes a file. Also says who could take it away.
fn open_path(path: &Path) -> Result<(Output, Option<trust::Breach>), Refusal> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match open_or_make(&path)? {
            Opened::Done(file, breach) => return Ok((Output::file(file), breach)),
            Opened::Link(target) => path = target,
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP).into())
}

enum Opened {
    Done(File, Option<trust::Breach>),
    /// To something that is not there yet.
    Link(PathBuf),
}

fn open_or_make(path: &Path) -> Result<Opened, Refusal> {
    for _ in 0..MOST_CHANGES {
        match trust::walk(path) {
            Ok(found) => return open_found(path, &found).map(|file| Opened::Done(file, found.replaced_by)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) => {}
        }
        let directory = directory(path)?;
        match make(&directory, path) {
            Ok(file) => return Ok(Opened::Done(file, directory.breach().cloned())),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            // A link to nothing, or somebody was faster.
            Err(_) => {}
        }
        if let Ok(target) = fs::read_link(entry(&directory, path)) {
            return follow(&directory, path, &target).map(Opened::Link);
        }
    }
    Err(Refusal::said("it comes and goes".to_owned()))
}

fn open_found(path: &Path, found: &Walked) -> Result<File, Refusal> {
    let directory = || trust::walk(found.path.parent().unwrap_or(Path::new("/")));
    judge(found, directory)?;
    // The very file that was judged, whatever has its name by now.
    let judged = format!("/proc/self/fd/{}", found.file.as_raw_fd());
    let mut options = OpenOptions::new();
    match kind(&found.about)? {
        // Readable too: the end tells whether the last line is whole.
        Kind::File => options.read(true).append(true),
        // Write-only: a FIFO that is opened for both is its own reader, and never says that nobody reads.
        Kind::Fifo | Kind::Device => options.write(true),
    };
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(judged).map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => Refusal::said("it is a FIFO that nobody reads; start its reader first".to_owned()),
        Some(libc::ENOENT) => io::Error::new(error.kind(), format!("{}: proc(5) is needed", path.display())).into(),
        Some(_) | None => error.into(),
    })
}

/// The directory in which a file is to be made.
fn directory(path: &Path) -> Result<Walked, Refusal> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let walked = trust::walk(parent).map_err(|error| match error.kind() {
        ErrorKind::NotFound => io::Error::other(format!("the directory `{}` does not exist", parent.display())).into(),
        _ => Refusal::from(error),
    })?;
    if !walked.about.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR).into());
    }
    match &walked.linked_by {
        Some(breach) => Err(Refusal::link(breach)),
        None => Ok(walked),
    }
}

/// Makes a file with mode 0640 where nothing has its name.
fn make(directory: &Walked, path: &Path) -> io::Result<File> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    let name = CString::new(name.as_bytes())?;
    let flags = libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name ends with a NUL; a new descriptor or -1 comes back.
    let fd = unsafe { libc::openat(directory.file.as_raw_fd(), name.as_ptr(), flags, 0o640) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// An entry of the directory that was walked to, whatever has the directory's name by now.
fn entry(directory: &Walked, path: &Path) -> PathBuf {
    Path::new(&format!("/proc/self/fd/{}", directory.file.as_raw_fd())).join(path.file_name().unwrap_or_default())
}

/// Where a link leads whose target is not there: followed only where nobody else can make links.
fn follow(directory: &Walked, path: &Path, target: &Path) -> Result<PathBuf, Refusal> {
    if let Some(breach) = directory.breach() {
        return Err(Refusal::link(breach));
    }
    if super::judge::is_shared(&directory.about) {
        let what = format!("`{}` is a link, in a directory where others make theirs", path.display());
        return Err(Refusal::said(what));
    }
    Ok(directory.path.join(target))
}
