// SPDX-License-Identifier: MIT OR Apache-2.0
//! Leaves the files of programs that were replaced and that nobody runs any more. Who runs what is found out aside: a machine may have
//! processes that make it a long look, and the loop waits for nobody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::Notify;

use super::entry::Entry;
use crate::kernel::{FormerSearch, binary_path};
use crate::plan::UnitId;
use crate::runner::engine::detach_aside;

/// The look at all processes that is under way.
#[derive(Default)]
pub(super) struct Looking {
    search: Option<JoinHandle<FormerSearch>>,
    /// Asked for again meanwhile: what ended since may have been looked at before.
    again: bool,
    done: Arc<Notify>,
}

impl Looking {
    /// Told when [`Looking::leave_unused`] has something to do.
    pub(super) fn done(&self) -> Arc<Notify> {
        Arc::clone(&self.done)
    }

    /// Begins to look for who runs files that were replaced, and leaves those that are too many.
    pub(super) fn begin(&mut self, entries: &mut BTreeMap<UnitId, Entry>) {
        if self.search.is_some() {
            self.again = true;
            return;
        }
        let mut files = Vec::new();
        for unit in entries.values_mut().filter_map(|entry| entry.running.as_mut()) {
            let attached = &mut unit.attached;
            let Some(name) = unit.content.spec.binary().filter(|_| attached.has_former()) else { continue };
            detach_aside(attached.leave(|_| true));
            // One that was removed is known by its device and inode alone.
            let path = binary_path(name).unwrap_or_else(|| PathBuf::from(name));
            files.extend(attached.former_files().map(|file| (file, path.clone())));
        }
        if files.is_empty() {
            return;
        }
        let (search, done) = (FormerSearch::new(files), self.done());
        let look = move || {
            let search = search.done();
            done.notify_one();
            search
        };
        // Without a thread it is for the next look.
        self.search = thread::Builder::new().name("former".to_owned()).spawn(look).ok();
    }

    /// Leaves the files that nobody was found to run.
    pub(super) fn leave_unused(&mut self, entries: &mut BTreeMap<UnitId, Entry>) {
        let Some(search) = self.search.take() else { return };
        // It has told that it is done, so this waits for no more than its last instructions.
        if let Ok(found) = search.join() {
            for unit in entries.values_mut().filter_map(|entry| entry.running.as_mut()) {
                detach_aside(unit.attached.leave(|file| found.may_be_mapped(file)));
            }
        }
        if std::mem::take(&mut self.again) {
            self.begin(entries);
        }
    }
}
