// SPDX-License-Identifier: MIT OR Apache-2.0
//! One set while probes ask for it: its map, what readers see of it, and where its content is from.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::content::{InKernel, LiveContent};
use crate::catalog::SetMapKind;
use crate::kernel::{Descendants, SetMap, set_keys};
use crate::record::SetContent;
use crate::spec::{SetEntry, SetKind, SetSource, SetSpec};

/// Entries that a map has room for at least where its content may grow.
const LEAST_ROOM: usize = 16 << 10;
/// How much larger than its content it is made.
const HEADROOM: usize = 4;
/// Networks take room for what is there only.
const MOST_NETWORKS: u32 = 1 << 24;

/// A set that probes ask for.
#[derive(Debug)]
pub(super) struct LiveSet {
    pub(super) spec: SetSpec,
    pub(super) map: SetMap,
    content: Arc<LiveContent>,
    entries: BTreeSet<SetEntry>,
    room: usize,
    /// Keeps it, where the kernel does.
    kept: Option<Descendants>,
    /// What was last said of its file.
    pub(super) said: Option<String>,
    /// Its file has been read.
    pub(super) is_read: bool,
}

impl LiveSet {
    /// A set with this content; of one from a file `first` has what is in it now. Fails where the kernel refuses its map.
    pub(super) fn new(spec: &SetSpec, first: &BTreeSet<SetEntry>) -> io::Result<Self> {
        let (entries, grows) = match &spec.source {
            SetSource::Entries(entries) => (entries.iter().cloned().collect(), false),
            SetSource::File(_) | SetSource::Descendants(_) => (first.clone(), true),
            SetSource::Cgroup(_) => (BTreeSet::new(), false),
        };
        let room = room(spec.kind, entries.len(), grows);
        let map = SetMap::new(SetMapKind::of(spec.kind), room)?;
        let kept = match &spec.source {
            SetSource::Descendants(root) => Some(Descendants::keep(&map, *root)?),
            SetSource::Entries(_) | SetSource::File(_) | SetSource::Cgroup(_) => None,
        };
        let content = Arc::default();
        let (spec, said) = (spec.clone(), None);
        let (entries_now, room) = (BTreeSet::new(), room as usize);
        let mut set = Self { spec, map, content, entries: entries_now, room, kept, said, is_read: false };
        set.fill(entries)?;
        Ok(set)
    }

    /// Whether it can be declared so and keep its map: who keeps it is the same, and there is room.
    pub(super) fn can_become(&self, spec: &SetSpec) -> bool {
        match (&self.spec.source, &spec.source) {
            (SetSource::Descendants(one), SetSource::Descendants(other)) => one == other,
            (_, SetSource::Descendants(_)) | (SetSource::Descendants(_), _) => false,
            // The path is its name.
            (SetSource::Cgroup(_), SetSource::Cgroup(_)) => true,
            (SetSource::Cgroup(_), _) | (_, SetSource::Cgroup(_)) => false,
            (SetSource::Entries(_) | SetSource::File(_), SetSource::Entries(entries)) => entries.len() <= self.room,
            (SetSource::Entries(_), SetSource::File(_)) => self.room >= LEAST_ROOM,
            (SetSource::File(_), SetSource::File(_)) => true,
        }
    }

    /// The same set by another declaration, where it [can be](Self::can_become).
    pub(super) fn redeclare(&mut self, spec: &SetSpec) -> io::Result<()> {
        if let SetSource::Entries(entries) = &spec.source {
            self.fill(entries.iter().cloned().collect())?;
        }
        self.spec = spec.clone();
        Ok(())
    }

    /// How readers ask it.
    pub(super) fn content(&self) -> Arc<dyn SetContent> {
        if self.kept.is_some() {
            return Arc::new(InKernel(self.map.clone()));
        }
        Arc::clone(&self.content) as Arc<dyn SetContent>
    }

    /// From now on it has these: first comes what is new, then goes what is not there any more. An event sees an entry that stays at
    /// every moment. Fails where there is no room for all; the others are in it.
    pub(super) fn fill(&mut self, entries: BTreeSet<SetEntry>) -> io::Result<()> {
        if entries == self.entries {
            return Ok(());
        }
        let new = entries.difference(&self.entries).flat_map(set_keys);
        let put = new.map(|key| self.map.insert(&key)).fold(Ok(()), Result::and);
        self.content.put(&entries);
        // A network may come to keys that another one has as well.
        let stays: BTreeSet<Vec<u8>> = match self.spec.kind {
            SetKind::Ip => entries.iter().flat_map(set_keys).collect(),
            SetKind::Text | SetKind::Number | SetKind::Pid => BTreeSet::new(),
        };
        for key in self.entries.difference(&entries).flat_map(set_keys).filter(|key| !stays.contains(key)) {
            self.map.remove(&key)?;
        }
        self.entries = entries;
        put
    }

    /// The entries now, of one that has them from a file or the configuration.
    pub(super) fn entries(&self) -> &BTreeSet<SetEntry> {
        &self.entries
    }
}

fn room(kind: SetKind, entries: usize, grows: bool) -> u32 {
    match kind {
        SetKind::Ip => MOST_NETWORKS,
        SetKind::Text | SetKind::Number | SetKind::Pid => {
            let least = if grows { LEAST_ROOM } else { 64 };
            u32::try_from(entries.saturating_mul(HEADROOM).max(least)).unwrap_or(u32::MAX)
        }
    }
}
