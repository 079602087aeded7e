// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says when to look again: inotify on directories, debounced.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::inotify::{CONTENTS, Hint, Inotify, NAMES, WatchId};
use super::pending::Pending;
use super::places::{Interest, Places, places};

/// How often the paths are walked again because they changed while they were being watched. Whoever changes them more often
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
    inotify: Arc<Inotify>,
    watched: Arc<Mutex<Watched>>,
    /// Said, and still so.
    complained: bool,
    /// The thread ends when this is closed.
    _end: UnixStream,
}

/// What matters in each watched directory.
type Watched = BTreeMap<WatchId, Interest>;

impl Watcher {
    /// Calls `look_again`, on a thread of its own, when the last change is `debounce` old and nobody is in the middle of
    /// writing; or ten times that after the first change. [`Watcher::rearm`] has to be called once before anything is watched.
    pub fn new(
        roots: Vec<PathBuf>,
        debounce: Duration,
        look_again: impl Fn() + Send + 'static,
    ) -> Result<Self, WatchError> {
        let failed = |error: io::Error| WatchError(explain(&error));
        let inotify = Arc::new(Inotify::new().map_err(failed)?);
        let watched = Arc::new(Mutex::new(Watched::new()));
        let (_end, ended) = UnixStream::pair().map_err(failed)?;
        let thread = {
            let (inotify, watched) = (Arc::clone(&inotify), Arc::clone(&watched));
            move || {
                if let Err(error) = debounced(&inotify, &watched, &ended, debounce, &look_again) {
                    tracing::warn!("{}; changes are found by looking now and then", WatchError(error.to_string()));
                }
            }
        };
        thread::Builder::new().name("watch".to_owned()).spawn(thread).map_err(failed)?;
        Ok(Self { roots, inotify, watched, complained: false, _end })
    }

    /// From the next [`Watcher::rearm`] on these are watched instead.
    pub fn follow(&mut self, roots: Vec<PathBuf>) {
        self.roots = roots;
    }

    /// Watches what the roots are now. To be called after each look; true if that is something else than before: then
    /// something may have happened in between, look again.
    pub fn rearm(&mut self) -> bool {
        let mut changed = false;
        for _ in 0..MOST_WALKS {
            if !self.arm(places(&self.roots)) {
                break;
            }
            changed = true;
        }
        changed
    }

    /// True if other directories or names are watched than before.
    fn arm(&mut self, wanted: Places) -> bool {
        let mut refusal = None;
        // Held until all is known of the new watches: their hints are looked at after that.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = Watched::new();
        for (directory, interest) in wanted {
            let mask = if interest.contents { NAMES | CONTENTS } else { NAMES };
            match self.inotify.watch(&directory, mask) {
                Ok(id) => now.entry(id).or_default().join(interest),
                Err(error) if is_refusal(&error, &interest) => drop(refusal.get_or_insert((directory, error))),
                Err(_) => {}
            }
        }
        for id in watched.keys().filter(|id| !now.contains_key(id)) {
            self.inotify.unwatch(*id);
        }
        let changed = *watched != now;
        *watched = now;
        drop(watched);
        self.complain(refusal.as_ref().map(|(directory, error)| (directory.as_path(), error)));
        changed
    }

    fn complain(&mut self, refusal: Option<(&Path, &io::Error)>) {
        let complained = std::mem::replace(&mut self.complained, refusal.is_some());
        if let (Some((directory, error)), false) = (refusal, complained) {
            let error = WatchError(format!("`{}`: {}", directory.display(), explain(error)));
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

/// True for what changes a name that matters, or a watched directory itself.
fn matters(hint: &Hint<'_>, watched: &Watched) -> bool {
    if hint.mask & libc::IN_Q_OVERFLOW != 0 {
        return true;
    }
    // A watch that has ended says so once more.
    watched.get(&hint.watch).is_some_and(|interest| hint.name.is_none_or(|name| interest.covers(name)))
}

/// Until the other end of `ended` is closed.
fn debounced(
    inotify: &Inotify,
    watched: &Mutex<Watched>,
    ended: &UnixStream,
    debounce: Duration,
    look_again: &impl Fn(),
) -> io::Result<()> {
    let mut pending: Option<Pending> = None;
    loop {
        let due = pending.as_ref().map(|pending| pending.due(debounce));
        if inotify.wait(ended, due.map(|due| due.saturating_duration_since(Instant::now())))? {
            return Ok(());
        }
        inotify.take(|hint| {
            if matters(&hint, &watched.lock().unwrap_or_else(PoisonError::into_inner)) {
                let now = Instant::now();
                pending.get_or_insert_with(|| Pending::new(now)).add(&hint, now);
            }
        })?;
        if pending.as_ref().is_some_and(|pending| pending.due(debounce) <= Instant::now()) {
            pending = None;
            look_again();
        }
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
