// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names that every hook offers. Those that are paths are written in the language itself.

use crate::spec::{FetchSource, FieldType};

/// A name that every hook offers.
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// What it is, one sentence.
    pub doc: &'static str,
    /// True where it says something of the process that the event is about.
    pub of_process: bool,
    pub(super) value: BuiltinValue,
}

/// Where its value comes from.
pub(super) enum BuiltinValue {
    /// The head of a record has it.
    Head,
    /// A number, by its bytes and how it is shown.
    Number(FetchSource, u32, FieldType),
    /// The current `struct task_struct`.
    Task,
    /// This path.
    Path(&'static str),
    /// What the probe is attached to, by a word that the machine knows.
    Target,
    /// A list of addresses in code.
    Stack,
}

use BuiltinValue::{Head, Number, Path, Stack, Target, Task};

const fn of_process(name: &'static str, doc: &'static str, value: BuiltinValue) -> Builtin {
    Builtin { name, doc, of_process: true, value }
}

const fn of_machine(name: &'static str, doc: &'static str, value: BuiltinValue) -> Builtin {
    Builtin { name, doc, of_process: false, value }
}

/// Every one, in the order of the documentation.
pub static BUILTINS: &[Builtin] = &[
    of_process("pid", "The process, by the first PID namespace.", Head),
    of_process("tid", "The thread, by the first PID namespace.", Head),
    of_process("uid", "The real user id.", Head),
    of_process("gid", "The real group id.", Number(FetchSource::Gid, 4, FieldType::Id)),
    of_process("euid", "The effective user id.", Path("task->cred->euid.val")),
    of_process("comm", "The name of the thread, at most 15 bytes.", Head),
    of_machine("cpu", "The CPU.", Head),
    of_process("ppid", "The parent process.", Path("task->real_parent->tgid as u32")),
    of_process("parent_comm", "The name of the parent process.", Path("task->real_parent->group_leader->comm")),
    of_process("exe", "The file that the process executes.", Path("task->mm->exe_file as path")),
    of_process("cgroup", "The path of the cgroup (v2).", Number(FetchSource::CgroupId, 8, FieldType::Cgroup)),
    of_process("cgroup_id", "The number of the cgroup (v2).", Number(FetchSource::CgroupId, 8, FieldType::Unsigned)),
    of_process(
        "container",
        "The id of the container, by the path of the cgroup; null outside of one.",
        Number(FetchSource::CgroupId, 8, FieldType::Container),
    ),
    of_process(
        "pidns",
        "The PID namespace, as `/proc/PID/ns/pid` numbers it.",
        Path("task->thread_pid->numbers[task->thread_pid->level].ns->ns.inum"),
    ),
    of_process("mntns", "The mount namespace.", Path("task->nsproxy->mnt_ns->ns.inum")),
    of_process("netns", "The network namespace.", Path("task->nsproxy->net_ns->ns.inum")),
    of_process("caps", "The effective capabilities.", Path("task->cred->cap_effective as caps")),
    of_machine("ktime", "The monotonic clock.", Number(FetchSource::Ktime, 8, FieldType::Ktime)),
    of_machine("random", "A random number of 32 bits.", Number(FetchSource::Random, 4, FieldType::Unsigned)),
    of_process("task", "The thread: `struct task_struct`, of which members can be taken.", Task),
    of_process(
        "kstack",
        "The stack of the kernel: the functions that led here, the innermost first, at most 64 of them.",
        Stack,
    ),
    of_process(
        "ustack",
        "The stack of the process. Callers of code that was built without frame pointers can be missing.",
        Stack,
    ),
    of_machine("symbol", "The function that the probe is attached to.", Target),
    of_machine("syscall", "The system call.", Target),
    of_machine("event", "The tracepoint.", Target),
    of_machine("interface", "The network interface.", Target),
];

/// The one of this name.
pub fn builtin(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Their names.
pub fn builtin_names() -> impl Iterator<Item = &'static str> + Clone {
    BUILTINS.iter().map(|builtin| builtin.name)
}
