// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries on this machine: where a name leads, and what is in that file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{BinaryFile, identity, is_layered};
use super::library_paths::find;
use super::trust::{check_build_id, doubt};
use crate::catalog::{Binary, Bytes as _, ObjectError};
use crate::kernel::error::KernelError;
use crate::kernel::host::answers;
use crate::kernel::site::MOST_ENTRIES;
use crate::spec::{FileIdentity, Place, UserPoint};
use crate::trust::{Breach, Walked, walk};

/// Bytes of what is known of all binaries that are kept open: to read one anew costs less than the memory.
const MOST_BYTES: usize = 8 << 20;
/// Binaries that are kept open, each with a descriptor.
const MOST_OPEN: usize = 32;

/// The binaries that were read so far. A file that was replaced is read anew.
#[derive(Default)]
pub(in crate::kernel) struct Binaries {
    /// Refuses those that others could change.
    guarded: bool,
    read: RefCell<HashMap<PathBuf, (FileIdentity, Known)>>,
}

type Known = Arc<Binary<BinaryFile>>;

/// A program or library, open: what is known of it holds for the file that its descriptor leads to.
pub(in crate::kernel) struct Opened {
    /// What it is called.
    pub(in crate::kernel) path: PathBuf,
    pub(in crate::kernel) binary: Known,
    pub(in crate::kernel) identity: FileIdentity,
    /// Who but root and this process's user could change what the path leads to.
    pub(in crate::kernel) breach: Option<Breach>,
    /// Its file system keeps files in layers: changed, it becomes another one behind the same name and number.
    pub(in crate::kernel) is_layered: bool,
}

impl Opened {
    /// What somebody who is looking should know of this file; a daemon refuses it.
    pub(in crate::kernel) fn doubt(&self, point: &UserPoint) -> Option<KernelError> {
        doubt(point, &self.path, self.breach.as_ref())
    }
}

impl Binaries {
    pub(in crate::kernel) fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    /// The file that a name leads to now, opened and read once.
    pub(in crate::kernel) fn open(&self, name: &str) -> Result<Opened, KernelError> {
        self.open_if(name, |_, _| Ok(()))
    }

    /// The file of a probe, where the probe allows it.
    pub(in crate::kernel) fn of(&self, point: &UserPoint) -> Result<Opened, KernelError> {
        let may = |path: &Path, breach: Option<&Breach>| match doubt(point, path, breach) {
            Some(error) if self.guarded => Err(error),
            Some(_) | None => Ok(()),
        };
        let file = self.open_if(&point.binary, may)?;
        check_build_id(point, &file.path, &file.binary.build_id())?;
        Ok(file)
    }

    /// Before it is allowed, nothing is opened: whose file it is, they may let its reader wait.
    fn open_if(
        &self,
        name: &str,
        may: impl Fn(&Path, Option<&Breach>) -> Result<(), KernelError>,
    ) -> Result<Opened, KernelError> {
        let path = find(name)?;
        if !answers(&path) {
            let message = format!("failed to read `{}`: its file system does not answer", path.display());
            return Err(KernelError::at(Place::Binary, message));
        }
        let walked = walk(&path).map_err(|error| unreadable(&path, &error))?;
        let (identity, breach) = (identity(&walked.about), walked.breach().cloned());
        may(&path, breach.as_ref())?;
        let known =
            self.read.borrow().get(&path).filter(|(known, _)| *known == identity).map(|(_, found)| Arc::clone(found));
        let binary = match known {
            Some(binary) => binary,
            None => self.read(name, &path, &walked, identity)?,
        };
        let is_layered = is_layered(&walked.file);
        Ok(Opened { path, binary, identity, breach, is_layered })
    }

    fn read(&self, name: &str, path: &Path, walked: &Walked, identity: FileIdentity) -> Result<Known, KernelError> {
        let file = BinaryFile::open(&walked.file, &walked.about, path)?;
        let mut head = [0; 2];
        let is_script = file.read_at(0, &mut head).is_ok() && head == *b"#!";
        let binary = Binary::parse(file).map_err(|error| {
            let message = format!("`{}` is not a program or library that can be probed: {error}", path.display());
            KernelError::at(Place::Binary, message).maybe_help(not_elf(name, is_script).map(str::to_owned))
        })?;
        let (binary, mut all) = (Arc::new(binary), self.read.borrow_mut());
        let bytes: usize = all.values().map(|(_, known)| known.kept_bytes()).sum();
        if all.len() >= MOST_OPEN || bytes + binary.kept_bytes() > MOST_BYTES {
            all.clear();
        }
        all.insert(path.to_owned(), (identity, Arc::clone(&binary)));
        Ok(binary)
    }
}

/// Which file a binary's name leads to now; `None` where it leads to none, or its file system does not answer.
pub fn binary_identity(name: &str) -> Option<FileIdentity> {
    let about = fs::metadata(reached(name)?).ok()?;
    about.is_file().then(|| identity(&about))
}

/// The path that a binary's name leads to, without links; `None` where there is no file.
pub fn binary_path(name: &str) -> Option<PathBuf> {
    fs::canonicalize(reached(name)?).ok()
}

fn reached(name: &str) -> Option<PathBuf> {
    find(name).ok().filter(|path| answers(path))
}

/// What cannot be read of a file that could be opened.
pub(in crate::kernel) fn unusable(path: &Path, error: &ObjectError) -> KernelError {
    KernelError::at(Place::Binary, format!("failed to read `{}`: {error}", path.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> KernelError {
    let file = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        return KernelError::at(Place::Binary, format!("failed to read `{file}`: {error}"));
    }
    let help = match (path.parent(), path.file_name()) {
        (Some(folder), _) if !folder.is_dir() => Some(format!("there is no directory `{}`", folder.display())),
        (Some(folder), Some(name)) => {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_ENTRIES);
            let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            let nearest = crate::words::nearest(&name.to_string_lossy(), names.iter().map(String::as_str));
            nearest.map(|found| format!("did you mean `{}`?", folder.join(found).display()))
        }
        (None, _) | (_, None) => None,
    };
    KernelError::at(Place::Binary, format!("there is no file `{file}`")).maybe_help(help)
}

fn not_elf(name: &str, is_script: bool) -> Option<&'static str> {
    if is_script {
        Some("it is a script: probe the program that runs it")
    } else if name.ends_with(".so") {
        Some("it may be a linker script: name the library itself, as `ldd` shows it (`libc.so.6`)")
    } else {
        None
    }
}
