// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says when to look again: inotify on directories, and on files that are mounts of their own; what is mounted; debounced.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::inotify::{CONTENTS, Hint, Inotify, NAMES, WatchId, Woken};
use super::mounts::{Mount, mounts, watch_mounts};
use super::pending::Pending;
use super::places::{Interest, Places, places};
use crate::words::{path_text, shown};

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
    armed: Arc<Mutex<Armed>>,
    /// Said, and still so.
    complained: bool,
    /// The thread ends when this is closed.
    _end: UnixStream,
}

/// What matters in each watched directory; nothing by name in a watched file.
type Watched = BTreeMap<WatchId, Interest>;

/// What is watched.
#[derive(Default)]
struct Armed {
    watched: Watched,
    places: Places,
    /// The mounts on those places.
    mounts: Vec<Mount>,
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
        let inotify = Arc::new(Inotify::new().map_err(failed)?);
        let armed = Arc::<Mutex<Armed>>::default();
        // Without proc(5) those are found by looking now and then.
        let mounts = watch_mounts().ok();
        let (_end, ended) = UnixStream::pair().map_err(failed)?;
        let thread = {
            let source = Source { inotify: Arc::clone(&inotify), mounts, armed: Arc::clone(&armed) };
            move || {
                if let Err(error) = debounced(&source, &ended, debounce, &look_again) {
                    tracing::warn!("{}; changes are found by looking now and then", WatchError(error.to_string()));
                }
            }
        };
        thread::Builder::new().name("watch".to_owned()).spawn(thread).map_err(failed)?;
        Ok(Self { roots, inotify, armed, complained: false, _end })
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
            // First: what is mounted while the places are walked is something else than before.
            let mounts = mounts();
            if !self.arm(places(&self.roots), &mounts) {
                break;
            }
            changed = true;
        }
        changed
    }

    /// True if other directories, names or mounts are watched than before.
    fn arm(&mut self, places: Places, mounts: &[Mount]) -> bool {
        let mut refusal = None;
        let mounts = mounts_on(&places, mounts);
        // Held until all is known of the new watches: their hints are looked at after that.
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = Watched::new();
        for (directory, interest) in &places {
            let mask = if interest.contents { NAMES | CONTENTS } else { NAMES };
            match self.inotify.watch(directory, mask) {
                Ok(id) => now.entry(id).or_default().join(interest.clone()),
                Err(error) if is_refusal(&error, interest) && refusal.is_none() => {
                    refusal = Some((directory.clone(), error));
                }
                Err(_) => {}
            }
        }
        // What is written into a file that is mounted is told to those who watch its own directory, or the file.
        let files = mounts.iter().map(|mount| &mount.point).filter(|point| !places.contains_key(*point));
        for id in files.filter_map(|file| self.inotify.watch_file(file).ok()) {
            now.entry(id).or_default();
        }
        for id in armed.watched.keys().filter(|id| !now.contains_key(id)) {
            self.inotify.unwatch(*id);
        }
        let changed = armed.watched != now || armed.mounts != mounts;
        *armed = Armed { watched: now, places, mounts };
        drop(armed);
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

/// True for what changes a name that matters, or a watched directory itself.
fn matters(hint: &Hint<'_>, watched: &Watched) -> bool {
    if hint.mask & libc::IN_Q_OVERFLOW != 0 {
        return true;
    }
    // A watch that has ended says so once more.
    watched.get(&hint.watch).is_some_and(|interest| hint.name.is_none_or(|name| interest.covers(name)))
}

/// The mounts whose places are watched directories, or names that matter in one.
fn mounts_on(places: &Places, all: &[Mount]) -> Vec<Mount> {
    let is_on = |mount: &&Mount| {
        let named = || Some(places.get(mount.point.parent()?)?.covers(mount.point.file_name()?));
        places.contains_key(&mount.point) || named().unwrap_or(false)
    };
    let mut found: Vec<Mount> = all.iter().filter(is_on).cloned().collect();
    found.sort();
    found
}

/// Where hints come from.
struct Source {
    inotify: Arc<Inotify>,
    mounts: Option<File>,
    armed: Arc<Mutex<Armed>>,
}

impl Source {
    /// Takes all hints that there are.
    fn take(&self, woken: &Woken, pending: &mut Option<Pending>) -> io::Result<()> {
        let armed = || self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if woken.mounts {
            let all = mounts();
            let armed = armed();
            if mounts_on(&armed.places, &all) != armed.mounts {
                pending.get_or_insert_with(|| Pending::new(now)).touch(now);
            }
        }
        self.inotify.take(|hint| {
            if matters(&hint, &armed().watched) {
                let now = Instant::now();
                pending.get_or_insert_with(|| Pending::new(now)).add(&hint, now);
            }
        })
    }
}

/// Until the other end of `ended` is closed.
fn debounced(source: &Source, ended: &UnixStream, debounce: Duration, look_again: &impl Fn()) -> io::Result<()> {
    let mut pending: Option<Pending> = None;
    loop {
        let due = pending.as_ref().map(|pending| pending.due(debounce));
        let patience = due.map(|due| due.saturating_duration_since(Instant::now()));
        let woken = source.inotify.wait(source.mounts.as_ref(), ended, patience)?;
        if woken.ended {
            return Ok(());
        }
        source.take(&woken, &mut pending)?;
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
