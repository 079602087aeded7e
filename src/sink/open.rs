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
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use super::judge::{Kind, judge, kind};
use super::output::Output;
use super::owner::{Resolved, resolve};
use super::refusal::Refusal;
use crate::spec::{Destination, Rights, SinkSpec};
use crate::trust::{self, Breach, Walked};
use crate::words::shown;

/// Links to files that are not there which are followed on one path.
const MOST_LINKS: usize = 40;
/// Where the systemd unit and the examples write: made where it is missing.
const OUR_DIRECTORY: &str = "/var/log/ebpf-run";
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
pub(super) fn open(spec: &SinkSpec) -> Result<Output, SinkOpenError> {
    let stream = |fd: io::Result<OwnedFd>| fd.map(Output::standard_stream).map_err(Refusal::from);
    match (&spec.destination, Place::of(spec)) {
        (Destination::File(path), Some(place)) => place.open(None).map(|(output, breach)| {
            if let Some(breach) = breach {
                let text = format!("{breach}: `{}` can be taken away from there", path.display());
                tracing::warn!("{}", shown(&text));
            }
            output
        }),
        (Destination::Stderr, _) => stream(io::stderr().as_fd().try_clone_to_owned()),
        (Destination::Stdout | Destination::File(_), _) => stream(io::stdout().as_fd().try_clone_to_owned()),
    }
    .map_err(|error| SinkOpenError::new(&spec.destination, &error))
}

/// What can be known of a sink without opening it or making anything: that its owner exists, and that what has its path
/// already, or the directory where it would be made, is good. What this user may not look at is not judged.
pub fn examine(spec: &SinkSpec) -> Result<(), SinkOpenError> {
    let Some(place) = Place::of(spec) else { return Ok(()) };
    match place.examine() {
        Err(Refusal::Io(error)) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        result => result.map_err(|error| SinkOpenError::new(&spec.destination, &error)),
    }
}

/// The path of a sink, and whose a file is that is made there.
pub(super) struct Place {
    path: PathBuf,
    rights: Rights,
}

impl Place {
    /// `None` for a standard stream.
    pub(super) fn of(spec: &SinkSpec) -> Option<Self> {
        match &spec.destination {
            Destination::File(path) => Some(Self { path: path.clone(), rights: spec.rights.clone() }),
            Destination::Stdout | Destination::Stderr => None,
        }
    }

    /// Opens what has the path now, where that is not what is open: whoever rotates logs has moved it away. A new file is made
    /// where there is none. `None`: nothing has changed.
    pub(super) fn moved(&self, output: &Output) -> Option<Result<Output, Refusal>> {
        if fs::metadata(&self.path).is_ok_and(|found| output.is_at(&found)) {
            return None;
        }
        let opened = match output.kind() {
            // Nobody would see that a file has taken the place of a FIFO or a device.
            Some(Kind::Fifo | Kind::Device) if !self.path.exists() => Err(io::Error::from(ErrorKind::NotFound).into()),
            kind => self.open(kind).map(|(output, _)| output),
        };
        Some(opened)
    }

    /// Opens what the path leads to, where it is of the kind that it was, or makes a file. Also says who could take it away.
    fn open(&self, before: Option<Kind>) -> Result<(Output, Option<Breach>), Refusal> {
        let rights = resolve(&self.rights)?;
        let mut path = self.path.clone();
        for _ in 0..MOST_LINKS {
            match open_or_make(&path, rights, before)? {
                Opened::Done(file, breach) => return Ok((Output::file(file), breach)),
                Opened::Link(target) => path = target,
            }
        }
        Err(io::Error::from_raw_os_error(libc::ELOOP).into())
    }

    fn examine(&self) -> Result<(), Refusal> {
        let rights = resolve(&self.rights)?;
        match trust::walk(&self.path) {
            Ok(found) => judge(&found, rights, || parent(&found)),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            Err(_) if parent_of(&self.path) == Path::new(OUR_DIRECTORY) => Ok(()),
            Err(_) => directory(&self.path).map(|_| ()),
        }
    }
}

enum Opened {
    Done(File, Option<Breach>),
    /// To something that is not there yet.
    Link(PathBuf),
}

fn open_or_make(path: &Path, rights: Resolved, before: Option<Kind>) -> Result<Opened, Refusal> {
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
            Err(Refusal::Io(error)) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // A link to nothing, or somebody was faster.
        if let Ok(target) = fs::read_link(entry(&directory, path)) {
            return follow(&directory, path, &target).map(Opened::Link);
        }
    }
    Err(Refusal::said("it comes and goes".to_owned()))
}

/// The directory in which it was found.
fn parent(found: &Walked) -> io::Result<Walked> {
    trust::walk(found.path.parent().unwrap_or(Path::new("/")))
}

fn open_found(path: &Path, found: &Walked, rights: Resolved, before: Option<Kind>) -> Result<File, Refusal> {
    judge(found, rights, || parent(found))?;
    let kind = kind(&found.about)?;
    if let Some(before) = before.filter(|before| *before != kind) {
        return Err(Refusal::said(format!("{before} was there, and now it is {kind}")));
    }
    // The very file that was judged, whatever has its name by now.
    let judged = trust::through(found.file.as_fd());
    let mut options = OpenOptions::new();
    match kind {
        // Readable too: the end tells whether the last line is whole.
        Kind::File => options.read(true).append(true),
        // Write-only: a FIFO that is opened for both is its own reader, and never says that nobody reads.
        Kind::Fifo | Kind::Device => options.write(true),
    };
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(judged).map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => Refusal::said("it is a FIFO that nobody reads; start its reader first".to_owned()),
        Some(libc::ENOENT) => Refusal::said(format!("`{}` cannot be opened without /proc: mount it", path.display())),
        Some(_) | None => error.into(),
    })
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directory in which a file is to be made. The one for our logs is made too.
fn directory(path: &Path) -> Result<Walked, Refusal> {
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
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR).into());
    }
    match &walked.linked_by {
        Some(breach) => Err(Refusal::link(breach)),
        None => Ok(walked),
    }
}

/// Makes a file where nothing has its name.
fn make(directory: &Walked, path: &Path, rights: Resolved) -> Result<File, Refusal> {
    let name = path.file_name().ok_or(io::Error::from(ErrorKind::IsADirectory))?;
    let name = CString::new(name.as_bytes()).map_err(io::Error::from)?;
    let at = directory.file.as_raw_fd();
    let flags = libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let mode: libc::c_uint = if rights.mode.is_some() { 0o600 } else { 0o640 };
    // SAFETY: the name ends with a NUL; a new descriptor or -1 comes back.
    let fd = unsafe { libc::openat(at, name.as_ptr(), flags, mode) };
    if fd < 0 {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    hand_over(&file, directory, rights).inspect_err(|_| {
        // Nobody shall find it with the wrong owner, and take that for ours.
        // SAFETY: as above.
        unsafe { libc::unlinkat(at, name.as_ptr(), 0) };
    })?;
    Ok(file)
}

/// Gives a file that was just made its mode and its owner.
fn hand_over(file: &File, directory: &Walked, rights: Resolved) -> Result<(), Refusal> {
    if let Some(mode) = rights.mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    let about = file.metadata()?;
    // A stranger's directory that is setgid would let their group read it.
    let of_stranger = directory.breach().is_some();
    // SAFETY: takes and returns a number.
    let group = rights.group.or_else(|| of_stranger.then(|| unsafe { libc::getegid() }));
    let user = rights.user.filter(|user| *user != about.uid());
    let group = group.filter(|group| *group != about.gid());
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(file, user, group).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => Refusal::no_chown(),
        _ => error.into(),
    })
}

/// An entry of the directory that was walked to, whatever has the directory's name by now.
fn entry(directory: &Walked, path: &Path) -> PathBuf {
    trust::through(directory.file.as_fd()).join(path.file_name().unwrap_or_default())
}

/// Where a link leads whose target is not there: followed only where nobody else can make links.
fn follow(directory: &Walked, path: &Path, target: &Path) -> Result<PathBuf, Refusal> {
    if let Some(breach) = directory.breach() {
        return Err(Refusal::link(breach));
    }
    if directory.is_shared {
        let what = format!("`{}` is a link, in a directory where others make theirs", path.display());
        return Err(Refusal::said(what));
    }
    Ok(directory.path.join(target))
}
