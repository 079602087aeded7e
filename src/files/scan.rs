// SPDX-License-Identifier: MIT OR Apache-2.0
//! One look at the directories and files that a daemon follows: what is there now.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::{problem, read, words, yaml_files};
use crate::config::{Problem, codes};

/// How often a file that changes while it is read is read again at once.
const TRIES: usize = 3;

/// What is there now.
#[derive(Debug, Default)]
pub struct Scan {
    /// The files by path: those of each directory that have the name of a configuration file, and files that are named
    /// themselves.
    pub files: Vec<Scanned>,
    /// Roots that are not there. Their files are gone, which is no error.
    pub missing: Vec<PathBuf>,
    /// Directories that cannot be listed.
    pub problems: Vec<Problem>,
}

impl Scan {
    /// True where a file changed while it was read: look again soon.
    pub fn is_unsettled(&self) -> bool {
        self.files.iter().any(|file| matches!(file.text, Err(Unreadable::Unsettled)))
    }
}

/// One file.
#[derive(Debug)]
pub struct Scanned {
    /// Its path, beginning with the root's.
    pub path: PathBuf,
    /// Its whole text.
    pub text: Result<Arc<str>, Unreadable>,
}

/// Why a file has no text.
#[derive(Debug)]
pub enum Unreadable {
    /// Somebody is writing it.
    Unsettled,
    /// It cannot be read, or is no text.
    Problem(Box<Problem>),
}

/// Looks at all roots, directories or files.
pub fn scan(roots: &[PathBuf]) -> Scan {
    let mut found = Scan::default();
    let mut files = BTreeMap::new();
    for root in roots {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => match yaml_files(root) {
                Ok(paths) => {
                    for path in paths {
                        if let Some(text) = read_settled(&path) {
                            files.insert(path, text);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => found.missing.push(root.clone()),
                Err(error) => {
                    let message = format!("failed to list the directory `{}`: {}", root.display(), words(&error));
                    found.problems.push(problem(codes::FILE_UNREADABLE, root, message));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => found.missing.push(root.clone()),
            // Reading it says what is wrong with it.
            Ok(_) | Err(_) => match read_settled(root) {
                Some(text) => drop(files.insert(root.clone(), text)),
                None => found.missing.push(root.clone()),
            },
        }
    }
    found.files = files.into_iter().map(|(path, text)| Scanned { path, text }).collect();
    found
}

/// The text of a file that was the same before and after; `None` for one that has gone since it was listed.
fn read_settled(path: &Path) -> Option<Result<Arc<str>, Unreadable>> {
    for _ in 0..TRIES {
        let before = Stamp::of(path);
        let text = read(path);
        if before != Stamp::of(path) {
            continue;
        }
        return match text {
            Ok(text) => Some(Ok(text.into())),
            Err(problem) if problem.code == codes::FILE_MISSING => {
                // A link to nothing is there, and wrong; a name that is not there has gone.
                fs::symlink_metadata(path).is_ok().then_some(Err(Unreadable::Problem(problem)))
            }
            Err(problem) => Some(Err(Unreadable::Problem(problem))),
        };
    }
    Some(Err(Unreadable::Unsettled))
}

/// What changes when somebody writes to a file or puts another one in its place.
#[derive(PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}
