// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of a directory that is followed: there, gone, unmounted, refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::mounts::{Mount, mounts};
use super::read::problem;
use super::scanned::ScannedRoot;
use crate::config::{Problem, codes};
use crate::status::DirectoryState;
use crate::trust::Breach;
use crate::words::path_text;

/// One root as one look found it.
#[derive(Debug, PartialEq)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    pub(super) found: RootFound,
}

#[derive(Debug, PartialEq)]
pub(super) enum RootFound {
    Directory {
        /// Without links.
        path: PathBuf,
        /// The mount that it is in.
        mount: Option<u64>,
        /// It has no configuration files.
        is_empty: bool,
    },
    File,
    Nothing,
    /// Why it cannot be looked at.
    Unreadable(String),
    Untrusted(Breach),
    /// Its file system did not answer.
    Silent,
}

/// Where the roots were when they were last seen.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<PathBuf, Place>);

/// `None` for a file.
type Place = Option<Directory>;

#[derive(Debug, PartialEq)]
struct Directory {
    path: PathBuf,
    mount: Option<Mount>,
}

impl Known {
    /// What is to be said of a root; remembers where it is.
    pub(super) fn judge(&mut self, root: Root) -> ScannedRoot {
        let Root { path, found } = root;
        let (state, problem) = match found {
            RootFound::Directory { path: at, mount, is_empty } => self.directory(&path, at, mount, is_empty),
            RootFound::File => {
                self.0.insert(path.clone(), None);
                (DirectoryState::Ok, None)
            }
            RootFound::Nothing => self.nothing(&path),
            RootFound::Unreadable(why) => (
                DirectoryState::Unreadable,
                Some(unknown(&path, &format!("failed to list `{}`: {why}", path_text(&path)))),
            ),
            RootFound::Untrusted(breach) => (DirectoryState::Untrusted, Some(untrusted(&path, &breach))),
            RootFound::Silent => {
                let message = format!("failed to list `{}`: its file system does not answer", path_text(&path));
                (DirectoryState::Silent, Some(unknown(&path, &message)))
            }
        };
        ScannedRoot { path, state, problem }
    }

    fn directory(
        &mut self,
        root: &Path,
        path: PathBuf,
        mount: Option<u64>,
        is_empty: bool,
    ) -> (DirectoryState, Option<Problem>) {
        let known = self.0.get(root).and_then(Option::as_ref);
        let known_mount = known.and_then(|known| known.mount.as_ref());
        if known.is_some_and(|known| known.path == path) && known_mount.map(|mount| mount.id) == mount {
            return (DirectoryState::Ok, None);
        }
        let all = mounts();
        let mount = all.iter().find(|known| Some(known.id) == mount).cloned();
        let same_place = known.is_some_and(|known| known.path == path);
        let point = |mount: Option<&Mount>| mount.map(|mount| mount.point.clone());
        // Mounted again, it is what it was; what others put in its place is what there is.
        if is_empty && same_place && has_gone(known_mount, &all) && point(mount.as_ref()) != point(known_mount) {
            return unmounted(root);
        }
        self.0.insert(root.to_owned(), Some(Directory { path, mount }));
        (DirectoryState::Ok, None)
    }

    fn nothing(&self, root: &Path) -> (DirectoryState, Option<Problem>) {
        let Some(known) = self.0.get(root) else {
            return (DirectoryState::Missing, None);
        };
        if has_gone(known.as_ref().and_then(|known| known.mount.as_ref()), &mounts()) {
            return unmounted(root);
        }
        let message = format!("`{}` has been deleted: its probes were stopped", path_text(root));
        let problem = problem(codes::FILE_MISSING, root, message);
        (DirectoryState::Deleted, Some(problem.help("create it again; watching for it")))
    }
}

/// True for a mount that is there no more.
fn has_gone(mount: Option<&Mount>, all: &[Mount]) -> bool {
    mount.is_some_and(|mount| !all.contains(mount))
}

fn unmounted(root: &Path) -> (DirectoryState, Option<Problem>) {
    let message = format!("the file system of `{}` has been unmounted", path_text(root));
    let help = "mount it again, or put files in its place";
    (DirectoryState::Unmounted, Some(unknown(root, &message).help(help)))
}

/// A problem of a directory whose files nobody knows.
fn unknown(root: &Path, message: &str) -> Problem {
    problem(codes::FILE_UNREADABLE, root, message.to_owned()).note("its probes keep running")
}

/// A file or directory is not read because of who could change it.
pub(super) fn untrusted(path: &Path, breach: &Breach) -> Problem {
    let message = format!("`{}` is not read: {breach}", path_text(path));
    problem(codes::UNTRUSTED, path, message)
        .note("anyone who can change it controls what runs; its probes keep running")
        .help(format!(
            "`{}` makes it writable by root only; `--allow-untrusted-config` trusts other users as well",
            breach.remedy()
        ))
}
