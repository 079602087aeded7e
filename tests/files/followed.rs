// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests share: a directory that is followed as the daemon does it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ebpf_run::files::{Looker, Scan, Trust, Unreadable, Watcher};
use ebpf_run::status::DirectoryState;
use tempfile::TempDir;

/// How long anything may take; far more than it does, and far less than the daemon's periodic look.
pub(crate) const BOUND: Duration = Duration::from_secs(10);
/// The debounce of the tests.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(50);
/// What may still be said of something that is over is said within this time.
const QUIET: Duration = Duration::from_millis(250);

/// An empty directory of one test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("ebpf-run-files-").tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file as `>` does: `open(O_TRUNC)`, `write`, `close`.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn make(&self, directory: &str) {
        fs::create_dir_all(self.path(directory)).unwrap();
    }

    /// `rename(2)`
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// `rm -r`
    pub(crate) fn remove_all(&self, directory: &str) {
        fs::remove_dir_all(self.path(directory)).unwrap();
    }

    pub(crate) fn link(&self, target: &str, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    /// Puts a link in the place of another one, as Kubernetes and git-sync do: a new one, renamed.
    pub(crate) fn swap(&self, target: &str, name: &str) {
        let new = format!("{name}_tmp");
        self.link(target, &new);
        self.rename(&new, name);
    }

    /// What a look finds now: texts by path below this directory; `!CODE` for a file that cannot be read, `!unsettled` for one
    /// that is being written, `!missing`, `!deleted`, `!unreadable` … for a root.
    pub(crate) fn found(&self, scan: Scan) -> BTreeMap<String, String> {
        let name = |path: &Path| path.strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned();
        let files = scan.files.into_iter().map(|file| {
            let text = match file.text {
                Ok(text) => text.to_string(),
                Err(Unreadable::Problem(problem)) => format!("!{}", problem.code),
                Err(Unreadable::Unsettled) => "!unsettled".to_owned(),
            };
            (name(&file.path), text)
        });
        let bad = scan.roots.iter().filter(|root| root.state != DirectoryState::Ok);
        let roots = bad.map(|root| (name(&root.path), format!("!{}", root.state.name())));
        files.chain(roots).collect()
    }
}

/// Roots that are followed.
pub(crate) struct Followed<'a> {
    pub(crate) place: &'a Place,
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) watcher: Watcher,
    hints: Receiver<()>,
    looker: Looker,
    now: BTreeMap<String, String>,
}

impl<'a> Followed<'a> {
    pub(crate) fn new(place: &'a Place, roots: &[&str]) -> Self {
        Self::with(place, roots, DEBOUNCE, Trust::Required)
    }

    /// From now on; the first look is done.
    pub(crate) fn with(place: &'a Place, roots: &[&str], debounce: Duration, trust: Trust) -> Self {
        let roots: Vec<PathBuf> = roots.iter().map(|root| place.path(root)).collect();
        let (look, hints) = channel();
        let watcher = Watcher::new(roots.clone(), debounce, move || {
            let _ = look.send(());
        })
        .unwrap();
        let mut followed = Self { place, roots, watcher, hints, looker: Looker::new(trust), now: BTreeMap::new() };
        followed.look();
        followed
    }

    /// What the daemon does when it looks: again, while the paths lead to other places than before.
    pub(crate) fn look(&mut self) {
        let start = Instant::now();
        loop {
            let found = self.looker.look(&self.roots, DEBOUNCE);
            let unsettled = found.is_unsettled();
            self.now = self.place.found(found);
            if !self.watcher.rearm() && !unsettled {
                return;
            }
            assert!(start.elapsed() < BOUND, "there is no end to it: {:?}", self.now);
        }
    }

    /// Waits until nobody says "look again" any more. Gives how often that was said.
    pub(crate) fn quiet(&mut self) -> usize {
        let start = Instant::now();
        let mut said = 0;
        loop {
            match self.hints.recv_timeout(QUIET) {
                Ok(()) => {
                    said += 1;
                    self.look();
                }
                Err(RecvTimeoutError::Timeout) => return said,
                Err(RecvTimeoutError::Disconnected) => panic!("the watcher has ended"),
            }
            assert!(start.elapsed() < BOUND, "it never becomes quiet");
        }
    }

    /// True if somebody has said "look again" since the last look.
    pub(crate) fn is_told(&self) -> bool {
        self.hints.try_recv().is_ok()
    }

    /// Does something and waits until looks find exactly this; looks only when told to. Gives how often that was.
    #[track_caller]
    pub(crate) fn after(&mut self, change: impl FnOnce(&Place), expected: &[(&str, &str)]) -> usize {
        self.quiet();
        change(self.place);
        self.finds(expected)
    }

    /// Waits until looks find exactly this.
    #[track_caller]
    pub(crate) fn finds(&mut self, expected: &[(&str, &str)]) -> usize {
        let expected = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let deadline = Instant::now() + BOUND;
        let mut said = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let told = self.hints.recv_timeout(left).is_ok();
            assert!(told, "told to look {said} times; found {:?}, not {expected:?}", self.now);
            said += 1;
            self.look();
            if self.now == expected {
                return said;
            }
        }
    }

    /// Holds that a look finds exactly this now.
    #[track_caller]
    pub(crate) fn has(&mut self, expected: &[(&str, &str)]) {
        self.look();
        let expected = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        assert_eq!(self.now, expected);
    }
}
