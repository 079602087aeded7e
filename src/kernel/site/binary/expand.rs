// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of a program or library that names and globs stand for, and the first of several that there is.

use std::collections::{BTreeMap, HashMap};

use super::binaries::{Opened, unusable};
use super::names::{MOST_MATCHES, matching, some};
use super::places::{instead, meant};
use crate::catalog::{Lookup, ObjectError};
use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{self, Named, none_of};
use crate::spec::{Place, Targets};

/// Those that can be probed; `takes_entry` is false where the one that nothing calls cannot.
pub(in crate::kernel) fn named(patterns: &[String], takes_entry: bool, file: &Opened) -> Result<Named, KernelError> {
    let Opened { path, binary, .. } = file;
    let failed = |error: ObjectError| unusable(path, &error);
    let globs: Vec<&str> = patterns.iter().map(String::as_str).filter(|name| Targets::is_pattern(name)).collect();
    let mut found = HashMap::new();
    for (glob, names) in globs.iter().zip(matching(binary, &globs).map_err(failed)?) {
        if names.len() >= MOST_MATCHES {
            let message =
                format!("`{glob}` matches {MOST_MATCHES} functions or more: a probe can have at most {}", Targets::MAX);
            return Err(KernelError::new(Place::Entry((*glob).to_owned()), message, "write a narrower glob"));
        }
        let mut probeable = Vec::new();
        for name in names {
            if why_not(&name, takes_entry, file)?.is_none() {
                probeable.push(name);
            }
        }
        found.insert(*glob, probeable);
    }
    let list = |glob: Option<&str>| match glob {
        Some(glob) => found.get(glob).cloned().unwrap_or_default(),
        None => some(binary).unwrap_or_default(),
    };
    Ok(targets::matching(patterns, &format!("function of `{}`", path.display()), list))
}

/// Of each glob, the functions that it matches and that cannot be probed, with the reason.
pub(in crate::kernel) fn unfit(
    globs: &[&str],
    takes_entry: bool,
    file: &Opened,
) -> Result<Vec<BTreeMap<String, &'static str>>, KernelError> {
    let failed = |error: ObjectError| unusable(&file.path, &error);
    let mut all = Vec::new();
    for names in matching(&file.binary, globs).map_err(failed)? {
        let mut unfit = BTreeMap::new();
        for name in names {
            unfit.extend(why_not(&name, takes_entry, file)?.map(|why| (name, why)));
        }
        all.push(unfit);
    }
    Ok(all)
}

/// Why a function that a glob matches cannot be probed; `None` where it can.
fn why_not(name: &str, takes_entry: bool, file: &Opened) -> Result<Option<&'static str>, KernelError> {
    let begin = if takes_entry { None } else { file.binary.entry() };
    Ok(match file.binary.find(name).map_err(|error| unusable(&file.path, &error))? {
        Lookup::One(found) if found.chooses => Some("each selects another function when a program starts"),
        Lookup::One(found) if Some(found.offset) == begin => Some("nothing calls it, so it never returns"),
        Lookup::One(_) => None,
        Lookup::Several(_) => Some("several functions have their name"),
        Lookup::Missing => Some("they have no code in this file"),
    })
}

/// The first of these that the file has.
pub(in crate::kernel) fn first_of(names: &[String], file: &Opened) -> Result<String, KernelError> {
    let Opened { path, binary, .. } = file;
    let failed = |error: ObjectError| unusable(path, &error);
    for name in names {
        let is_there = binary.find(name).map_err(failed)? != Lookup::Missing;
        if is_there || !meant(binary, name).map_err(failed)?.is_empty() {
            return Ok(name.clone());
        }
    }
    let instead = |name: &String| instead(binary, name, path).ok().flatten();
    Err(none_of(names, &format!("`{}`", path.display()), "functions", instead))
}
