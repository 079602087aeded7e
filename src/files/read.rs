// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the paths of the command line to texts: files as they are, directories as their YAML files by name.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::config::{Location, MAX_FILE_BYTES, Problem, SourceFile, Span, codes};

/// What the paths led to.
pub struct Found {
    /// The files that could be read.
    pub files: Vec<SourceFile>,
    /// What could not be read, and why; one problem for each.
    pub problems: Vec<Problem>,
}

/// Reads all files; one that is named twice is read once.
pub fn read_all(paths: &[PathBuf]) -> Found {
    let mut all = Found { files: Vec::new(), problems: Vec::new() };
    let mut seen = HashSet::new();
    let mut add = |path: &Path, all: &mut Found| {
        let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        if !seen.insert(plain) {
            return;
        }
        match read(path) {
            Ok(text) => all.files.push(SourceFile { path: path.to_owned(), text: text.into() }),
            Err(problem) => all.problems.push(*problem),
        }
    };
    for path in paths {
        if !path.is_dir() {
            add(path, &mut all);
            continue;
        }
        match yaml_files(path) {
            Ok(found) if found.is_empty() => {
                let message = format!("no *.yaml or *.yml file in the directory `{}`", path.display());
                all.problems.push(problem(codes::NO_FILES, path, message));
            }
            Ok(found) => found.iter().for_each(|path| add(path, &mut all)),
            Err(error) => {
                let message = format!("failed to list the directory `{}`: {}", path.display(), words(&error));
                all.problems.push(problem(codes::FILE_UNREADABLE, path, message));
            }
        }
    }
    all
}

pub(super) fn yaml_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_config_name(&entry.file_name()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// True for the name of a configuration file, also where it is not UTF-8.
pub(super) fn is_config_name(name: &OsStr) -> bool {
    crate::config::is_config_name(&name.to_string_lossy())
}

/// A problem with a file as a whole.
pub(super) fn problem(code: &'static str, path: &Path, message: String) -> Problem {
    let source = Arc::new(SourceFile { path: path.to_owned(), text: "".into() });
    Problem::new(code, Location::new(&source, Span::default()), message)
}

pub(super) fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

pub(super) fn read(path: &Path) -> Result<String, Box<Problem>> {
    read_text(path).map_err(|(code, why, help)| {
        let refused = problem(code, path, format!("failed to read `{}`: {why}", path.display()));
        Box::new(refused.maybe_help(help))
    })
}

/// A code, why the file cannot be read, and what helps.
type Refusal = (&'static str, String, Option<String>);

fn read_text(path: &Path) -> Result<String, Refusal> {
    let refused = |code, why: &str, help: &str| (code, why.to_owned(), Some(help.to_owned()));
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound if path.as_os_str() == "-" => {
            refused(codes::FILE_MISSING, &words(&error), "standard input is not read: name a file")
        }
        io::ErrorKind::NotFound => (codes::FILE_MISSING, words(&error), None),
        io::ErrorKind::PermissionDenied => {
            refused(codes::FILE_UNREADABLE, &words(&error), "`ls -l` shows who may read it")
        }
        _ => (codes::FILE_UNREADABLE, words(&error), None),
    };
    // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(refused(codes::NOT_A_FILE, "it is a directory", "directories inside of directories are not read"));
    }
    if !metadata.is_file() {
        return Err(refused(codes::NOT_A_FILE, "it is not a regular file", "pipes, sockets and devices are not read"));
    }
    let too_large = || refused(codes::TOO_LARGE, "it is larger than 1 MiB", "is it the right file?");
    if metadata.len() > MAX_FILE_BYTES as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let help = format!("line {line} has the first byte that is not; save the file as UTF-8");
        refused(codes::NOT_TEXT, "it is not UTF-8 text", &help)
    })
}
