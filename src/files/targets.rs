// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to watch now, and which of its events matter.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::mounts::Mount;
use super::places::{Interest, Places};
use super::watches::Detail;

/// A directory, or a file that is a mount of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Device and inode, when it was seen last; `None` if stat(2) failed.
    identity: Option<(u64, u64)>,
    pub(super) interest: Interest,
}

impl Target {
    /// True if both are the same directory or file.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// Which events it needs.
    pub(super) fn detail(&self) -> Detail {
        if self.interest.contents { Detail::Contents } else { Detail::Names }
    }
}

/// All that is watched, and what is mounted on it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    /// By path.
    pub(super) all: BTreeMap<PathBuf, Target>,
    places: Places,
    mounts: Vec<Mount>,
}

impl Targets {
    /// The directories of `places`, and files in them that are mounts: inotify(7) reports writes into such a file to watches of the
    /// file and of the directory that it comes from.
    pub(super) fn new(places: Places, mounts: &[Mount]) -> Self {
        let mounts = mounts_on(&places, mounts);
        let file = || Interest { contents: true, ..Interest::default() };
        let files = mounts.iter().filter(|mount| !places.contains_key(&mount.point));
        let files = files.map(|mount| (mount.point.clone(), file()));
        let all = places.iter().map(|(path, interest)| (path.clone(), interest.clone())).chain(files);
        let all = all.map(|(path, interest)| {
            let identity = fs::metadata(&path).map(|about| (about.dev(), about.ino())).ok();
            (path, Target { identity, interest })
        });
        Self { all: joined(all.collect()), places, mounts }
    }

    /// True for a target itself, and for a name in it that matters.
    pub(super) fn matters(&self, path: &Path) -> bool {
        let named = || Some(self.all.get(path.parent()?)?.interest.covers(path.file_name()?));
        self.all.contains_key(path) || named().unwrap_or(false)
    }

    /// True if other mounts are on these places than before.
    pub(super) fn are_mounted_on_otherwise(&self, mounts: &[Mount]) -> bool {
        mounts_on(&self.places, mounts) != self.mounts
    }
}

/// A directory with two paths has one watch, which reports events under one of the paths only: both get the same interest.
fn joined(mut targets: BTreeMap<PathBuf, Target>) -> BTreeMap<PathBuf, Target> {
    let mut interests = BTreeMap::<_, Interest>::new();
    for target in targets.values() {
        if let Some(identity) = target.identity {
            interests.entry(identity).or_default().join(target.interest.clone());
        }
    }
    for target in targets.values_mut() {
        if let Some(interest) = target.identity.and_then(|identity| interests.get(&identity)) {
            target.interest = interest.clone();
        }
    }
    targets
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
