// SPDX-License-Identifier: MIT OR Apache-2.0
//! Follows the programs and libraries that hooks are in: one that is missing may come, an upgrade brings another one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::files::Watcher;

/// How long nothing may change about a binary before it is looked at: an upgrade takes several steps.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Says when to look at the binaries again.
#[derive(Default)]
pub(super) struct BinaryWatch {
    /// Made with the first binary: most daemons hook none.
    watcher: Option<Watcher>,
    watched: BTreeSet<PathBuf>,
    changed: Arc<Notify>,
}

impl BinaryWatch {
    /// Told when one of them is another file than before, or may be.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Watches these paths. True if something about the way to them has changed: then look again.
    pub(super) fn watch(&mut self, paths: BTreeSet<PathBuf>) -> bool {
        if paths.is_empty() {
            (self.watcher, self.watched) = (None, paths);
            return false;
        }
        if self.watcher.is_none() {
            let changed = self.changed();
            // Without inotify they are looked at with everything else, now and then.
            self.watcher = Watcher::new(Vec::new(), DEBOUNCE, move || changed.notify_one()).ok();
        }
        let Some(watcher) = &mut self.watcher else { return false };
        if paths != self.watched {
            watcher.follow(paths.iter().cloned().collect());
            self.watched = paths;
        }
        watcher.rearm()
    }
}
