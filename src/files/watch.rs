// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says when to look again: watches directories, files that are mounts of their own, and the list of mounts.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::debounce::{Shared, ends, locked};
use super::mounts::{Mount, mounts, watch_mounts};
use super::places::{Interest, Places, places};
use super::targets::Targets;
use super::watches::{Detail, Watches};
use crate::words::{path_text, shown};

/// How often the paths are walked again because they changed while they were being watched. Anyone who changes them more often
/// is heard: what changed was watched by then.
const MOST_WALKS: usize = 8;

/// Why changes cannot be noticed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchError(String);

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to watch the configuration: {}", self.0)
    }
}

impl std::error::Error for WatchError {}

/// Watches what some roots are made of. Dropping it ends it.
pub struct Watcher {
    roots: Vec<PathBuf>,
    /// Directories in which all names matter.
    folders: Vec<PathBuf>,
    watches: Arc<Mutex<Watches>>,
    heard: Shared,
    /// Said, and still so.
    complained: bool,
}

impl Watcher {
    /// Calls `look_again`, on a thread of its own, when the last change is `debounce` old and nobody is in the middle of
    /// writing; or ten times that after the first change. [`Watcher::rearm`] has to be called once before anything is watched.
    pub fn new(
        roots: Vec<PathBuf>,
        debounce: Duration,
        look_again: impl Fn() + Send + 'static,
    ) -> Result<Self, WatchError> {
        let failed = |error: io::Error| WatchError(explain(&error));
        let heard = Shared::default();
        // Without proc(5) those are found by looking now and then.
        let mounts = watch_mounts().ok();
        let (ear, waiter) = ends(&heard, debounce, mounts).map_err(failed)?;
        let watches = Arc::new(Mutex::new(Watches::new(move |event| ear.hear(&event)).map_err(failed)?));
        let watching = Arc::downgrade(&watches);
        let thread = move || {
            let catch_up = || {
                if let Some(watches) = watching.upgrade() {
                    locked(&watches).catch_up();
                }
            };
            if let Err(error) = waiter.run(&catch_up, &look_again) {
                tracing::warn!("{}; changes are found by looking now and then", WatchError(error.to_string()));
            }
        };
        thread::Builder::new().name("watch".to_owned()).spawn(thread).map_err(failed)?;
        Ok(Self { roots, folders: Vec::new(), watches, heard, complained: false })
    }

    /// From the next [`Watcher::rearm`] on these are watched instead.
    pub fn follow(&mut self, roots: Vec<PathBuf>) {
        self.roots = roots;
    }

    /// From the next [`Watcher::rearm`] on whatever comes and goes in these directories is heard, beside the roots.
    pub fn look_into(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
    }

    /// Watches what the roots are now. To be called after each look; true if that is something else than before: then
    /// something may have happened in between, look again.
    pub fn rearm(&mut self) -> bool {
        let mut changed = false;
        for _ in 0..MOST_WALKS {
            // First: what is mounted while the places are walked is something else than before.
            let mounts = mounts();
            if !self.arm(places(&self.roots, &self.folders), &mounts) {
                break;
            }
            changed = true;
        }
        changed
    }

    /// True if other directories, names or mounts are watched than before.
    fn arm(&mut self, places: Places, mounts: &[Mount]) -> bool {
        let mut targets = Targets::new(places, mounts);
        let (before, lost) = {
            let mut heard = locked(&self.heard);
            (heard.targets.clone(), std::mem::take(&mut heard.lost))
        };
        let mut watches = locked(&self.watches);
        let watched = watches.all();
        // A watch belongs to a directory, not to its path, which may lead to another one by now.
        let is_kept = |(path, detail): &(PathBuf, Detail)| {
            let (known, wanted) = (before.all.get(path), targets.all.get(path));
            !lost && known.zip(wanted).is_some_and(|(known, wanted)| known.is(wanted) && wanted.detail() == *detail)
        };
        let (kept, ended): (BTreeSet<_>, BTreeSet<_>) = watched.into_iter().partition(is_kept);
        ended.iter().for_each(|(path, detail)| watches.unwatch(path, *detail));
        let (mut refusal, mut is_new) = (None, false);
        targets.all.retain(|path, target| {
            if kept.contains(&(path.clone(), target.detail())) {
                return true;
            }
            match watches.watch(path, target.detail()) {
                Ok(()) => is_new = true,
                Err(error) if is_refusal(&error, &target.interest) && refusal.is_none() => {
                    refusal = Some((path.clone(), error));
                    return false;
                }
                Err(_) => return false,
            }
            true
        });
        drop(watches);
        let changed = is_new || targets != before;
        locked(&self.heard).targets = targets;
        self.complain(refusal.as_ref().map(|(directory, error)| (directory.as_path(), error)));
        changed
    }

    fn complain(&mut self, refusal: Option<(&Path, &io::Error)>) {
        let complained = std::mem::replace(&mut self.complained, refusal.is_some());
        if let (Some((directory, error)), false) = (refusal, complained) {
            let error = WatchError(format!("`{}`: {}", shown(&path_text(directory)), explain(error)));
            tracing::warn!("{error}; changes are found by looking now and then");
        }
    }
}

/// False for a directory that has just gone, which those above it tell, and for one above the configuration that may be passed
/// but not read, which is hardly ever moved.
fn is_refusal(error: &io::Error, interest: &Interest) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => false,
        io::ErrorKind::PermissionDenied => interest.contents,
        _ => true,
    }
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSPC) => {
            "the limit of inotify watches is reached; `sysctl fs.inotify.max_user_watches` shows and raises it"
                .to_owned()
        }
        Some(libc::EMFILE) => {
            "the limit of inotify instances or of open files is reached; `sysctl fs.inotify.max_user_instances` and \
             `ulimit -n` show and raise them"
                .to_owned()
        }
        Some(_) | None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::*;

    /// Lost hints renew every watch, once: the end of a watch may have been one of them.
    #[test]
    fn lost_hints_watch_anew() {
        let place = tempfile::tempdir().unwrap();
        let (look, looks) = channel();
        let look = move || look.send(()).unwrap_or_default();
        let mut watcher = Watcher::new(vec![place.path().to_owned()], Duration::from_millis(1), look).unwrap();
        assert!(watcher.rearm());
        assert!(!watcher.rearm());
        locked(&watcher.heard).lost = true;
        assert!(watcher.rearm());
        assert!(!watcher.rearm());
        fs::write(place.path().join("a.yaml"), "a").unwrap();
        looks.recv_timeout(Duration::from_secs(10)).unwrap();
    }
}
