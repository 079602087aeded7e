// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries on this machine: where a name leads, and what is in that file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::KernelError;
use super::host::close_in_length;
use crate::catalog::Binary;
use crate::spec::{FileIdentity, Place};

/// Where libbpf and the loader look for libraries that LD_LIBRARY_PATH does not have.
#[cfg(target_arch = "x86_64")]
const LIBRARY_PATHS: &str = "/usr/lib64:/usr/lib:/lib64:/lib:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu";
#[cfg(target_arch = "aarch64")]
const LIBRARY_PATHS: &str = "/usr/lib64:/usr/lib:/lib64:/lib:/usr/lib/aarch64-linux-gnu:/lib/aarch64-linux-gnu";
/// Where programs are that PATH does not have.
const PROGRAM_PATHS: &str = "/usr/bin:/usr/sbin:/bin:/sbin";

/// The binaries that were read so far. A file that was replaced is read anew.
#[derive(Default)]
pub(super) struct Binaries {
    read: RefCell<HashMap<PathBuf, (FileIdentity, Arc<Binary>)>>,
}

impl Binaries {
    /// The path that a name leads to, and what is in that file.
    pub(super) fn open(&self, name: &str) -> Result<(PathBuf, Arc<Binary>), KernelError> {
        let path = find(name)?;
        let about = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
        if !about.is_file() {
            let what = if about.is_dir() { "is a directory" } else { "is no regular file" };
            let message = format!("`{}` {what}, not a program or library", path.display());
            return Err(KernelError::new(Place::Binary, message, ""));
        }
        let identity = identity(&about);
        if let Some((known, binary)) = self.read.borrow().get(&path)
            && *known == identity
        {
            return Ok((path, Arc::clone(binary)));
        }
        let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let binary = Binary::parse(bytes.as_slice()).map_err(|error| {
            let message = format!("`{}` is no program or library that can be probed: {error}", path.display());
            KernelError::new(Place::Binary, message, not_elf(name, &bytes))
        })?;
        let binary = Arc::new(binary);
        self.read.borrow_mut().insert(path.clone(), (identity, Arc::clone(&binary)));
        Ok((path, binary))
    }
}

/// Which file a binary's name leads to now; `None` where it leads to none.
pub fn binary_identity(name: &str) -> Option<FileIdentity> {
    let about = fs::metadata(find(name).ok()?).ok()?;
    about.is_file().then(|| identity(&about))
}

/// The path that a binary's name leads to, without links; `None` where there is no file.
pub fn binary_path(name: &str) -> Option<PathBuf> {
    fs::canonicalize(find(name).ok()?).ok()
}

/// The paths of which a change can lead a binary's name to another file: all that are searched until one is there.
pub fn binary_places(name: &str) -> Vec<PathBuf> {
    if name.contains('/') {
        return vec![PathBuf::from(name)];
    }
    let mut places: Vec<PathBuf> = folders(name).into_iter().map(|folder| folder.join(name)).collect();
    let found = places.iter().position(|path| path.is_file());
    places.truncate(found.map_or(places.len(), |found| found + 1));
    places
}

fn identity(about: &fs::Metadata) -> FileIdentity {
    let (device, inode, bytes) = (about.dev(), about.ino(), about.size());
    FileIdentity { device, inode, bytes, written: (about.mtime(), about.mtime_nsec()) }
}

fn is_library(name: &str) -> bool {
    name.ends_with(".so") || name.contains(".so.")
}

/// Where libbpf searches for a binary whose name has no slash.
fn folders(name: &str) -> Vec<PathBuf> {
    let (variable, paths) = if is_library(name) { ("LD_LIBRARY_PATH", LIBRARY_PATHS) } else { ("PATH", PROGRAM_PATHS) };
    let paths = [env::var_os(variable).unwrap_or_default(), OsString::from(paths)];
    paths.iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute()).collect()
}

/// The path of a binary: itself where it is one, else searched for as libbpf does.
fn find(name: &str) -> Result<PathBuf, KernelError> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let folders = folders(name);
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let (what, whence) = if is_library(name) {
            ("library", "the directories of libraries")
        } else {
            ("program", "the directories of PATH")
        };
        let message = format!("there is no {what} `{name}` in {whence}");
        let near = library_called(name).or_else(|| near_in(&folders, name));
        let help = near.map_or_else(
            || "write its absolute path if it is elsewhere".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        KernelError::new(Place::Binary, message, help)
    })
}

/// The library of a bare name: `libc.so.6` of `libc`, `libssl.so.3` of `ssl`. What ends in `.so` may be a script of the linker.
fn library_called(name: &str) -> Option<String> {
    let begins = [format!("{name}.so."), format!("lib{name}.so.")];
    let entries = folders(&begins[0]).into_iter().filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let called = names.filter(|file| begins.iter().any(|begin| file.starts_with(begin)));
    called.min_by(|a, b| (a.len(), a).cmp(&(b.len(), b))).filter(|_| !name.is_empty() && !is_library(name))
}

/// The name of a file in these directories that is nearest to one that is in none of them.
fn near_in(folders: &[PathBuf], name: &str) -> Option<String> {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|known| close_in_length(known, name)).collect();
    crate::words::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

fn unreadable(path: &Path, error: &io::Error) -> KernelError {
    let file = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        return KernelError::new(Place::Binary, format!("failed to read `{file}`: {error}"), "");
    }
    let help = match (path.parent(), path.file_name()) {
        (Some(folder), _) if !folder.is_dir() => format!("there is no directory `{}`", folder.display()),
        (Some(folder), Some(name)) => {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            let nearest = crate::words::nearest(&name.to_string_lossy(), names.iter().map(String::as_str));
            nearest.map_or_else(String::new, |found| format!("did you mean `{}`?", folder.join(found).display()))
        }
        (None, _) | (_, None) => String::new(),
    };
    KernelError::new(Place::Binary, format!("there is no file `{file}`"), help)
}

fn not_elf(name: &str, bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"#!") {
        "it is a script: probe the program that runs it"
    } else if name.ends_with(".so") {
        "it may be a note for the linker: name the library itself, as `ldd` shows it (`libc.so.6`)"
    } else {
        ""
    }
}
