// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the kernel did not do what a probe asks, and where in its YAML to look.

use std::io;

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
        let Refusal { message, help } = refusal;
        Self { place, message, help, notes: Vec::new(), code: None }
    }

    /// The same with what would work, where something is known.
    pub(super) fn maybe_help(self, help: Option<String>) -> Self {
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

/// What to do about EPERM and EACCES.
pub(super) fn privilege_help(needs: &str) -> String {
    if rustix::process::geteuid().is_root() {
        let lockdown = std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
        if lockdown.contains("[confidentiality]") {
            return "the kernel is locked down (confidentiality mode): it does not allow reading kernel memory"
                .to_owned();
        }
        return format!("it needs {needs}, which this environment (a container?) denies even to root");
    }
    format!("run it as root, or with {needs}")
}
