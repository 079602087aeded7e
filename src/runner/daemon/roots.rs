// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directories that are followed, themselves: what is wrong with them is said once, and shown as long as it is so.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::said::Said;
use crate::config::{Problem, render};
use crate::files::{Looker, Scan, ScannedRoot, Trust};
use crate::status::{DirectoryState, DirectoryStatus};
use crate::words::{path_text, shown};

/// How often it is asked whether a file system answers again.
const STUCK: Duration = Duration::from_secs(1);

/// Directories, and files that are followed by name.
pub(super) struct Roots {
    paths: Vec<PathBuf>,
    looker: Looker,
    /// As they were the last time.
    now: Vec<ScannedRoot>,
    /// What cannot arrive, of which file.
    pub(super) remarks: Vec<Problem>,
    /// It was said that others can change what is read.
    distrusted: bool,
}

impl Roots {
    pub(super) fn new(paths: Vec<PathBuf>, trust: Trust) -> Self {
        Self { paths, looker: Looker::new(trust), now: Vec::new(), remarks: Vec::new(), distrusted: false }
    }

    /// What is there now. Says what is new about the directories themselves, and gives those in which something went wrong, or
    /// is right again.
    pub(super) fn look(&mut self, debounce: Duration, say: &mut dyn FnMut(&Said<'_>)) -> (Scan, Vec<ScannedRoot>) {
        let mut found = self.looker.look(&self.paths, debounce);
        let mut changed = Vec::new();
        for root in &found.roots {
            let before = self.now.iter().find(|known| known.path == root.path);
            let shown = path_text(&root.path);
            let told = before.and_then(|before| before.problem.as_ref());
            match &root.problem {
                Some(problem) if told != Some(problem) => say(&Said::Problem(problem)),
                None if root.state == DirectoryState::Missing && before.is_none() => {
                    say(&Said::Warning(&format!("`{shown}` does not exist yet; watching for it")));
                }
                None if told.is_some() => say(&Said::Info(&format!("`{shown}` is read again"))),
                Some(_) | None => {}
            }
            if told != root.problem.as_ref() {
                changed.push(root.clone());
            }
        }
        self.now.clone_from(&found.roots);
        found.warnings.iter().filter(|new| !self.remarks.contains(new)).for_each(|new| say(&Said::Problem(new)));
        self.remarks = std::mem::take(&mut found.warnings);
        if let (Some(breach), false) = (found.breaches.first(), self.distrusted) {
            self.distrusted = true;
            say(&Said::Warning(&format!("{breach}: anyone who can change it controls what runs here")));
        }
        (found, changed)
    }

    /// When to ask whether a file system answers that does not; `None`: all do.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.looker.is_stuck().then(|| Instant::now() + STUCK)
    }

    /// True where one answers again.
    pub(super) fn has_answer(&self) -> bool {
        self.looker.has_answer()
    }

    /// Those whose file systems answer.
    pub(super) fn able(&self) -> Vec<PathBuf> {
        let is_silent =
            |path: &PathBuf| self.now.iter().any(|root| root.path == *path && root.state == DirectoryState::Silent);
        let able = self.now.iter().map(|root| &root.path).filter(|path| !is_silent(path));
        able.cloned().collect()
    }

    /// True for what was said of a directory, and need not be said of each of its files.
    pub(super) fn is_said(&self, problem: &Problem) -> bool {
        self.now.iter().any(|root| root.problem.as_ref() == Some(problem))
    }

    /// For the snapshot.
    pub(super) fn status(&self) -> Vec<DirectoryStatus> {
        let status = |root: &ScannedRoot| DirectoryStatus {
            path: path_text(&root.path).into_owned(),
            state: root.state,
            problem: root.problem.as_ref().map(|problem| render(problem, false)).unwrap_or_default(),
        };
        self.now.iter().map(status).collect()
    }

    /// `/etc/ebpf-run/probes.d is unreadable`, of the first that is not as it should be, and how many more there are.
    pub(super) fn headline(&self) -> Option<String> {
        let mut bad = self.now.iter().filter(|root| root.state != DirectoryState::Ok);
        let first = bad.next()?;
        let text = format!("{} is {}", shown(&path_text(&first.path)), first.state.name());
        Some(match bad.count() {
            0 => text,
            1 => format!("{text}, and 1 more directory is not read"),
            more => format!("{text}, and {more} more directories are not read"),
        })
    }
}
