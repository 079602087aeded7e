// SPDX-License-Identifier: MIT OR Apache-2.0
//! Follows the programs, libraries and cgroups that hooks are in: one that is missing may come, an upgrade brings another one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::files::Watcher;

/// How long nothing may change about a binary before it is looked at: an upgrade takes several steps.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// What is watched.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Watched {
    /// Files and directories that may come, go or become others.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Directories in which anything may come or go.
    pub(super) folders: BTreeSet<PathBuf>,
}

/// Says when to look at the binaries again.
#[derive(Default)]
pub(super) struct BinaryWatch {
    /// Made with the first binary: most daemons hook none.
    watcher: Option<Watcher>,
    watched: Watched,
    changed: Arc<Notify>,
}

impl BinaryWatch {
    /// Told when one of them is another file than before, or may be.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Watches these. True if something about the way to them has changed: then look again.
    pub(super) fn watch(&mut self, all: Watched) -> bool {
        if all == Watched::default() {
            (self.watcher, self.watched) = (None, all);
            return false;
        }
        if self.watcher.is_none() {
            let changed = self.changed();
            // Without inotify they are looked at with everything else, now and then.
            self.watcher = Watcher::new(Vec::new(), DEBOUNCE, move || changed.notify_one()).ok();
        }
        let Some(watcher) = &mut self.watcher else { return false };
        if all != self.watched {
            watcher.follow(all.paths.iter().cloned().collect());
            watcher.look_into(all.folders.iter().cloned().collect());
            self.watched = all;
        }
        watcher.rearm()
    }
}
