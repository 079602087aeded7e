// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls that names and globs stand for, and the first of several that this architecture has.

use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{Named, Names, none_of};
use crate::spec::{Place, SyscallAbi, Targets};
use crate::words::{matches_glob, nearest_glob};

/// True for a system call that processes on this machine can make: 64-bit ones, or 32-bit ones.
pub(in crate::kernel) fn is_here(name: &str) -> bool {
    SyscallAbi::Native.number(name).is_some() || SyscallAbi::Compat.number(name).is_some()
}

/// Those of this machine. A name that only other architectures have is left out where another is there.
pub(in crate::kernel) fn named(patterns: &[String]) -> Named {
    let (mut names, mut errors) = (Names::new(), Vec::new());
    for pattern in patterns {
        if !Targets::is_pattern(pattern) {
            if is_here(pattern) {
                names.insert(pattern.clone(), pattern.clone());
            }
            continue;
        }
        let found: Vec<&str> = all().filter(|name| matches_glob(pattern, name)).collect();
        if found.is_empty() {
            let help = nearest_glob(pattern, all()).map(|near| format!("did you mean `{near}`?"));
            let message = format!("no system call matches `{pattern}`");
            errors.push(KernelError::at(Place::Entry(pattern.clone()), message).maybe_help(help));
        }
        names.extend(found.into_iter().map(|name| (name.to_owned(), pattern.clone())));
    }
    if names.is_empty() && errors.is_empty() {
        errors.push(none_here(patterns));
    }
    (names, errors)
}

/// The first of these that this architecture has.
pub(in crate::kernel) fn first_of(names: &[String]) -> Result<String, KernelError> {
    names.iter().find(|name| is_here(name)).cloned().ok_or_else(|| none_here(names))
}

/// The names that only other architectures have.
pub(in crate::kernel) fn lacking(names: &[String]) -> Vec<&str> {
    names.iter().filter(|name| !Targets::is_pattern(name) && !is_here(name)).map(String::as_str).collect()
}

fn all() -> impl Iterator<Item = &'static str> + Clone {
    [SyscallAbi::Native, SyscallAbi::Compat].into_iter().flat_map(|abi| abi.all()).map(|(_, name)| *name)
}

fn none_here(names: &[String]) -> KernelError {
    if let [name] = names {
        let message = format!("this architecture has no system call `{name}`");
        return KernelError::new(
            Place::Target,
            message,
            "other architectures have it; a list may name both theirs and ours",
        );
    }
    none_of(names, "this architecture", "system calls", |_| None)
}
