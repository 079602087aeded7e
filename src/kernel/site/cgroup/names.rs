// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that paths and globs stand for.

use std::fs;
use std::path::{Path, PathBuf};

use super::hierarchy::{Mounted, find, mounted};
use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{Named, Names, none_of};
use crate::spec::{Hook, Place, ProbeSpec, Targets};
use crate::words::{self, matches_glob, nearest};

/// How many cgroups are looked at for a glob.
const MOST_DIRECTORIES: usize = 100_000;

/// Cgroups by their paths; a `*` of a glob stands for any text of one part of the path.
pub(in crate::kernel) fn named(patterns: &[String]) -> Named {
    let (mut names, mut errors) = (Names::new(), Vec::new());
    for pattern in patterns {
        if !Targets::is_pattern(pattern) {
            match find(pattern) {
                Some(_) => drop(names.insert(pattern.clone(), pattern.clone())),
                None => errors.push(missing(Place::Entry(pattern.clone()), pattern)),
            }
            continue;
        }
        let found = matching(pattern);
        if found.is_empty() {
            let message = format!("no cgroup matches `{pattern}`");
            let error =
                KernelError::new(Place::Entry(pattern.clone()), message, "`systemd-cgls` shows those that there are");
            errors.push(error);
        }
        names.extend(found.into_iter().map(|name| (name.clone(), name)));
    }
    (names, errors)
}

/// The first of these that is there.
pub(in crate::kernel) fn first_of(names: &[String]) -> Result<String, KernelError> {
    let found = names.iter().find(|name| find(name).is_some()).cloned();
    found.ok_or_else(|| none_of(names, "this machine", "cgroups", |name| missing(Place::Target, name).help))
}

/// Where a probe's cgroups come and go.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CgroupPlaces {
    /// The directories of those that are named.
    pub cgroups: Vec<PathBuf>,
    /// The directories in which any name may be one that a glob stands for.
    pub folders: Vec<PathBuf>,
}

/// Where the cgroups of a probe come and go; nowhere where it has none.
pub fn cgroup_places(spec: &ProbeSpec) -> CgroupPlaces {
    let mut places = CgroupPlaces::default();
    let Some(path) = spec.hook.as_ref().and_then(Hook::cgroup) else { return places };
    let one = [path.to_owned()];
    let names = match &spec.targets {
        Targets::Each(names) | Targets::FirstOf(names) => names.as_slice(),
        Targets::One => &one,
    };
    // Where it is mounted nowhere, nothing can be watched.
    let Some(hierarchy) = mounted().ok().filter(Mounted::is_mounted) else { return places };
    for name in names {
        if !Targets::is_pattern(name) {
            places.cgroups.push(hierarchy.directory(name));
            continue;
        }
        let plain = name.find(['*', '?']).and_then(|at| name[..at].rfind('/')).unwrap_or(0);
        // Up to the first sign of a glob it is a path, which may not be there yet.
        places.cgroups.push(hierarchy.directory(&name[..plain]));
        let mut levels = levels(&hierarchy, name);
        levels.pop();
        let looked_in = levels.iter().skip(name[..plain].matches('/').count()).flatten();
        places.folders.extend(looked_in.map(|cgroup| hierarchy.directory(cgroup)));
    }
    places
}

fn matching(pattern: &str) -> Vec<String> {
    let Ok(hierarchy) = mounted() else { return Vec::new() };
    levels(&hierarchy, pattern).pop().unwrap_or_default()
}

/// The cgroups that the first part of a pattern stands for, the first two, and so on; `""` is the root, which is above them. A change
/// in one of them, but the last, can be a cgroup more.
fn levels(hierarchy: &Mounted, pattern: &str) -> Vec<Vec<String>> {
    let mut levels = vec![vec![String::new()]];
    for part in pattern.split('/').skip(1) {
        let mut next = Vec::new();
        for above in levels.last().into_iter().flatten() {
            let directory = hierarchy.directory(above);
            if Targets::is_pattern(part) {
                let fitting = children(&directory).into_iter().filter(|name| matches_glob(part, name));
                next.extend(fitting.map(|name| format!("{above}/{name}")));
            } else if directory.join(part).is_dir() {
                next.push(format!("{above}/{part}"));
            }
        }
        next.truncate(MOST_DIRECTORIES);
        levels.push(next);
    }
    levels
}

/// The names of the cgroups right below this one.
fn children(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// That there is no cgroup of this path, and which of its neighbours may be meant.
pub(in crate::kernel) fn missing(place: Place, path: &str) -> KernelError {
    let hierarchy = match mounted() {
        Ok(hierarchy) => hierarchy,
        Err(error) => {
            let message = format!("no cgroup2 is mounted, and this process may not use it without: {error}");
            return KernelError::new(place, message, "as root, `mount -t cgroup2 none /sys/fs/cgroup`");
        }
    };
    // The longest part of the path that is there.
    let mut above = path;
    while let Some((shorter, _)) = above.rsplit_once('/') {
        above = shorter;
        if hierarchy.directory(above).is_dir() {
            break;
        }
    }
    let name = path[above.len()..].trim_start_matches('/').split('/').next().unwrap_or_default();
    let mut there = children(&hierarchy.directory(above));
    there.sort();
    let help = match nearest(name, there.iter().map(String::as_str)) {
        Some(near) => Some(format!("did you mean `{above}/{near}`?")),
        None if there.is_empty() => None,
        None => Some(format!("in `{above}/` there are {}", words::list(there.iter().map(String::as_str), 8))),
    };
    let where_ = if hierarchy.is_mounted() { format!(" in `{}`", hierarchy.path().display()) } else { String::new() };
    KernelError::at(place, format!("there is no cgroup `{path}`{where_}")).maybe_help(help)
}
