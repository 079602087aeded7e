// SPDX-License-Identifier: MIT OR Apache-2.0
//! What names and globs of a file stand for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::kernel::error::KernelError;
use crate::spec::{Place, Targets};
use crate::words::{list, nearest_glob};

/// How many globs that match nothing are compared with all names for help.
const MAX_HELPS: usize = 8;

/// Names of targets, each with what leads to its entry in the file: the entry itself, or a name that its pattern matches.
pub(in crate::kernel) type Names = BTreeMap<String, String>;
/// The names that patterns stand for, and what is wrong with those that stand for none.
pub(in crate::kernel) type Named = (Names, Vec<KernelError>);

/// What names and globs stand for; `what` says what that is and whose, `list` gives those of a glob, or all.
pub(super) fn matching(patterns: &[String], what: &str, list: impl Fn(Option<&str>) -> Vec<String>) -> Named {
    let (mut names, mut errors, all) = (Names::new(), Vec::new(), OnceCell::new());
    for pattern in patterns {
        if !Targets::is_pattern(pattern) {
            names.insert(pattern.clone(), pattern.clone());
            continue;
        }
        let found = list(Some(pattern));
        if found.is_empty() {
            let message = format!("no {what} matches `{pattern}`");
            if errors.len() >= MAX_HELPS {
                errors.push(KernelError::at(Place::Entry(pattern.clone()), message));
                continue;
            }
            let known: &Vec<String> = all.get_or_init(|| list(None));
            let near = nearest_glob(pattern, known.iter().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            errors.push(KernelError::at(Place::Entry(pattern.clone()), message).maybe_help(help));
        }
        names.extend(found.into_iter().map(|name| (name.clone(), name)));
    }
    (names, errors)
}

/// That `owner` has none of these, which are `what`; `instead` says what it has for somebody who wanted one, or nothing.
pub(super) fn none_of(
    names: &[String],
    owner: &str,
    what: &str,
    instead: impl Fn(&String) -> Option<String>,
) -> KernelError {
    let help = names.iter().find_map(instead);
    let tried = list(names.iter().map(String::as_str), 16);
    let message = format!("{owner} has none of the {what} {tried}");
    KernelError::at(Place::Target, message).maybe_help(help)
}
