// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which directories have to be watched so that no change of the configuration goes unseen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one path, as the kernel does (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The directories in which something happens when a root or what it leads to changes: each root that is a directory, the
/// directory of every link on the way to it and to its files, and of the root itself. For one that is not there, the nearest
/// directory above that is.
pub(super) fn places(roots: &[PathBuf], is_config: impl Fn(&str) -> bool) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for root in roots {
        let Some(end) = follow(root, &mut found) else { continue };
        if !end.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&end).into_iter().flatten().flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link && entry.file_name().to_str().is_some_and(&is_config) {
                follow(&entry.path(), &mut found);
            }
        }
        found.insert(end);
    }
    found
}

/// The files that roots lead to, and links in them that have the name of a configuration file: without links.
pub(super) fn targets(roots: &[PathBuf], is_config: impl Fn(&str) -> bool) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for end in roots.iter().filter_map(|root| root.canonicalize().ok()) {
        if !end.is_dir() {
            found.insert(end);
            continue;
        }
        for entry in fs::read_dir(&end).into_iter().flatten().flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link && entry.file_name().to_str().is_some_and(&is_config) {
                found.extend(entry.path().canonicalize().ok());
            }
        }
    }
    found
}

/// Walks a path, link by link. Adds the directory of each link, of the last name, and of a name that is missing. Gives what
/// the path leads to, without links; `None` where it leads to nothing.
fn follow(path: &Path, found: &mut BTreeSet<PathBuf>) -> Option<PathBuf> {
    let mut at = PathBuf::from("/");
    let absolute = std::path::absolute(path).ok()?;
    let mut rest: Vec<PathBuf> = parts(&absolute);
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == Path::new("..") {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        match fs::read_link(&next) {
            Ok(target) => {
                found.insert(at.clone());
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                rest.extend(parts(&target));
            }
            Err(_) if fs::symlink_metadata(&next).is_ok() => {
                if rest.is_empty() {
                    found.insert(at);
                    return Some(next);
                }
                at = next;
            }
            Err(_) => {
                found.insert(at);
                return None;
            }
        }
    }
    Some(at)
}

/// The names of a path, the first one last.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<PathBuf> = named.map(|part| PathBuf::from(part.as_os_str())).collect();
    names.reverse();
    names
}
