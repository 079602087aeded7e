// SPDX-License-Identifier: MIT OR Apache-2.0
//! Follows the files of sets, on a thread of its own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use super::live::LiveSet;
use super::shared::{All, locked};
use crate::config::{BadLine, MAX_SET_ENTRIES, SetLines, set_lines};
use crate::files::{Watcher, read_list};
use crate::kernel::cgroup_root;
use crate::spec::{SetEntry, SetSource};
use crate::words::path_text;

/// How long after the last write a file is read.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How often files are looked at without a reason: for file systems that report no changes.
const RESCAN: Duration = Duration::from_secs(30);
/// The same where changes cannot be noticed.
const BLIND: Duration = Duration::from_secs(1);

/// What the thread is told.
enum Tell {
    Look,
    End,
}

/// The thread. Dropping it ends it.
pub(super) struct Follower {
    tell: Sender<Tell>,
}

impl Follower {
    /// Follows the files of `shared`; `None`, and said, where the kernel refuses a thread.
    pub(super) fn start(shared: &Arc<Mutex<All>>, guarded: bool) -> Option<Self> {
        let (tell, told) = channel();
        let (shared, look) = (Arc::downgrade(shared), tell.clone());
        let work = move || follow(&shared, guarded, &look, &told);
        match thread::Builder::new().name("sets".to_owned()).spawn(work) {
            Ok(_) => Some(Self { tell }),
            Err(error) => {
                tracing::warn!("failed to start a thread, sets do not follow their files: {error}");
                None
            }
        }
    }

    /// Has it look at once: there may be other files.
    pub(super) fn look(&self) {
        drop(self.tell.send(Tell::Look));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.tell.send(Tell::End));
    }
}

fn follow(shared: &Weak<Mutex<All>>, guarded: bool, look: &Sender<Tell>, told: &Receiver<Tell>) {
    let look = look.clone();
    let mut watcher = Watcher::new(Vec::new(), DEBOUNCE, move || drop(look.send(Tell::Look)))
        .inspect_err(|error| tracing::warn!("{error}; sets look at their files every second"))
        .ok();
    loop {
        loop {
            let Some(shared) = shared.upgrade() else { return };
            let mut all = locked(&shared);
            if let Some(watcher) = &mut watcher {
                watcher.follow(all.values().filter_map(path).collect());
            }
            all.values_mut().for_each(|set| read(set, guarded));
            drop(all);
            if !watcher.as_mut().is_some_and(Watcher::rearm) {
                break;
            }
        }
        match told.recv_timeout(if watcher.is_some() { RESCAN } else { BLIND }) {
            Ok(Tell::Look) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Tell::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn path(set: &LiveSet) -> Option<PathBuf> {
    match &set.spec.source {
        SetSource::File(path) => Some(path.clone()),
        SetSource::Cgroup(path) => cgroup(path),
        SetSource::Entries(_) | SetSource::Descendants(_) => None,
    }
}

/// The directory of a cgroup.
fn cgroup(path: &str) -> Option<PathBuf> {
    Some(cgroup_root()?.join(path.trim_start_matches('/')))
}

/// Reads the file of a set. Where it cannot be read, what is in the set stays; while a line is bad, nothing is taken out.
pub(super) fn read(set: &mut LiveSet, guarded: bool) {
    match set.spec.source.clone() {
        SetSource::Cgroup(path) => read_cgroup(set, &path),
        SetSource::File(path) => {
            let before = set.is_read.then(|| set.entries().clone());
            let complaint = read_file(set, &path, guarded);
            say(set, &path, before.is_some_and(|before| before != *set.entries()), complaint);
        }
        SetSource::Entries(_) | SetSource::Descendants(_) => {}
    }
}

fn read_cgroup(set: &mut LiveSet, name: &str) {
    let Some(path) = cgroup(name) else { return };
    let id = fs::metadata(&path).ok().map(|about| SetEntry::Number(about.ino().into()));
    if let Err(error) = set.fill(id.into_iter().collect()) {
        tracing::warn!("failed to follow the cgroup `{}`: {error}", path.display());
    }
}

/// Takes over what the file has; what is to be said of it.
fn read_file(set: &mut LiveSet, path: &Path, guarded: bool) -> Option<String> {
    let name = path_text(path);
    let stays = if set.is_read { "its old entries stay" } else { "the set is empty until it can be read" };
    let list = match read_list(path, guarded) {
        Ok(list) => list,
        Err(why) => return Some(format!("cannot read `{name}`: {why}; {stays}")),
    };
    let SetLines { mut entries, bad, bad_count, is_too_long } = set_lines(set.spec.kind, &list.bytes, !list.is_private);
    if is_too_long {
        return Some(format!("`{name}` has more than {MAX_SET_ENTRIES} entries: {stays}; split it into several sets"));
    }
    if bad_count > 0 {
        entries.extend(set.entries().iter().cloned());
    }
    let count = entries.len();
    if let Err(error) = set.fill(entries) {
        return Some(format!("the kernel has no memory for the {count} entries of `{name}` ({error}): {stays}"));
    }
    set.is_read = true;
    if let Some(BadLine { number, why }) = bad.first() {
        let help = why.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let more = match bad_count {
            0 | 1 => String::new(),
            2 => " (and another line)".to_owned(),
            count => format!(" (and {} more lines)", count - 1),
        };
        let message = &why.message;
        return Some(format!("{name}:{number}: {message}{help}{more}; the other lines count, and old entries stay"));
    }
    count.eq(&0).then(|| format!("`{name}` has no entries: nothing is in the set"))
}

/// Says what is new.
fn say(set: &mut LiveSet, path: &Path, changed: bool, complaint: Option<String>) {
    let (name, count) = (path_text(path), set.entries().len());
    match &complaint {
        Some(text) if set.said != complaint => tracing::warn!("{text}"),
        None if changed || set.said.is_some() => tracing::info!("`{name}` is read again: {count} entries"),
        Some(_) | None => {}
    }
    set.said = complaint;
}
