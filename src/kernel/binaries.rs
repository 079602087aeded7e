// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries on this machine: where a name leads, what functions are there, where one of them is.

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
use crate::catalog::{Binary, BinaryFunction, Lookup};
use crate::spec::{FileIdentity, Place, UserPlace, UserPoint};
use crate::words::{list, suggest};

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

    /// The file and the place in it that a point stands for.
    pub(super) fn locate(&self, point: &UserPoint) -> Result<(PathBuf, u64), KernelError> {
        let (path, binary) = self.open(&point.binary)?;
        let offset = match &point.place {
            UserPlace::Symbol { name, offset } => {
                let function = function(&binary, name, &path)?;
                if function.size != 0 && *offset >= function.size {
                    // The caret shows the number as it is written, which may be decimal.
                    let message = format!("`{name}` ends after {} bytes: this offset lies behind it", function.size);
                    return Err(KernelError::new(Place::Entry(point.place.to_string()), message, ""));
                }
                function.offset.saturating_add(*offset)
            }
            UserPlace::Offset(offset) if binary.is_code(*offset) => *offset,
            UserPlace::Offset(offset) => {
                let ranges = binary.code().map(|(begin, end)| format!("{begin:#x} to {end:#x}"));
                let help = format!("its code lies at {}", ranges.collect::<Vec<_>>().join(" and "));
                let message = format!("there is no code {offset:#x} bytes into `{}`", path.display());
                return Err(KernelError::new(Place::Target, message, help));
            }
        };
        Ok((path, offset))
    }

    /// The same for a probe at the return of a function: to know of that, the kernel writes its own address over the one that
    /// lies on the stack when the function begins. Anywhere else it would write over something else.
    pub(super) fn locate_return(&self, point: &UserPoint) -> Result<(PathBuf, u64), KernelError> {
        let (path, offset) = self.locate(point)?;
        let (_, binary) = self.open(&point.binary)?;
        let file = path.display();
        if binary.entry() == Some(offset) {
            let message = format!("`{file}` begins to run here: nothing has called it, so it does not return");
            let help = "a uretprobe would write over the program's arguments";
            return Err(KernelError::new(Place::Target, message, help));
        }
        if binary.is_go() {
            // https://github.com/golang/go/issues/22008
            let message = format!("`{file}` is a Go program: it moves its stacks, and a uretprobe would crash it");
            let help = "a `uprobe` of its functions is safe";
            return Err(KernelError::new(Place::Binary, message, help));
        }
        let around = |function: &&BinaryFunction| (function.offset..function.offset + function.size).contains(&offset);
        let starts = binary.functions().iter().any(|function| function.offset == offset);
        match binary.functions().iter().find(around) {
            Some(function) if !starts => {
                let message = format!("{offset:#x} bytes into `{file}` is the middle of `{}`", function.name);
                let help = format!("a uretprobe belongs at the beginning of a function: {:#x}", function.offset);
                Err(KernelError::new(Place::Target, message, help))
            }
            Some(_) | None => Ok((path, offset)),
        }
    }
}

/// The function of a name that can be probed.
fn function<'b>(binary: &'b Binary, name: &str, path: &Path) -> Result<&'b BinaryFunction, KernelError> {
    let file = path.display();
    let (message, help) = match binary.find(name) {
        Lookup::One(function) if !function.chooses => return Ok(function),
        Lookup::One(_) => (
            format!("`{name}` of `{file}` only chooses, once in a process, the function that is called by this name"),
            "probe a function that calls it".to_owned(),
        ),
        Lookup::Missing if binary.functions().is_empty() => (
            format!("`{file}` has no symbols of functions: it is stripped"),
            "give the place of the function in the file: `offset`".to_owned(),
        ),
        Lookup::Missing => (format!("`{file}` has no function `{name}`"), instead(binary, name, path)),
        Lookup::Several(count) => {
            let places = binary.functions().iter().filter(|function| function.name == name);
            let places: Vec<String> = places.map(|function| format!("{:#x}", function.offset)).collect();
            let places = list(places.iter().map(String::as_str), 8);
            (
                format!("`{file}` has {count} functions called `{name}`"),
                format!("choose one by its place in the file: `offset` {places}"),
            )
        }
    };
    Err(KernelError::new(Place::Target, message, help))
}

/// What a binary has for somebody who wanted this function.
pub(super) fn instead(binary: &Binary, name: &str, path: &Path) -> String {
    let version = |known: &&str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('@'));
    if let Some(found) = binary.names().find(version) {
        return format!("it only has `{found}`, for programs that were linked long ago");
    }
    if let Some((_, last)) = name.rsplit_once("::") {
        let last = last.split('(').next().unwrap_or_default();
        return format!("C++ and Rust mangle names: `ebpf-run hooks {last} --binary {}` shows them", path.display());
    }
    suggest(name, binary.names().filter(|known| close_in_length(known, name)), "")
}

/// Which file a binary's name leads to now; `None` where it leads to none.
pub fn binary_identity(name: &str) -> Option<FileIdentity> {
    let about = fs::metadata(find(name).ok()?).ok()?;
    about.is_file().then(|| identity(&about))
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
        let near = near_in(&folders, name);
        let help = near.map_or_else(
            || "write its absolute path if it is elsewhere".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        KernelError::new(Place::Binary, message, help)
    })
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
