// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has to be watched so that no change of the configuration goes unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::read::is_config_name;

/// Links that are followed on one path, as the kernel does (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// What matters in one directory.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Interest {
    /// These names.
    pub(super) names: BTreeSet<OsString>,
    /// The names of all configuration files.
    pub(super) configs: bool,
    /// All names.
    pub(super) every: bool,
    /// What is in the files, not just which ones there are.
    pub(super) contents: bool,
}

impl Interest {
    /// Adds what another path needs of the same directory.
    pub(super) fn join(&mut self, other: Self) {
        self.names.extend(other.names);
        self.configs |= other.configs;
        self.every |= other.every;
        self.contents |= other.contents;
    }

    /// True for a name that matters.
    pub(super) fn covers(&self, name: &OsStr) -> bool {
        self.every || self.names.contains(name) || self.configs && is_config_name(name)
    }
}

/// Directories, without links in their paths, and what matters in each.
pub(super) type Places = BTreeMap<PathBuf, Interest>;

/// The directories of all names on the way to each root and, over links, to each of its files; also of a name that is not
/// there. That far up, because `mv` of a directory is told to those who watch it or its parent, and to nobody below. In `folders` all
/// names matter.
pub(super) fn places(roots: &[PathBuf], folders: &[PathBuf]) -> Places {
    let mut found = Places::new();
    for folder in folders {
        let Ok(absolute) = std::path::absolute(folder) else { continue };
        let end = follow(PathBuf::from("/"), parts(&absolute), &mut found);
        if let Some(end) = end.filter(|end| end.is_dir()) {
            found.entry(end).or_default().join(Interest { every: true, ..Interest::default() });
        }
    }
    for root in roots {
        // Fails only for an empty path, which leads to nothing.
        let Ok(absolute) = std::path::absolute(root) else { continue };
        let Some(end) = follow(PathBuf::from("/"), parts(&absolute), &mut found) else { continue };
        if !end.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&end).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_config = is_config_name(&name);
            if is_config && entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                follow(end.clone(), vec![name], &mut found);
            }
        }
        found.entry(end).or_default().join(Interest { configs: true, contents: true, ..Interest::default() });
    }
    found
}

/// Walks from a directory over names, the first one last, and over links. Gives what they lead to, without links; `None` where
/// they lead to nothing.
fn follow(mut at: PathBuf, mut rest: Vec<OsString>, found: &mut Places) -> Option<PathBuf> {
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let here = found.entry(at.clone()).or_default();
        here.names.insert(part);
        if let Ok(target) = fs::read_link(&next) {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            rest.extend(parts(&target));
            continue;
        }
        let metadata = fs::symlink_metadata(&next).ok()?;
        here.contents |= metadata.is_file();
        if !metadata.is_dir() && !rest.is_empty() {
            return None;
        }
        at = next;
    }
    Some(at)
}

/// The names of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<OsString> = named.map(|part| part.as_os_str().to_owned()).collect();
    names.reverse();
    names
}
