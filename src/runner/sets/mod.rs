// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sets that probes ask for, while they run: each has a map that programs look up and a content that readers see. A change of a set
//! touches its entries, no probe.
//!
//! ```text
//! configuration ──follow──▶ LiveSet ──▶ map (programs)
//! file of a set ──thread──▶    │  └───▶ content (readers)
//! fork, exit ──program──────▶ map
//! ```

mod content;
mod follower;
mod live;
mod shared;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use self::follower::Follower;
use self::live::LiveSet;
use self::shared::{All, locked};
use crate::kernel::SetMap;
use crate::record::{SetContent, Sets};
use crate::spec::{SetName, SetSource, SetSpec};

/// Sets that follow their files.
pub(super) struct LiveSets {
    shared: Arc<Mutex<All>>,
    /// Files that others than root could change are not read.
    guarded: bool,
    /// From the first set with a file on.
    follower: Option<Follower>,
}

/// A set that cannot be made.
pub(super) struct NoSet {
    pub(super) name: SetName,
    pub(super) why: String,
}

impl LiveSets {
    /// None yet.
    pub(super) fn new(guarded: bool) -> Self {
        Self { shared: Arc::default(), guarded, follower: None }
    }

    /// From now on there are those of `declared` that are `used`. What they have now is in them when this returns. Sets that cannot be
    /// made are left out, and an error each.
    pub(super) fn follow(&mut self, declared: &[SetSpec], used: &BTreeSet<SetName>) -> Vec<NoSet> {
        let mut errors = Vec::new();
        let wanted: Vec<&SetSpec> = declared.iter().filter(|spec| used.contains(&spec.name)).collect();
        {
            let mut all = locked(&self.shared);
            all.retain(|key, _| wanted.iter().any(|spec| (&spec.name, spec.kind) == (&key.0, key.1)));
            for spec in wanted {
                if let Err(error) = declare(&mut all, spec, self.guarded) {
                    errors.push(NoSet { name: spec.name.clone(), why: error.to_string() });
                }
            }
        }
        let has_files = locked(&self.shared)
            .values()
            .any(|set| matches!(set.spec.source, SetSource::File(_) | SetSource::Cgroup(_)));
        match &self.follower {
            Some(follower) => follower.look(),
            None if has_files => self.follower = Follower::start(&self.shared, self.guarded),
            None => {}
        }
        errors
    }

    /// Says which sets of processes are not whole.
    pub(super) fn say_what_is_lacking(&self) {
        locked(&self.shared).values_mut().for_each(LiveSet::say_what_is_lacking);
    }

    /// The map of a set; `None` where there is no such set.
    pub(super) fn map(&self, name: &SetName) -> Option<SetMap> {
        let all = locked(&self.shared);
        all.iter().find(|((known, _), _)| known == name).map(|(_, set)| set.map.clone())
    }
}

/// Makes a set, or has the one that is there be it.
fn declare(all: &mut All, spec: &SetSpec, guarded: bool) -> std::io::Result<()> {
    let key = (spec.name.clone(), spec.kind);
    if let Some(set) = all.get_mut(&key).filter(|set| set.can_become(spec)) {
        if set.spec != *spec {
            set.redeclare(spec)?;
        }
        return Ok(());
    }
    let mut set = LiveSet::new(spec)?;
    follower::read(&mut set, guarded);
    all.insert(key, set);
    Ok(())
}

impl Sets for LiveSets {
    fn set(&self, name: &SetName) -> Option<Arc<dyn SetContent>> {
        let all = locked(&self.shared);
        all.iter().find(|((known, _), _)| known == name).map(|(_, set)| set.content())
    }
}
