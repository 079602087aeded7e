// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which text of each file counts: what is there now if it is good, else the last one that was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Checked, Config, Problem, SourceFile, Withheld};

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNow {
    /// Its path.
    pub path: PathBuf,
    /// Its text, or why there is none.
    pub text: Result<Arc<str>, Problem>,
    /// Why messages may not quote it.
    pub withheld: Option<Withheld>,
}

/// What the files say.
#[derive(Debug)]
pub struct Accepted {
    /// The probes and sinks of all files that count.
    pub config: Config,
    /// The text of each file that counts; to be kept for the next time.
    pub texts: BTreeMap<PathBuf, Arc<str>>,
    /// Files whose text now does not count, and what is wrong with it.
    pub refused: BTreeMap<PathBuf, Vec<Problem>>,
    /// Warnings about the texts that count.
    pub warnings: Vec<Problem>,
}

/// Decides which texts count. `kept` are those of the last time; `check` looks at files that run together.
///
/// A file with an error keeps its last good text, or is left out where it has none. Where two files cannot run together,
/// the one that did not change wins, then the one whose path comes first. A file that is gone is gone.
pub fn accept(
    now: &[FileNow],
    kept: &BTreeMap<PathBuf, Arc<str>>,
    check: impl Fn(&[SourceFile]) -> Checked,
) -> Accepted {
    let mut refused: BTreeMap<PathBuf, Vec<Problem>> = BTreeMap::new();
    let mut candidates: BTreeMap<&Path, Arc<str>> = BTreeMap::new();
    for file in now {
        match &file.text {
            Ok(text) => drop(candidates.insert(&file.path, Arc::clone(text))),
            Err(problem) => {
                refused.insert(file.path.clone(), vec![problem.clone()]);
                if let Some(text) = kept.get(&file.path) {
                    candidates.insert(&file.path, Arc::clone(text));
                }
            }
        }
    }
    let withheld: BTreeMap<&Path, Option<Withheld>> =
        now.iter().map(|file| (file.path.as_path(), file.withheld)).collect();
    loop {
        // What runs already comes first: the rules blame the later one of two.
        let is_kept = |(path, text): &(&&Path, &Arc<str>)| kept.get(**path) == Some(*text);
        let (old, new): (Vec<_>, Vec<_>) = candidates.iter().partition(is_kept);
        let file = |(path, text): (&&Path, &Arc<str>)| {
            let withheld = withheld.get(path).copied().flatten();
            SourceFile { withheld, ..SourceFile::new(*path, Arc::clone(text)) }
        };
        let files: Vec<SourceFile> = old.into_iter().chain(new).map(file).collect();
        let Checked { config, problems, .. } = check(&files);
        if let Some(config) = config {
            let texts = candidates.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
            return Accepted { config, texts, refused, warnings: problems };
        }
        for (path, problems) in by_file(problems) {
            let Some((path, text)) = candidates.remove_entry(path.as_path()) else { continue };
            // A kept text that is blamed is left out: without that, this would not end.
            match kept.get(path) {
                Some(good) if *good != text => drop(candidates.insert(path, Arc::clone(good))),
                Some(_) | None => {}
            }
            refused.entry(path.to_owned()).or_insert(problems);
        }
    }
}

/// The problems of each file that is to be refused: those with an error of their own; where there are none, those that
/// cannot run together with others that stay. A file that goes anyway must not take with it one that only clashes with it.
fn by_file(problems: Vec<Problem>) -> BTreeMap<PathBuf, Vec<Problem>> {
    let is_own = |problem: &Problem| problem.is_error() && elsewhere(problem).next().is_none();
    let any_own = problems.iter().any(is_own);
    let mut files: BTreeMap<PathBuf, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        files.entry(problem.primary.source.path.clone()).or_default().push(problem);
    }
    files.retain(|_, problems| {
        problems.iter().any(|problem| if any_own { is_own(problem) } else { problem.is_error() })
    });
    if !any_own {
        // The rules blame the later one of two: the first that is blamed clashes with none that is.
        let blamed: BTreeSet<PathBuf> = files.keys().cloned().collect();
        let stay = |problem: &Problem| problem.is_error() && elsewhere(problem).all(|path| !blamed.contains(path));
        files.retain(|_, problems| problems.iter().any(stay));
    }
    files
}

/// The other files that a problem is about.
fn elsewhere(problem: &Problem) -> impl Iterator<Item = &Path> {
    let own = &problem.primary.source.path;
    problem.related.iter().map(|(at, _)| at.source.path.as_path()).filter(move |path| path != own)
}
