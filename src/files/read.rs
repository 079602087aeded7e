// SPDX-License-Identifier: MIT OR Apache-2.0
//! One file: judged, then read through the very descriptor that was judged.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::mounts::mounted;
use super::stamp::Stamp;
use crate::config::{Location, MAX_FILE_BYTES, Problem, SourceFile, Span, Withheld, codes};
use crate::trust::{Breach, Walked, is_of_the_kernel, through, walk};
use crate::words::Refusal;

/// What was read of one path.
pub(super) struct Reading {
    /// Its text, or why there is none.
    pub(super) text: Result<String, Box<Problem>>,
    /// What was read, by its times; `None` where it could not be examined.
    pub(super) stamp: Option<Stamp>,
    /// Why messages may not quote it.
    pub(super) withheld: Option<Withheld>,
    /// Who could change it.
    pub(super) breach: Option<Breach>,
    /// It is a mount of its own; of a file that has no name any more.
    pub(super) mount: Option<Stale>,
}

/// True for the mount of a file that has been replaced or deleted: it shows the old one for ever.
pub(super) type Stale = bool;

/// Reads what a path leads to; `directory` is the one that it was found in, without links, or `None` if it was named.
pub(super) fn read(path: &Path, directory: Option<&Path>) -> Reading {
    let walked = match walk(path) {
        Ok(walked) => walked,
        Err(error) => {
            let text = Err(failed(path, unreadable(&error)));
            return Reading { text, stamp: None, withheld: None, breach: None, mount: None };
        }
    };
    Reading {
        text: text(&walked).map_err(|refusal| failed(path, refusal)),
        stamp: Stamp::of(&walked.about),
        withheld: withheld(&walked, directory),
        breach: walked.breach().cloned(),
        mount: mounted(walked.file.as_fd()).filter(|at| at.is_root).map(|_| walked.about.nlink() == 0),
    }
}

/// Why messages may not quote what a path led to.
fn withheld(walked: &Walked, directory: Option<&Path>) -> Option<Withheld> {
    match directory {
        Some(directory) => (!walked.path.starts_with(directory)).then_some(Withheld::Outside),
        None => {
            let named = walked.path.file_name().is_some_and(is_config_name);
            let private = walked.about.mode() & 0o004 == 0;
            let privileged = rustix::process::geteuid().is_root();
            (privileged && private && !named).then_some(Withheld::Private)
        }
    }
}

/// True for the name of a configuration file, also where it is not UTF-8.
pub(super) fn is_config_name(name: &OsStr) -> bool {
    crate::config::is_config_name(&name.to_string_lossy())
}

/// A problem with a file as a whole.
pub(super) fn problem(code: &'static str, path: &Path, message: String) -> Problem {
    let source = Arc::new(SourceFile::new(path, ""));
    Problem::new(code, Location::new(&source, Span::default()), message)
}

pub(super) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT) => "there is no such file".to_owned(),
        Some(libc::EACCES | libc::EPERM) => "permission denied".to_owned(),
        Some(libc::ELOOP) => "its symbolic links lead in a circle".to_owned(),
        Some(libc::ENOTDIR) => "a part of its path is not a directory".to_owned(),
        Some(libc::ENOTCONN) => "the program that serves this file system has ended (FUSE)".to_owned(),
        Some(libc::ESTALE) => "the server no longer has this file system (stale file handle)".to_owned(),
        Some(_) | None => error.to_string(),
    }
}

/// What messages call standard input.
const STANDARD_INPUT: &str = "<stdin>";

/// Standard input as a file.
pub(super) fn standard_input() -> Result<SourceFile, Box<Problem>> {
    let input = io::stdin();
    let text = if input.is_terminal() {
        let help = "write `ebpf-run - < probes.yaml`, or pipe the YAML into it; a file named `-` is `./-`";
        Err(refused(codes::NOT_A_FILE, "it is a terminal", help))
    } else {
        let too_large = || refused(codes::TOO_LARGE, "it is larger than 1 MiB", "check that it is the right file");
        let failed = |error: io::Error| (codes::FILE_UNREADABLE, Refusal::new(words(&error)));
        whole(input.lock()).map_err(failed).and_then(|bytes| bytes.ok_or_else(too_large)).and_then(decoded)
    };
    let text = text.and_then(|text| match text.trim().is_empty() {
        true => Err(refused(codes::FILE_UNREADABLE, "it is empty", "check the command before the pipe")),
        false => Ok(text),
    });
    match text {
        Ok(text) => Ok(SourceFile::new(STANDARD_INPUT, text)),
        Err((code, why)) => {
            let message = format!("failed to read standard input: {}", why.message);
            Err(Box::new(problem(code, Path::new(STANDARD_INPUT), message).maybe_help(why.help)))
        }
    }
}

/// A code, and why the file cannot be read.
type Unread = (&'static str, Refusal);

fn failed(path: &Path, (code, why): Unread) -> Box<Problem> {
    let message = format!("failed to read `{}`: {}", path.display(), why.message);
    Box::new(problem(code, path, message).maybe_help(why.help))
}

fn refused(code: &'static str, why: &str, help: &str) -> Unread {
    (code, Refusal::new(why).help(help))
}

fn unreadable(error: &io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::NotFound => (codes::FILE_MISSING, Refusal::new(words(error))),
        io::ErrorKind::PermissionDenied => {
            refused(codes::FILE_UNREADABLE, &words(error), "`ls -l` shows who may read it")
        }
        _ => (codes::FILE_UNREADABLE, Refusal::new(words(error))),
    }
}

fn text(walked: &Walked) -> Result<String, Unread> {
    if walked.about.is_dir() {
        return Err(refused(codes::NOT_A_FILE, "it is a directory", "subdirectories are not read"));
    }
    if !walked.about.is_file() {
        return Err(refused(codes::NOT_A_FILE, "it is not a regular file", "pipes, sockets and devices are not read"));
    }
    let failed = |error: io::Error| unreadable(&error);
    if is_of_the_kernel(walked.file.as_fd()).map_err(failed)? {
        let why = "it is a virtual file of the kernel";
        return Err(refused(codes::NOT_A_FILE, why, "files of /proc, /sys and the like are not read"));
    }
    let too_large = || refused(codes::TOO_LARGE, "it is larger than 1 MiB", "check that it is the right file");
    if walked.about.len() > MAX_FILE_BYTES as u64 {
        return Err(too_large());
    }
    let open = || OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(through(walked.file.as_fd()));
    let file: File = open().map_err(failed)?;
    whole(file).map_err(failed)?.ok_or_else(too_large).and_then(decoded)
}

/// All of it; `None` where that is more than a file may have.
fn whole(from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_FILE_BYTES).then_some(bytes))
}

fn decoded(bytes: Vec<u8>) -> Result<String, Unread> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let help = format!("the first invalid byte is in line {line}; save the file as UTF-8");
        refused(codes::NOT_TEXT, "it is not UTF-8 text", &help)
    })
}
