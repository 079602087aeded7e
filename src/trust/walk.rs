// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the root to what a path leads to, one name after the other.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, PROC_SUPER_MAGIC, openat, readlinkat};

use super::breach::Breach;
use super::file_system::file_system;
use super::owner::Guard;

/// Links that are followed on one path, as the kernel does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug)]
pub struct Walked {
    /// The file or directory itself, opened with `O_PATH`: `/proc/self/fd/N` opens it for more, whatever has its name by then.
    pub file: OwnedFd,
    /// Its path, without links but those of proc(5).
    pub path: PathBuf,
    /// What it is.
    pub about: Metadata,
    /// Who could put something else behind the path: the first on the way. Says nothing of the file's own contents.
    pub replaced_by: Option<Breach>,
    /// Who could have chosen where a link on the way leads: `/home/eve/logs -> /etc`. What they chose may be somebody's.
    pub linked_by: Option<Breach>,
    /// Who could write to the file itself.
    pub written_by: Option<Breach>,
    /// A directory in which others can make names of their own, sticky ones included.
    pub is_shared: bool,
}

impl Walked {
    /// Who could change what is read here, by either way.
    pub fn breach(&self) -> Option<&Breach> {
        self.replaced_by.as_ref().or(self.written_by.as_ref())
    }
}

/// Walks to what `path` leads to; a relative one begins at the working directory, whose own way counts too. Fails like open(2).
pub fn walk(path: &Path) -> io::Result<Walked> {
    let absolute = std::path::absolute(path)?;
    // Directories on the way to where the walk is; `..` goes back in it.
    let mut way = vec![Step::root()?];
    let mut rest = names(&absolute);
    let (mut replaced_by, mut linked_by) = (None, None);
    let mut links = 0;
    loop {
        let Some(here) = way.last() else { return Err(io::ErrorKind::NotFound.into()) };
        let Some(name) = rest.pop() else { break };
        if !here.about.is_dir() {
            return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
        }
        if name == ".." {
            if way.len() > 1 {
                way.pop();
            }
            continue;
        }
        let step = here.enter(&name)?;
        let breach = || here.guard().breach_of_directory(&here.path).or_else(|| shared_entry(here, &step));
        replaced_by = replaced_by.or_else(breach);
        if !step.about.is_symlink() {
            way.push(step);
            continue;
        }
        linked_by = linked_by.or_else(|| replaced_by.clone());
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        if here.is_proc()? {
            // What stands in such a link (`pipe:[4711]`, a path of another namespace) does not lead where the kernel goes.
            let beyond = here.follow(&name)?;
            way.push(beyond);
            continue;
        }
        let target = step.target()?;
        if target.is_absolute() {
            way.truncate(1);
        }
        rest.extend(names(&target));
    }
    let Some(Step { file, path, about }) = way.pop() else { return Err(io::ErrorKind::NotFound.into()) };
    let guard = Guard::of(file.as_fd(), &about);
    let written_by = if about.is_dir() { guard.breach_of_directory(&path) } else { guard.breach_of_file(&path) };
    let is_shared = about.is_dir() && guard.is_shared();
    Ok(Walked { file, path, about, replaced_by, linked_by, written_by, is_shared })
}

/// In a directory where everybody makes names, an entry is its owner's to replace; also a link, which leads where they like.
fn shared_entry(directory: &Step, entry: &Step) -> Option<Breach> {
    directory.guard().is_shared().then(|| entry.guard().breach_of_owner(&entry.path)).flatten()
}

/// One file or directory on the way.
struct Step {
    file: OwnedFd,
    path: PathBuf,
    about: Metadata,
}

impl Step {
    fn root() -> io::Result<Self> {
        Self::open(CWD, OsStr::new("/"), PathBuf::from("/"), OFlags::NOFOLLOW)
    }

    /// An entry of this directory; of a link, the link itself.
    fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Self::open(self.file.as_fd(), name, self.path.join(name), OFlags::NOFOLLOW)
    }

    /// What a link in this directory leads to, as the kernel follows it.
    fn follow(&self, name: &OsStr) -> io::Result<Self> {
        Self::open(self.file.as_fd(), name, self.path.join(name), OFlags::empty())
    }

    /// True for a directory of proc(5).
    fn is_proc(&self) -> io::Result<bool> {
        file_system(self.file.as_fd()).map(|number| number == PROC_SUPER_MAGIC as u32)
    }

    fn open(directory: BorrowedFd<'_>, name: &OsStr, path: PathBuf, flags: OFlags) -> io::Result<Self> {
        let file = File::from(openat(directory, name, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?);
        let about = file.metadata()?;
        Ok(Self { file: file.into(), path, about })
    }

    fn guard(&self) -> Guard {
        Guard::of(self.file.as_fd(), &self.about)
    }

    /// Where this link leads.
    fn target(&self) -> io::Result<PathBuf> {
        // An empty name means the link itself (readlink(2)).
        let target = readlinkat(&self.file, "", Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }
}

/// The names of a path, the first one last.
fn names(path: &Path) -> Vec<OsString> {
    let named = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<OsString> = named.map(|part| part.as_os_str().to_owned()).collect();
    names.reverse();
    names
}
