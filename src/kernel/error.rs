// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the kernel did not do what a probe asks, and where in its YAML to look.

use std::io;

use super::host::Capabilities;
use crate::spec::{Place, ProbeSpec};
use crate::words::Refusal;

/// "operation is not supported", of the kernel's own parts; not part of the user-space ABI.
pub(super) const ENOTSUPP: i32 = 524;

/// A refusal, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelError {
    /// The part of the probe that is to blame.
    pub place: Place,
    /// What is wrong, one sentence.
    pub message: String,
    /// What would work; `None` where nothing is known.
    pub help: Option<String>,
    /// More lines, such as the end of the verifier's log.
    pub notes: Vec<String>,
    /// The code of the problem that it is (`E0405`), where the place alone does not tell.
    pub code: Option<&'static str>,
}

impl KernelError {
    /// Without help.
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self::of(place, Refusal::new(message))
    }

    /// What is wrong, and what to do about it.
    pub fn new(place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::of(place, Refusal::new(message).help(help))
    }

    /// A refusal, and the part of the probe that is to blame.
    pub fn of(place: Place, refusal: Refusal) -> Self {
        let Refusal { message, help, range } = refusal;
        Self { place: place.part(range), message, help, notes: Vec::new(), code: None }
    }

    /// The same with what would work, where something is known.
    pub fn maybe_help(self, help: Option<String>) -> Self {
        Self { help: help.or(self.help), ..self }
    }

    /// The same of a hook of this probe: where its program brings its own, the file names no target that could be to blame.
    pub(super) fn of_hook_in(self, spec: &ProbeSpec) -> Self {
        if spec.hook.is_some() { self } else { Self { place: Place::Program, ..self } }
    }

    pub(super) fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// "permission denied (EPERM)": an error number in words.
pub(super) fn describe(code: i32) -> String {
    // Of include/linux/errno.h: the C library has no words for it.
    if code == 524 {
        return "operation is not supported (ENOTSUPP)".to_owned();
    }
    let name = match code {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::EINVAL => "EINVAL",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EACCES => "EACCES",
        libc::ENOMEM => "ENOMEM",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::E2BIG => "E2BIG",
        libc::ENOSPC => "ENOSPC",
        libc::ERANGE => "ERANGE",
        libc::EMFILE => "EMFILE",
        _ => "",
    };
    let text = io::Error::from_raw_os_error(code).to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    if name.is_empty() { format!("{text} (error {code})") } else { format!("{text} ({name})") }
}

/// How often one part of a probe is reported, of a hook with many targets.
const OF_ONE_PART: usize = 3;

/// Of what is wrong with one part of a probe at many targets, the first few; the last of them gets a note that says how many more
/// there are. What is the same at several is said once. `error` gives the error in an item, `key` is the same for the same part of the
/// same probe.
pub fn few_of_each<T: PartialEq, K: PartialEq>(
    all: Vec<T>,
    key: impl Fn(&T) -> Option<K>,
    error: impl Fn(&mut T) -> Option<&mut KernelError>,
) -> Vec<T> {
    let mut kept: Vec<(T, Option<K>, usize)> = Vec::new();
    for item in all {
        if kept.iter().any(|(other, ..)| *other == item) {
            continue;
        }
        let key = key(&item);
        let alike = || kept.iter().filter(|(_, other, _)| key.is_some() && *other == key).count();
        if alike() < OF_ONE_PART {
            kept.push((item, key, 0));
        } else if let Some((.., more)) = kept.iter_mut().rfind(|(_, other, _)| *other == key) {
            *more += 1;
        }
    }
    let noted = kept.into_iter().map(|(mut item, _, more)| {
        if let Some(error) = error(&mut item).filter(|_| more > 0) {
            let targets = if more == 1 { "target" } else { "targets" };
            error.notes.push(format!("it is the same with {more} more {targets} of the hook"));
        }
        item
    });
    noted.collect()
}

/// What to do about EPERM and EACCES.
pub(super) fn privilege_help(needs: &str) -> String {
    if rustix::process::geteuid().is_root() {
        let lockdown = std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
        if lockdown.contains("[confidentiality]") {
            return "the kernel is locked down (confidentiality mode): it does not allow reading kernel memory"
                .to_owned();
        }
        let process = Capabilities::effective();
        let mut wanted =
            needs.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("CAP_"));
        if wanted.all(|name| process.has(name)) {
            return "the process has the capabilities for it: a sandbox (seccomp), a security module or the kernel itself forbids it"
                .to_owned();
        }
        return format!("it needs {needs}, which this environment (a container?) denies even to root");
    }
    format!("run it as root, or with {needs}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many targets that lack what one part of a probe names are said with three of them and their number; other parts are all said.
    #[test]
    fn many_targets() {
        let at = |place: Place, number: usize| KernelError::at(place, number.to_string());
        let capture = |name: &str| Place::Capture(name.to_owned());
        let all: Vec<KernelError> = (0..5)
            .flat_map(|number| [at(capture("a"), number), at(Place::Entry(number.to_string()), number)])
            .chain([at(capture("b"), 0), at(capture("b"), 0)])
            .collect();
        let few = few_of_each(all, |error| Some(error.place.clone()), |error| Some(error));
        let count = |place: Place| few.iter().filter(|error| error.place == place).count();
        assert_eq!((count(capture("a")), few.len(), count(capture("b"))), (3, 9, 1));
        let notes: Vec<&String> = few.iter().flat_map(|error| &error.notes).collect();
        assert_eq!(notes, ["it is the same with 2 more targets of the hook"]);
    }
}
