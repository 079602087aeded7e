// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of the functions of a binary: those that globs stand for, and those that are near one that it does not have. A binary
//! can have millions: they are seen one after the other, and few are kept.

use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{BuildHasher as _, RandomState};

use super::file::BinaryFile;
use crate::catalog::{Binary, ObjectError, Written, is_cold};
use crate::kernel::site::close_in_length;
use crate::words::{MAX_WORD, matches_glob};

/// Names that are compared letter by letter with one that is not there.
const MOST_NEAR: usize = 1024;
/// Names that one glob may stand for, whatever comes of them.
pub(in crate::kernel) const MOST_MATCHES: usize = 1 << 14;

/// The names that each of these globs stands for; at most [`MOST_MATCHES`] of each. A part that a compiler has put aside is none of
/// its functions, unless the glob says so: `*.cold`.
pub(in crate::kernel) fn matching(
    binary: &Binary<BinaryFile>,
    globs: &[&str],
) -> Result<Vec<BTreeSet<String>>, ObjectError> {
    let mut found = vec![BTreeSet::new(); globs.len()];
    let begins: Vec<&str> = globs.iter().map(|glob| glob.split(['*', '?']).next().unwrap_or_default()).collect();
    let written: Vec<Option<Written<'_>>> = globs.iter().map(|glob| of_a_source(glob)).collect();
    binary.names(|name| {
        for (((glob, begin), written), found) in globs.iter().zip(&begins).zip(&written).zip(&mut found) {
            let fits = name.starts_with(begin) && matches_glob(glob, name)
                || written.as_ref().is_some_and(|written| written.matches(name));
            let is_meant = || !is_cold(name) || glob.contains("cold");
            if found.len() < MOST_MATCHES && fits && is_meant() {
                found.insert(name.to_owned());
            }
        }
    })?;
    written.iter().flatten().try_for_each(Written::compared_all)?;
    Ok(found)
}

/// A name or glob that only the source of C++ or Rust can have, such as `ns::get*`.
pub(in crate::kernel) fn of_a_source(name: &str) -> Option<Written<'_>> {
    name.contains([':', '(', '<', '~', ' ']).then(|| Written::new(name).of_many())
}

/// The first of the names that fit, in order, the one that is `exact` before them; and how many there are.
pub(in crate::kernel) fn first(
    binary: &Binary<BinaryFile>,
    most: usize,
    exact: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<(Vec<String>, usize), ObjectError> {
    // One that stands in both tables counts once: by its hash, which takes less room than the name.
    let (mut found, mut seen, hasher) = (BTreeSet::new(), Vec::new(), RandomState::new());
    binary.names(|name| {
        if fits(name) {
            seen.push(hasher.hash_one(name));
            found.insert((name != exact, name.to_owned()));
            if found.len() > most {
                found.pop_last();
            }
        }
    })?;
    seen.sort_unstable();
    seen.dedup();
    Ok((found.into_iter().map(|(_, name)| name).collect(), seen.len()))
}

/// Names that a few edits could make of one, while all are looked at.
pub(in crate::kernel) struct Near<'n> {
    name: &'n str,
    wanted: Letters,
    found: BinaryHeap<(usize, String)>,
}

impl<'n> Near<'n> {
    pub(in crate::kernel) fn new(name: &'n str) -> Self {
        Self { name, wanted: Letters::of(name), found: BinaryHeap::new() }
    }

    /// Takes a name that there is.
    pub(in crate::kernel) fn see(&mut self, known: &str) {
        if self.name.len() > MAX_WORD || !close_in_length(known, self.name) {
            return;
        }
        let edits = self.wanted.edits(&Letters::of(known));
        let is_nearer = self.found.peek().is_none_or(|(most, _)| edits < *most);
        if edits <= 1 + self.name.len() / 3 && (self.found.len() < MOST_NEAR || is_nearer) {
            self.found.push((edits, known.to_owned()));
            if self.found.len() > MOST_NEAR {
                self.found.pop();
            }
        }
    }

    /// The likely ones first.
    pub(in crate::kernel) fn names(self) -> Vec<String> {
        let mut near: Vec<String> = self.found.into_sorted_vec().into_iter().map(|(_, name)| name).collect();
        near.dedup();
        near
    }
}

/// Names that a few edits could make of this one, the likely ones first.
pub(in crate::kernel) fn near(binary: &Binary<BinaryFile>, name: &str) -> Result<Vec<String>, ObjectError> {
    let mut near = Near::new(name);
    binary.names(|known| near.see(known))?;
    Ok(near.names())
}

/// A share of the names, which those that a glob is near to are looked for in.
pub(in crate::kernel) fn some(binary: &Binary<BinaryFile>) -> Result<Vec<String>, ObjectError> {
    let mut found = Vec::new();
    binary.names(|name| {
        if found.len() < MOST_MATCHES {
            found.push(name.to_owned());
        }
    })?;
    Ok(found)
}

/// How often each letter is in a name: two names differ by at least half of the edits that their letters do.
struct Letters([u16; 32]);

impl Letters {
    fn of(name: &str) -> Self {
        let mut counts = [0_u16; 32];
        for byte in name.bytes().filter(|byte| !b"-_ ".contains(byte)) {
            let count = &mut counts[usize::from(byte & 31)];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    /// No more than the edits from one to the other.
    fn edits(&self, other: &Self) -> usize {
        let (mut more, mut fewer) = (0, 0);
        for (one, two) in self.0.iter().zip(&other.0) {
            more += usize::from(one.saturating_sub(*two));
            fewer += usize::from(two.saturating_sub(*one));
        }
        more.max(fewer)
    }
}
