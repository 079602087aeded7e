// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls by the way in which a process makes them: their numbers differ.

use std::sync::LazyLock;

use super::find::find;
use super::{syscalls_aarch64, syscalls_arm, syscalls_i386, syscalls_x86_64};

/// How a process calls this kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyscallAbi {
    /// As 64-bit programs of this architecture do.
    Native,
    /// As 32-bit programs do: i386 on x86-64, arm on arm64.
    Compat,
}

/// A number of the 32-bit table as the programs show it: SHOWN_COMPAT of `bpf/include/syscall.h`.
const SHOWN_COMPAT: i64 = 1 << 31;

/// Names of the numbers that programs show: those of 64-bit processes, and those that only 32-bit ones have.
pub(super) fn shown() -> &'static [(i64, &'static str)] {
    static SHOWN: LazyLock<Vec<(i64, &'static str)>> = LazyLock::new(|| {
        let is_native = |name: &str| SyscallAbi::Native.number(name).is_some();
        let compat = SyscallAbi::COMPAT.iter().filter(|(_, name)| !is_native(name));
        let compat = compat.map(|(number, name)| (SHOWN_COMPAT | number, *name));
        SyscallAbi::NATIVE.iter().copied().chain(compat).collect()
    });
    &SHOWN
}

impl SyscallAbi {
    /// Those of this architecture.
    const NATIVE: &[(i64, &str)] =
        if cfg!(target_arch = "aarch64") { syscalls_aarch64::SYSCALLS } else { syscalls_x86_64::SYSCALLS };
    const COMPAT: &[(i64, &str)] =
        if cfg!(target_arch = "aarch64") { syscalls_arm::SYSCALLS } else { syscalls_i386::SYSCALLS };

    /// Number and name of its system calls, by number.
    pub fn all(self) -> &'static [(i64, &'static str)] {
        match self {
            Self::Native => Self::NATIVE,
            Self::Compat => Self::COMPAT,
        }
    }

    /// The number of a system call; `None` where it has none of this name.
    pub fn number(self, name: &str) -> Option<i64> {
        self.all().iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
    }

    /// The name of a system call.
    ///
    /// ```
    /// use ebpf_run::spec::SyscallAbi;
    /// let number = SyscallAbi::Native.number("openat").unwrap_or_default();
    /// assert_eq!(SyscallAbi::Native.name(number), Some("openat"));
    /// assert_eq!(SyscallAbi::Native.name(100_000), None);
    /// ```
    pub fn name(self, number: i64) -> Option<&'static str> {
        find(self.all(), number)
    }

    /// Whether some architecture that we know has a system call of this name: one that only this machine lacks is no mistake.
    ///
    /// ```
    /// assert!(ebpf_run::spec::SyscallAbi::is_known("open"));
    /// assert!(!ebpf_run::spec::SyscallAbi::is_known("opn"));
    /// ```
    pub fn is_known(name: &str) -> bool {
        Self::all_names().any(|known| known == name)
    }

    /// The names of every architecture that we know, some of them several times.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        [syscalls_x86_64::SYSCALLS, syscalls_i386::SYSCALLS, syscalls_aarch64::SYSCALLS, syscalls_arm::SYSCALLS]
            .into_iter()
            .flatten()
            .map(|(_, name)| *name)
    }
}
