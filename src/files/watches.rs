// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of directories and files: inotify(7), through `notify`.
//!
//! Two instances, since `notify` asks for the same events on all paths of an instance: writes to files in `/tmp` do not wake a
//! daemon that follows `/tmp/probes.d`. Opening and reading files never does.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use notify::{Config, ErrorKind, EventKindMask, INotifyWatcher, RecursiveMode, Watcher as _};

/// A name is created, removed or renamed, or its permissions change.
const NAMES: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_META)
    .union(EventKindMask::MODIFY_NAME);

/// The same, and writes to files.
const CONTENTS: EventKindMask = EventKindMask::CORE.union(EventKindMask::ACCESS_CLOSE);

/// Which events a path needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Those about names.
    Names,
    /// Those about names, and writes.
    Contents,
}

/// Two instances of inotify. Dropping them ends their threads and drops the listeners.
pub(super) struct Watches {
    names: INotifyWatcher,
    contents: INotifyWatcher,
}

impl Watches {
    /// Calls `listen` with each event, on two threads of `notify`. Fails like inotify_init1(2), or if a thread cannot be started.
    pub(super) fn new(listen: impl FnMut(notify::Result<notify::Event>) + Clone + Send + 'static) -> io::Result<Self> {
        let instance = |mask, listen| {
            let made = INotifyWatcher::new(listen, Config::default().with_event_kinds(mask)).map_err(io_error)?;
            if let Err(error) = made.watched_paths() {
                // `notify` hides that its thread could not be started; dropping this watcher would panic (9.0.0-rc.7).
                std::mem::forget(made);
                return Err(io_error(error));
            }
            Ok(made)
        };
        Ok(Self { names: instance(NAMES, listen.clone())?, contents: instance(CONTENTS, listen)? })
    }

    /// Returns when every event so far has been told.
    pub(super) fn catch_up(&self) {
        // A thread of `notify` takes turns between questions and events: between two answers it has told all events.
        for instance in [&self.names, &self.contents] {
            for _ in 0..2 {
                drop(instance.watched_paths());
            }
        }
    }

    /// What is watched. `notify` drops a watch when its directory is removed or renamed.
    pub(super) fn all(&self) -> BTreeSet<(PathBuf, Detail)> {
        let of = |instance: &INotifyWatcher, detail| {
            instance.watched_paths().into_iter().flatten().map(move |(path, _)| (path, detail))
        };
        of(&self.names, Detail::Names).chain(of(&self.contents, Detail::Contents)).collect()
    }

    /// Watches the directory or file that has this path now. A path that is watched already stays as it is, even if it leads to
    /// another directory now: unwatch it first.
    pub(super) fn watch(&mut self, path: &Path, detail: Detail) -> io::Result<()> {
        self.instance(detail).watch(path, RecursiveMode::NonRecursive).map_err(io_error)
    }

    /// Ends a watch, if there is one.
    pub(super) fn unwatch(&mut self, path: &Path, detail: Detail) {
        drop(self.instance(detail).unwatch(path));
    }

    fn instance(&mut self, detail: Detail) -> &mut INotifyWatcher {
        match detail {
            Detail::Names => &mut self.names,
            Detail::Contents => &mut self.contents,
        }
    }
}

fn io_error(error: notify::Error) -> io::Error {
    match error.kind {
        ErrorKind::Io(error) => error,
        ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        ErrorKind::MaxFilesWatch => io::Error::from_raw_os_error(libc::ENOSPC),
        ErrorKind::Generic(_) | ErrorKind::WatchNotFound | ErrorKind::InvalidConfig(_) => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use notify::{Event, EventKind};

    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    fn listening() -> (Watches, Receiver<Event>) {
        let (tell, told) = channel();
        (Watches::new(move |event: notify::Result<Event>| drop(tell.send(event.unwrap()))).unwrap(), told)
    }

    /// All events before the one that creates `end`.
    fn until_end(told: &Receiver<Event>, directory: &Path) -> Vec<EventKind> {
        let end = directory.join("end");
        fs::write(&end, "").unwrap();
        let events = std::iter::from_fn(|| Some(told.recv_timeout(BOUND).unwrap()));
        events.take_while(|event| !event.paths.contains(&end)).map(|event| event.kind).collect()
    }

    /// Opening, reading and listing a hundred times is no event. Writing is one where contents matter.
    #[test]
    fn readers_wake_nobody() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.yaml");
        for (detail, writes) in [(Detail::Names, 0), (Detail::Contents, 2)] {
            drop(fs::remove_file(place.path().join("end")));
            fs::write(&file, "a").unwrap();
            let (mut watches, told) = listening();
            watches.watch(place.path(), detail).unwrap();
            for _ in 0..100 {
                fs::read(&file).unwrap();
                fs::read_dir(place.path()).unwrap().for_each(drop);
            }
            // Opened to append: written without being made shorter before.
            let mut written = fs::OpenOptions::new().append(true).open(&file).unwrap();
            std::io::Write::write_all(&mut written, b"b").unwrap();
            drop(written);
            let told = until_end(&told, place.path());
            assert_eq!(told.len(), writes, "{detail:?}: {told:?}");
        }
    }

    /// A directory that is renamed is not watched any more, and the list says so once its events have been told.
    #[test]
    fn what_moves_away_is_not_watched() {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (place.path().join("one"), place.path().join("other"));
        fs::create_dir(&one).unwrap();
        let (mut watches, told) = listening();
        watches.watch(place.path(), Detail::Names).unwrap();
        watches.watch(&one, Detail::Names).unwrap();
        assert_eq!(watches.all().len(), 2);
        fs::rename(&one, &other).unwrap();
        until_end(&told, place.path());
        assert_eq!(watches.all(), BTreeSet::from([(place.path().to_owned(), Detail::Names)]));
    }
}
