// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a program or library of a bare name is: `bash` in PATH, `libc.so.6` among the libraries.

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::catalog::is_for_this_machine;
use crate::kernel::error::KernelError;
use crate::kernel::host::answers;
use crate::kernel::site::{MOST_ENTRIES, close_in_length};
use crate::spec::Place;

/// Where libbpf and the loader look for libraries that LD_LIBRARY_PATH does not have.
#[cfg(target_arch = "x86_64")]
const LIBRARY_PATHS: &str = "/usr/lib64:/usr/lib:/lib64:/lib:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu";
#[cfg(target_arch = "aarch64")]
const LIBRARY_PATHS: &str = "/usr/lib64:/usr/lib:/lib64:/lib:/usr/lib/aarch64-linux-gnu:/lib/aarch64-linux-gnu";
/// Where programs are that PATH does not have.
const PROGRAM_PATHS: &str = "/usr/bin:/usr/sbin:/bin:/sbin";

/// The paths of which a change can lead a binary's name to another file: all that are searched until one is there. None where
/// its file system does not answer: to watch it would be to wait for that.
pub fn binary_places(name: &str) -> Vec<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).into_iter().filter(|path| answers(path)).collect();
    }
    let mut places: Vec<PathBuf> = folders(name).into_iter().map(|folder| folder.join(name)).collect();
    let found = places.iter().position(|path| is_meant(name, path));
    places.truncate(found.map_or(places.len(), |found| found + 1));
    places
}

/// The path of a binary: itself where it is one, else searched for as the loader does, which passes over libraries for another
/// machine.
pub(in crate::kernel) fn find(name: &str) -> Result<PathBuf, KernelError> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let folders = folders(name);
    let places = || folders.iter().map(|folder| folder.join(name));
    if let Some(found) = places().find(|path| is_meant(name, path)) {
        return Ok(found);
    }
    let (what, whence) = if is_library(name) {
        ("library", "the directories of libraries")
    } else {
        ("program", "the directories of PATH")
    };
    if let Some(other) = places().find(|path| path.is_file()) {
        let message = format!("there is no {what} `{name}` for this machine in {whence}");
        let help = format!("`{}` is for another architecture, or for 32 bits", other.display());
        return Err(KernelError::new(Place::Binary, message, help));
    }
    let message = format!("there is no {what} `{name}` in {whence}");
    let near = library_called(name).or_else(|| near_in(&folders, name));
    let help = near.map_or_else(
        || "write its absolute path if it is elsewhere".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Err(KernelError::new(Place::Binary, message, help))
}

fn is_library(name: &str) -> bool {
    name.ends_with(".so") || name.contains(".so.")
}

/// True where the search for a name ends.
fn is_meant(name: &str, path: &Path) -> bool {
    path.is_file() && (!is_library(name) || !is_for_another_machine(path))
}

/// What cannot be read is for anyone who opens it to say.
fn is_for_another_machine(path: &Path) -> bool {
    let mut head = [0; 20];
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    file.and_then(|file| file.read_exact_at(&mut head, 0)).is_ok() && !is_for_this_machine(&head)
}

/// Where libbpf searches for a binary whose name has no slash.
fn folders(name: &str) -> Vec<PathBuf> {
    let (variable, paths) = if is_library(name) { ("LD_LIBRARY_PATH", LIBRARY_PATHS) } else { ("PATH", PROGRAM_PATHS) };
    let paths = [env::var_os(variable).unwrap_or_default(), OsString::from(paths)];
    paths.iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute()).collect()
}

/// Names of files in these directories.
fn entries(folders: &[PathBuf]) -> impl Iterator<Item = String> {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries.flat_map(|entries| entries.flatten().take(MOST_ENTRIES));
    names.filter_map(|entry| entry.file_name().into_string().ok())
}

/// The library of a bare name: `libc.so.6` of `libc`, `libssl.so.3` of `ssl`. What ends in `.so` may be a script of the linker.
fn library_called(name: &str) -> Option<String> {
    let begins = [format!("{name}.so."), format!("lib{name}.so.")];
    let folders = folders(&begins[0]);
    let called = entries(&folders).filter(|file| begins.iter().any(|begin| file.starts_with(begin)));
    called.min_by(|a, b| (a.len(), a).cmp(&(b.len(), b))).filter(|_| !name.is_empty() && !is_library(name))
}

/// The name of a file in these directories that is nearest to one that is in none of them.
fn near_in(folders: &[PathBuf], name: &str) -> Option<String> {
    let names: Vec<String> = entries(folders).filter(|known| close_in_length(known, name)).collect();
    crate::words::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}
