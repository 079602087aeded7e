// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result of a look: files with their texts, directories with their states.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Problem, Withheld};
use crate::status::DirectoryState;
use crate::trust::Breach;

/// What becomes of configuration that users other than root, or the process's own, could change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It is refused.
    Required,
    /// It is read, and [`Scan::breaches`] says who could.
    Warned,
}

/// What is there now.
#[derive(Debug, Default)]
pub struct Scan {
    /// The files by path: those of each directory that have the name of a configuration file, and files that are named
    /// themselves.
    pub files: Vec<Scanned>,
    /// What was followed: each directory, and each file that was named, by path.
    pub roots: Vec<ScannedRoot>,
    /// What cannot arrive, by file.
    pub warnings: Vec<Problem>,
    /// Who could change what was read, where that is allowed: once for each file or directory that lets them.
    pub breaches: Vec<Breach>,
}

impl Scan {
    /// True where somebody is writing a file: look again soon.
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
    /// Why messages may not quote it.
    pub withheld: Option<Withheld>,
}

/// One directory that is followed, or a file that is followed by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedRoot {
    /// Its path.
    pub path: PathBuf,
    /// Whether its files are known. Where they are not, they are what they were.
    pub state: DirectoryState,
    /// What is wrong with it: an error in every state but `Ok` and `Missing`, which have none.
    pub problem: Option<Problem>,
}

/// Why a file has no text.
#[derive(Debug)]
pub enum Unreadable {
    /// Somebody is writing it.
    Unsettled,
    /// It cannot be read, may not be, or is no text.
    Problem(Box<Problem>),
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}
