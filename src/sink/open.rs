// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a destination, and the sentence that says why it could not be.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::output::Output;
use crate::spec::Destination;

/// Why a sink could not be opened: ``failed to open `/x/y.jsonl`: the directory `/x` does not exist``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkOpenError {
    what: String,
    why: String,
}

impl SinkOpenError {
    pub(super) fn new(destination: &Destination, why: &impl ToString) -> Self {
        Self { what: destination.to_string(), why: why.to_string() }
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
    match destination {
        Destination::Stdout => io::stdout().as_fd().try_clone_to_owned().map(Output::standard_stream),
        Destination::Stderr => io::stderr().as_fd().try_clone_to_owned().map(Output::standard_stream),
        Destination::File(path) => open_file(path).map(Output::file),
    }
    .map_err(|error| SinkOpenError::new(destination, &error))
}

/// What has the path of an open regular file now, where that is not this file any more: whoever rotates logs has moved it away.
/// A new file is made where there is none. `None`: nothing has changed, or it is not a regular file that is there.
pub(super) fn moved(path: &Path, output: &Output) -> Option<io::Result<Output>> {
    let open = output.identity()?;
    match fs::metadata(path) {
        Ok(found) if !found.is_file() || (found.dev(), found.ino()) == open => None,
        Err(error) if error.kind() != ErrorKind::NotFound => None,
        Ok(_) | Err(_) => Some(open_regular(path).map(Output::file)),
    }
}

/// Appends to what is there; a new file gets mode 0640.
fn open_file(path: &Path) -> io::Result<File> {
    let kind = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return open_regular(path),
        Err(error) => return Err(error),
    };
    if kind.is_dir() {
        Err(io::Error::other("it is a directory; a sink needs the path of a file"))
    } else if kind.is_socket() {
        Err(io::Error::other("it is a socket; a sink writes to files, FIFOs and devices"))
    } else if kind.is_file() {
        open_regular(path)
    } else {
        // Write-only: a FIFO that is opened for both is its own reader, and never says that nobody reads.
        let opened = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
        opened.map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO) if kind.is_fifo() => {
                io::Error::other("it is a FIFO that nobody reads; start its reader first")
            }
            Some(_) | None => error,
        })
    }
}

fn open_regular(path: &Path) -> io::Result<File> {
    // Readable too: the last byte tells whether the last line is whole.
    let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path);
    opened.map_err(|error| match path.parent() {
        Some(parent) if error.kind() == ErrorKind::NotFound && !parent.as_os_str().is_empty() && !parent.exists() => {
            io::Error::other(format!("the directory `{}` does not exist", parent.display()))
        }
        Some(_) | None => error,
    })
}
