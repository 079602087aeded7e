// SPDX-License-Identifier: MIT OR Apache-2.0
//! Follows the files of sets, on a thread of its own.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use super::lines::{Lines, lines};
use super::live::LiveSet;
use super::shared::{All, locked};
use crate::files::{Watcher, read_list};
use crate::kernel::cgroup_root;
use crate::spec::{SetEntry, SetSource, SetSpec};

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

/// What the file of a set has, for the size of its map.
pub(super) fn first(spec: &SetSpec, guarded: bool) -> BTreeSet<SetEntry> {
    match &spec.source {
        SetSource::File(path) => {
            read_list(path, guarded).map(|bytes| lines(spec.kind, &bytes).entries).unwrap_or_default()
        }
        SetSource::Entries(_) | SetSource::Cgroup(_) | SetSource::Descendants(_) => BTreeSet::new(),
    }
}

/// Reads the file of a set. Where it cannot be read, what is in the set stays; while a line is bad, nothing is taken out.
pub(super) fn read(set: &mut LiveSet, guarded: bool) {
    let Some(path) = path(set) else { return };
    if let SetSource::Cgroup(_) = set.spec.source {
        let id = fs::metadata(&path).ok().map(|about| SetEntry::Number(about.ino().into()));
        if let Err(error) = set.fill(id.into_iter().collect()) {
            tracing::warn!("failed to follow the cgroup `{}`: {error}", path.display());
        }
        return;
    }
    let shown = path.display();
    let (mut entries, mut complaint) = match read_list(&path, guarded) {
        Err(why) => {
            let stays = if set.is_read { "its entries stay" } else { "the set is empty until it can be read" };
            (set.entries().clone(), Some(format!("cannot read `{shown}`: {why}; {stays}")))
        }
        Ok(bytes) => {
            let Lines { mut entries, bad, bad_count } = lines(set.spec.kind, &bytes);
            set.is_read = true;
            if bad.is_some() {
                entries.extend(set.entries().iter().cloned());
            }
            let more =
                |count: usize| if count > 1 { format!(" (and {} more lines)", count - 1) } else { String::new() };
            let complaint = bad.map(|(line, why)| {
                format!("{shown}:{line}: {why}{}; the other lines count, and old entries stay", more(bad_count))
            });
            (entries, complaint)
        }
    };
    if entries != *set.entries()
        && let Err(error) = set.fill(std::mem::take(&mut entries))
    {
        complaint =
            Some(format!("the set from `{shown}` has outgrown its room in the kernel ({error}): restart ebpf-run"));
    }
    if complaint != set.said {
        match &complaint {
            Some(complaint) => tracing::warn!("{complaint}"),
            None => tracing::info!("`{shown}` is read again: {} entries", set.entries().len()),
        }
        set.said = complaint;
    }
}
