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

/// A map whose content would fit into one that is so much smaller is replaced by that one.
const TOO_LARGE: usize = 8;

/// A set that probes ask for.
#[derive(Debug)]
pub(super) struct LiveSet {
    pub(super) spec: SetSpec,
    pub(super) map: SetMap,
    content: Arc<LiveContent>,
    entries: BTreeSet<SetEntry>,
    room: u32,
    /// Keeps it, where the kernel does.
    kept: Option<Descendants>,
    /// How many processes it lacks, as was last said.
    lacking: u64,
    /// What was last said of its file.
    pub(super) said: Option<String>,
    /// Its file has been read.
    pub(super) is_read: bool,
}

impl LiveSet {
    /// A set with what its declaration lists. Fails where the kernel refuses its map.
    pub(super) fn new(spec: &SetSpec) -> io::Result<Self> {
        let room = match &spec.source {
            SetSource::Descendants(_) => SetMap::MOST_DESCENDANTS,
            SetSource::Entries(_) | SetSource::File(_) | SetSource::Cgroup(_) => SetMap::room_for(0),
        };
        let map = SetMap::new(SetMapKind::of(spec.kind), room)?;
        let kept = match &spec.source {
            SetSource::Descendants(root) => Some(Descendants::keep(&map, *root)?),
            SetSource::Entries(_) | SetSource::File(_) | SetSource::Cgroup(_) => None,
        };
        let (content, entries) = (Arc::default(), BTreeSet::new());
        let mut set =
            Self { spec: spec.clone(), map, content, entries, room, kept, lacking: 0, said: None, is_read: false };
        set.redeclare(spec)?;
        Ok(set)
    }

    /// Whether it can be declared so and keep its map: who keeps it is the same.
    pub(super) fn can_become(&self, spec: &SetSpec) -> bool {
        match (&self.spec.source, &spec.source) {
            (SetSource::Descendants(one), SetSource::Descendants(other)) => one == other,
            (_, SetSource::Descendants(_)) | (SetSource::Descendants(_), _) => false,
            // The path is its name.
            (SetSource::Cgroup(_), SetSource::Cgroup(_)) => true,
            (SetSource::Cgroup(_), _) | (_, SetSource::Cgroup(_)) => false,
            (SetSource::Entries(_) | SetSource::File(_), SetSource::Entries(_) | SetSource::File(_)) => true,
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

    /// From now on it has these. An event sees an entry that stays at every moment. Fails where the kernel has no memory for them; then
    /// it has what it had.
    pub(super) fn fill(&mut self, entries: BTreeSet<SetEntry>) -> io::Result<()> {
        if entries == self.entries {
            return Ok(());
        }
        let room = SetMap::room_for(entries.len());
        match self.spec.kind {
            SetKind::Text | SetKind::Number | SetKind::Pid
                if entries.len() > self.room as usize || self.room as usize / TOO_LARGE >= room as usize =>
            {
                self.map.replace(room, entries.iter().flat_map(set_keys))?;
                self.room = room;
            }
            SetKind::Ip | SetKind::Text | SetKind::Number | SetKind::Pid => self.change(&entries)?,
        }
        self.content.put(&entries);
        self.entries = entries;
        Ok(())
    }

    /// First comes what is new, then goes what is not there any more.
    fn change(&self, entries: &BTreeSet<SetEntry>) -> io::Result<()> {
        let mut put = Vec::new();
        for key in entries.difference(&self.entries).flat_map(set_keys) {
            if let Err(error) = self.map.insert(&key) {
                let old: BTreeSet<Vec<u8>> = self.entries.iter().flat_map(set_keys).collect();
                put.iter().filter(|key| !old.contains(*key)).try_for_each(|key: &Vec<u8>| self.map.remove(key))?;
                return Err(error);
            }
            put.push(key);
        }
        // A network may come to keys that another one has as well, and so may a negative number.
        let stays: BTreeSet<Vec<u8>> = match self.spec.kind {
            SetKind::Ip | SetKind::Number => entries.iter().flat_map(set_keys).collect(),
            SetKind::Text | SetKind::Pid => BTreeSet::new(),
        };
        let mut gone = self.entries.difference(entries).flat_map(set_keys).filter(|key| !stays.contains(key));
        gone.try_for_each(|key| self.map.remove(&key))
    }

    /// Says how many processes the kernel had no room for, where there are more than was said.
    pub(super) fn say_what_is_lacking(&mut self) {
        let lacking = self.kept.as_ref().map_or(0, Descendants::left_out);
        if lacking > self.lacking {
            self.lacking = lacking;
            let (name, most) = (self.spec.name.word(), SetMap::MOST_DESCENDANTS);
            tracing::warn!("`{name}` lacks {lacking} processes: it has room for {most} at a time");
        }
    }

    /// The entries now, of one that has them from a file or the configuration.
    pub(super) fn entries(&self) -> &BTreeSet<SetEntry> {
        &self.entries
    }
}
