// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mechanisms of hooks.

use std::fmt;

/// The mechanism of a hook; what each of them is and takes is in a file of `hook` and one of `kernel::hook`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookKind {
    /// Every packet that an interface receives.
    Xdp,
    /// The entry of a kernel function, or an instruction inside it.
    Kprobe,
    /// The return of a kernel function.
    Kretprobe,
    /// The entry of a kernel function, by a trampoline in it.
    Fentry,
    /// The return of a kernel function, by a trampoline in it.
    Fexit,
    /// A stable event of the kernel, with named fields.
    Tracepoint,
    /// The same event before its fields are made: cheaper, with the kernel's own arguments.
    RawTracepoint,
    /// An instruction of a program or library, before it runs; mostly the entry of a function.
    Uprobe,
    /// The return of a function of a program or library.
    Uretprobe,
    /// A probe that the source of a program or library names.
    Usdt,
    /// A decision or notice of the Linux security modules.
    Lsm,
    /// Every packet that an interface receives or sends, in the network stack.
    Tc,
    /// Packets of the processes of a cgroup, or what they ask of the network.
    Cgroup,
    /// A function, of the kernel or of a program: which of the mechanisms above it takes is found out on the machine.
    Function,
    /// A system call, at its return or entry: raw `sys_exit` and `sys_enter`.
    Syscall,
    /// At intervals, on one CPU.
    Timer,
    /// So often a second, on each CPU: what it does then.
    Profile,
    /// Each time that a counter of the CPU or of the kernel has counted so many.
    Perf,
    /// A snapshot: each object of a kind that the kernel has now.
    Iter,
}

impl HookKind {
    /// Every kind, in the order of the schema and the documentation, with its key in the YAML.
    pub const WORDS: [(Self, &str); 19] = [
        (Self::Xdp, "xdp"),
        (Self::Kprobe, "kprobe"),
        (Self::Kretprobe, "kretprobe"),
        (Self::Fentry, "fentry"),
        (Self::Fexit, "fexit"),
        (Self::Tracepoint, "tracepoint"),
        (Self::RawTracepoint, "raw_tracepoint"),
        (Self::Uprobe, "uprobe"),
        (Self::Uretprobe, "uretprobe"),
        (Self::Usdt, "usdt"),
        (Self::Lsm, "lsm"),
        (Self::Tc, "tc"),
        (Self::Cgroup, "cgroup"),
        (Self::Function, "function"),
        (Self::Syscall, "syscall"),
        (Self::Timer, "timer"),
        (Self::Profile, "profile"),
        (Self::Perf, "perf"),
        (Self::Iter, "iter"),
    ];

    /// The key in the YAML.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The kind with this key; `None` for any other word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for HookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
