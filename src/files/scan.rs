// SPDX-License-Identifier: MIT OR Apache-2.0
//! One look at the directories and files that a daemon follows: what is there now.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::mounts::mounted;
use super::progress::Progress;
use super::read::{Reading, Stale, is_config_name, problem, read};
use super::roots::{Root, RootFound, untrusted};
use super::scanned::{Scanned, Trust, Unreadable};
use super::stamp::Stamp;
use crate::config::{Problem, Withheld, codes};
use crate::trust::{Breach, Walked, through, walk};
use crate::words::path_text;

/// A file that was written this long ago, or not so long but less than the debounce, may not be complete.
const MOST_SETTLE: Duration = Duration::from_millis(250);

/// What was found, before it is known what became of roots that were there before.
#[derive(Debug, Default)]
pub(super) struct RawScan {
    pub(super) files: Vec<Scanned>,
    pub(super) roots: Vec<Root>,
    pub(super) warnings: Vec<Problem>,
    pub(super) breaches: Vec<Breach>,
}

/// Looks at all roots, directories or files: a state that all of them had at one moment, as far as their times tell.
///
/// A file counts when nobody has written to it for `settle`, or for 250 ms if that is less, and no name in its directory has
/// come or gone. This waits for that, up to twice as long; a file that is written even then is [`Unreadable::Unsettled`].
pub(super) fn scan(roots: &[PathBuf], settle: Duration, trust: Trust, progress: &Progress) -> RawScan {
    let settle = settle.min(MOST_SETTLE);
    let deadline = Instant::now() + settle * 2;
    loop {
        let before = Listing::new(roots, trust, progress);
        let left = deadline.saturating_duration_since(Instant::now());
        if let (Some(fresh), false) = (before.unsettled_for(settle), left.is_zero()) {
            thread::sleep(fresh.min(left));
            continue;
        }
        let read = |(path, file): (&PathBuf, &Listed)| {
            progress.at(path);
            read(path, file.directory.as_deref())
        };
        let readings = before.files.iter().map(read).collect();
        let after = Listing::new(roots, trust, progress);
        if before.is_same(&after) || left.is_zero() {
            return after.into_scan(before.files, readings, settle, trust);
        }
    }
}

/// The configuration files of a directory that was opened by a walk over `directory`.
pub(super) fn yaml_files(directory: &Path, walked: &Walked) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(through(walked.file.as_fd()))? {
        let name = entry?.file_name();
        if is_config_name(&name) {
            files.push(directory.join(name));
        }
    }
    files.sort();
    Ok(files)
}

/// The names and times of one moment.
#[derive(Default)]
struct Listing {
    /// By path.
    files: BTreeMap<PathBuf, Listed>,
    /// Where names come and go: an editor may have taken one away that it is about to give back.
    directories: Vec<Option<Stamp>>,
    roots: Vec<Root>,
    breaches: Vec<Breach>,
}

#[derive(PartialEq)]
struct Listed {
    /// `None` for a link to nothing, and for a file that nobody may look at.
    stamp: Option<Stamp>,
    /// The directory that it was found in, without links; `None` for a file that was named.
    directory: Option<Arc<Path>>,
}

impl Listing {
    fn new(roots: &[PathBuf], trust: Trust, progress: &Progress) -> Self {
        let mut listing = Self::default();
        for root in roots {
            progress.at(root);
            let found = listing.add(root, trust).unwrap_or_else(|error| listing.refuse(root, &error));
            listing.roots.push(Root { path: root.clone(), found });
        }
        listing
    }

    fn add(&mut self, root: &Path, trust: Trust) -> io::Result<RootFound> {
        let walked = walk(root)?;
        if !walked.about.is_dir() {
            self.files.insert(root.to_owned(), Listed { stamp: Stamp::of(&walked.about), directory: None });
            return Ok(RootFound::File);
        }
        if let Some(breach) = walked.breach() {
            match trust {
                Trust::Required => return Ok(RootFound::Untrusted(breach.clone())),
                Trust::Warned => self.breaches.push(breach.clone()),
            }
        }
        self.directories.push(Stamp::of(&walked.about));
        let files = yaml_files(root, &walked)?;
        let found = RootFound::Directory {
            path: walked.path.clone(),
            mount: mounted(walked.file.as_fd()).map(|at| at.id),
            is_empty: files.is_empty(),
        };
        let directory: Arc<Path> = walked.path.into();
        self.files.extend(files.into_iter().map(|path| {
            let stamp = Stamp::at(&path);
            (path, Listed { stamp, directory: Some(Arc::clone(&directory)) })
        }));
        Ok(found)
    }

    fn refuse(&mut self, root: &Path, error: &io::Error) -> RootFound {
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.directories.push(root.parent().and_then(Stamp::at));
            return RootFound::Nothing;
        }
        RootFound::Unreadable(super::read::words(error))
    }

    fn is_same<'a>(&'a self, other: &'a Self) -> bool {
        let all = |listing: &'a Self| (&listing.files, &listing.directories, &listing.roots);
        all(self) == all(other)
    }

    /// How long until all files and directories have rested.
    fn unsettled_for(&self, settle: Duration) -> Option<Duration> {
        let now = SystemTime::now();
        let stamps =
            self.files.values().filter_map(|file| file.stamp.as_ref()).chain(self.directories.iter().flatten());
        stamps.filter_map(|stamp| stamp.unsettled_for(settle, now)).max()
    }

    /// With what was read of the files that were there before.
    fn into_scan(
        self,
        before: BTreeMap<PathBuf, Listed>,
        readings: Vec<Reading>,
        settle: Duration,
        trust: Trust,
    ) -> RawScan {
        let now = SystemTime::now();
        let mut read: BTreeMap<PathBuf, _> =
            before.into_iter().zip(readings).map(|((path, listed), reading)| (path, (listed, reading))).collect();
        let mut scan = RawScan { roots: self.roots, breaches: self.breaches, ..RawScan::default() };
        for (path, listed) in self.files {
            let rests = listed.stamp.as_ref().is_none_or(|stamp| stamp.unsettled_for(settle, now).is_none());
            let same = |(then, reading): &(Listed, Reading)| rests && *then == listed && reading.stamp == listed.stamp;
            let text = match read.remove(&path).filter(same) {
                Some((_, reading)) => scan.judged(&path, reading, trust),
                None => (Err(Unreadable::Unsettled), None),
            };
            scan.files.push(Scanned { path, text: text.0, withheld: text.1 });
        }
        scan
    }
}

impl RawScan {
    /// The text of a file that may be read.
    fn judged(
        &mut self,
        path: &Path,
        reading: Reading,
        trust: Trust,
    ) -> (Result<Arc<str>, Unreadable>, Option<Withheld>) {
        self.warnings.extend(reading.mount.map(|stale| mounted_file(path, stale)));
        // Nobody shall be told to change the mode of `/dev/null`.
        if reading.text.as_ref().is_err_and(|problem| problem.code == codes::NOT_A_FILE) {
            return (reading.text.map(Arc::from).map_err(Unreadable::Problem), reading.withheld);
        }
        match (reading.breach, trust) {
            (Some(breach), Trust::Required) => return (Err(untrusted(path, &breach).into()), reading.withheld),
            (Some(breach), Trust::Warned) if !self.breaches.contains(&breach) => self.breaches.push(breach),
            (Some(_) | None, _) => {}
        }
        (reading.text.map(Arc::from).map_err(Unreadable::Problem), reading.withheld)
    }
}

/// What cannot arrive of a file that is a mount of its own.
fn mounted_file(path: &Path, stale: Stale) -> Problem {
    let shown = path_text(path);
    let message = if stale {
        format!("`{shown}` is a mount of a file that was replaced or deleted: the new file is not visible here")
    } else {
        format!("`{shown}` is mounted by itself: if its source is replaced, the new file is not visible here")
    };
    let help = if stale {
        "mount it again, or mount the directory, which shows new files"
    } else {
        "mount the directory instead; only changes written into the source itself are seen"
    };
    let problem = problem(codes::MOUNTED_FILE, path, message).help(help);
    Problem { severity: crate::config::Severity::Warning, ..problem }
}
