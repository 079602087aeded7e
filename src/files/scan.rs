// SPDX-License-Identifier: MIT OR Apache-2.0
//! One look at the directories and files that a daemon follows: what is there now.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::read::{problem, read, words, yaml_files};
use crate::config::{Problem, codes};

/// A file that was written this long ago, or not so long but less than the debounce, may not be complete.
const MOST_SETTLE: Duration = Duration::from_millis(250);

/// What is there now.
#[derive(Debug, Default)]
pub struct Scan {
    /// The files by path: those of each directory that have the name of a configuration file, and files that are named
    /// themselves.
    pub files: Vec<Scanned>,
    /// Roots that are not there. Their files are gone, which is no error.
    pub missing: Vec<PathBuf>,
    /// Roots whose files nobody knows: they cannot be listed. `problems` says why.
    pub unlisted: Vec<PathBuf>,
    /// Directories that cannot be listed.
    pub problems: Vec<Problem>,
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
}

/// Why a file has no text.
#[derive(Debug)]
pub enum Unreadable {
    /// Somebody is writing it.
    Unsettled,
    /// It cannot be read, or is no text.
    Problem(Box<Problem>),
}

/// Looks at all roots, directories or files: a state that all of them had at one moment, as far as their times tell.
///
/// A file counts when nobody has written to it for `settle`, or for 250 ms if that is less, and no name in its directory has
/// come or gone. This waits for that, up to twice as long; a file that is written even then is [`Unreadable::Unsettled`].
pub fn scan(roots: &[PathBuf], settle: Duration) -> Scan {
    let settle = settle.min(MOST_SETTLE);
    let deadline = Instant::now() + settle * 2;
    loop {
        let before = Listing::new(roots);
        let left = deadline.saturating_duration_since(Instant::now());
        if let (Some(fresh), false) = (before.unsettled_for(settle), left.is_zero()) {
            thread::sleep(fresh.min(left));
            continue;
        }
        let texts = before.files.keys().map(|path| read(path)).collect();
        let after = Listing::new(roots);
        if before.is_same(&after) || left.is_zero() {
            return after.into_scan(before.files, texts, settle);
        }
    }
}

/// The names and times of one moment.
#[derive(Default)]
struct Listing {
    /// By path; `None` for a link to nothing, and for a file that nobody may look at.
    files: BTreeMap<PathBuf, Option<Stamp>>,
    /// Where names come and go: an editor may have taken one away that it is about to give back.
    directories: Vec<Option<Stamp>>,
    missing: Vec<PathBuf>,
    unlisted: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Listing {
    fn new(roots: &[PathBuf]) -> Self {
        let mut listing = Self::default();
        for root in roots {
            // `./a.yaml` is `a.yaml`, also for those who compare paths.
            let root: PathBuf = root.components().filter(|part| *part != Component::CurDir).collect();
            let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
            if let Err(error) = listing.add(&root) {
                listing.refuse(root, &error);
            }
        }
        listing
    }

    fn add(&mut self, root: &Path) -> io::Result<()> {
        let mut paths = vec![root.to_owned()];
        if fs::metadata(root)?.is_dir() {
            self.directories.push(Stamp::of(root));
            paths = yaml_files(root)?;
        }
        let stamped = |path: PathBuf| {
            let stamp = Stamp::of(&path);
            (path, stamp)
        };
        self.files.extend(paths.into_iter().map(stamped));
        Ok(())
    }

    fn refuse(&mut self, root: PathBuf, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.directories.push(root.parent().and_then(Stamp::of));
            self.missing.push(root);
            return;
        }
        let message = format!("failed to list `{}`: {}", root.display(), words(error));
        self.problems.push(problem(codes::FILE_UNREADABLE, &root, message));
        self.unlisted.push(root);
    }

    fn is_same<'a>(&'a self, other: &'a Self) -> bool {
        let all = |listing: &'a Self| (&listing.files, &listing.directories, &listing.missing, &listing.unlisted);
        all(self) == all(other)
    }

    /// How long until all files and directories have rested.
    fn unsettled_for(&self, settle: Duration) -> Option<Duration> {
        let now = SystemTime::now();
        let stamps = self.files.values().chain(&self.directories).flatten();
        stamps.filter_map(|stamp| stamp.unsettled_for(settle, now)).max()
    }

    /// With the texts that were read of the files that were there before.
    fn into_scan(
        self,
        before: BTreeMap<PathBuf, Option<Stamp>>,
        texts: Vec<Result<String, Box<Problem>>>,
        settle: Duration,
    ) -> Scan {
        let now = SystemTime::now();
        let mut read: BTreeMap<PathBuf, _> =
            before.into_iter().zip(texts).map(|((path, stamp), text)| (path, (stamp, text))).collect();
        let files = self.files.into_iter().map(|(path, stamp)| {
            let rests = stamp.as_ref().is_none_or(|stamp| stamp.unsettled_for(settle, now).is_none());
            let text = match read.remove(&path) {
                Some((then, text)) if then == stamp && rests => text.map(Arc::from).map_err(Unreadable::Problem),
                Some(_) | None => Err(Unreadable::Unsettled),
            };
            Scanned { path, text }
        });
        Scan { files: files.collect(), missing: self.missing, unlisted: self.unlisted, problems: self.problems }
    }
}

/// What changes when somebody writes to a file, changes who may read it, or puts another one in its place.
#[derive(PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: SystemTime,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: metadata.modified().ok()?,
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// How long until the last write is `settle` old; `None` if it is, or if it is in the future: then the clocks differ.
    fn unsettled_for(&self, settle: Duration, now: SystemTime) -> Option<Duration> {
        let age = now.duration_since(self.modified).ok()?;
        settle.checked_sub(age).filter(|left| !left.is_zero())
    }
}
