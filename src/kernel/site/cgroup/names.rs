// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that paths and globs stand for.

use std::fs;
use std::path::{Path, PathBuf};

use super::hierarchy::{Mounted, find, mounted};
use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{Named, Names};
use crate::spec::{Hook, Place, ProbeSpec, Targets};
use crate::words::{matches_glob, nearest};

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

/// The directories of which a change can make a probe's cgroups come or go: theirs, and that in which a glob looks.
pub fn cgroup_places(spec: &ProbeSpec) -> Vec<PathBuf> {
    let Some(path) = spec.hook.as_ref().and_then(Hook::cgroup) else { return Vec::new() };
    let one = [path.to_owned()];
    let names = match &spec.targets {
        Targets::Each(names) => names.as_slice(),
        Targets::One | Targets::FirstOf(_) => &one,
    };
    // Where it is mounted nowhere, nothing can be watched.
    let Some(hierarchy) = mounted().ok().filter(Mounted::is_mounted) else { return Vec::new() };
    let plain = |name: &String| match name.find(['*', '?']).and_then(|at| name[..at].rfind('/')) {
        Some(at) => hierarchy.directory(&name[..at]),
        None => hierarchy.directory(name),
    };
    names.iter().map(plain).collect()
}

fn matching(pattern: &str) -> Vec<String> {
    let Ok(hierarchy) = mounted() else { return Vec::new() };
    let mut found = vec![String::new()];
    for part in pattern.split('/').skip(1) {
        let mut next = Vec::new();
        for above in &found {
            let directory = hierarchy.path().join(above.trim_start_matches('/'));
            if Targets::is_pattern(part) {
                let fitting = children(&directory).into_iter().filter(|name| matches_glob(part, name));
                next.extend(fitting.map(|name| format!("{above}/{name}")));
            } else if directory.join(part).is_dir() {
                next.push(format!("{above}/{part}"));
            }
        }
        next.truncate(MOST_DIRECTORIES);
        found = next;
    }
    found
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
    let there = children(&hierarchy.directory(above));
    let help = nearest(name, there.iter().map(String::as_str)).map(|near| format!("did you mean `{above}/{near}`?"));
    let where_ = if hierarchy.is_mounted() { format!(" in `{}`", hierarchy.path().display()) } else { String::new() };
    KernelError::at(place, format!("there is no cgroup `{path}`{where_}")).maybe_help(help)
}
