// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says when to look again: inotify on directories, debounced.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::places::{places, targets};
use crate::config::is_config_name;

/// Events that keep coming do not put it off for longer than this many times the debounce.
const MOST_DEBOUNCES: u32 = 10;

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
    inotify: RecommendedWatcher,
    /// What is watched, and which directory that was: another one may have taken its name.
    watched: BTreeMap<PathBuf, Identity>,
    /// The files that roots and links lead to, whatever their names are.
    targets: Arc<Mutex<BTreeSet<PathBuf>>>,
    complained: bool,
}

/// Device and inode; `None` for a directory that has gone.
type Identity = Option<(u64, u64)>;

impl Watcher {
    /// Calls `look_again`, on a thread of its own, when the last change is `debounce` old, or ten times that after the first
    /// one. [`Watcher::rearm`] has to be called once before anything is watched.
    pub fn new(
        roots: Vec<PathBuf>,
        debounce: Duration,
        look_again: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, WatchError> {
        let (changed, changes) = mpsc::channel();
        let targets = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&targets);
        let inotify = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_ours = |path: &PathBuf| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(is_config_name)
                    || known.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
            };
            if event.map_or(true, |event| {
                matters(&event.kind) && (!is_content(&event.kind) || event.paths.iter().any(is_ours))
            }) {
                // The thread ends when this end is dropped, not before.
                let _ = changed.send(());
            }
        });
        let inotify = inotify.map_err(|error| WatchError(explain(&error)))?;
        thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || debounced(&changes, debounce, &look_again))
            .map_err(|error| WatchError(error.to_string()))?;
        Ok(Self { roots, inotify, watched: BTreeMap::new(), targets, complained: false })
    }

    /// Watches what the roots are now. To be called after each look; true if that is something else than before: then
    /// something may have happened in between, look again.
    pub fn rearm(&mut self) -> bool {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets(&self.roots, is_config_name);
        let identity = |path: &PathBuf| -> Identity {
            std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
        };
        let wanted: BTreeMap<PathBuf, Identity> = places(&self.roots, is_config_name)
            .into_iter()
            .map(|path| (identity(&path), path))
            .filter_map(|(identity, path)| identity.is_some().then_some((path, identity)))
            .collect();
        if wanted == self.watched {
            return false;
        }
        for (path, identity) in &self.watched {
            if wanted.get(path) != Some(identity) {
                // The watch went with its directory where that is gone.
                drop(self.inotify.unwatch(path));
            }
        }
        let mut now = BTreeMap::new();
        for (path, identity) in wanted {
            if self.watched.get(&path) == Some(&identity) {
                now.insert(path, identity);
                continue;
            }
            match self.inotify.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => drop(now.insert(path, identity)),
                Err(error) => self.complain(&error),
            }
        }
        let changed = now != self.watched;
        self.watched = now;
        changed
    }

    fn complain(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("{}; changes are found by looking now and then", WatchError(explain(error)));
        }
    }
}

/// True for what changes a directory or a file. That somebody reads a file, we do ourselves.
fn matters(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

/// True for what changes the text of a file, and no name: that of other files, such as a sink beside the configuration, must
/// neither wake us nor put off a look.
fn is_content(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any)
    )
}

fn debounced(changes: &mpsc::Receiver<()>, debounce: Duration, look_again: &impl Fn()) {
    while changes.recv().is_ok() {
        let latest = Instant::now() + debounce * MOST_DEBOUNCES;
        loop {
            let patience = debounce.min(latest.saturating_duration_since(Instant::now()));
            match changes.recv_timeout(patience) {
                Ok(()) if Instant::now() < latest => {}
                Ok(()) | Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        look_again();
    }
}

fn explain(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the limit of inotify watches is reached; `sysctl fs.inotify.max_user_watches` shows and raises it"
                .to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            "the limit of inotify instances is reached; `sysctl fs.inotify.max_user_instances` shows and raises it"
                .to_owned()
        }
        ErrorKind::Generic(_)
        | ErrorKind::Io(_)
        | ErrorKind::PathNotFound
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_) => error.to_string(),
    }
}
