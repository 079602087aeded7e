// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of the language, described.

/// A function or method: how it is written, and what it gives.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// An example of a call.
    pub form: &'static str,
    /// What it gives.
    pub doc: &'static str,
    /// Least and most arguments.
    pub(super) arguments: (usize, usize),
}

/// What is called by its name: `has_any(flags, O_CREAT)`.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "first_of",
        form: "first_of(task->__state, task->state)",
        doc: "The first of these that this kernel and target have.",
        arguments: (1, 16),
    },
    Function {
        name: "container_of",
        form: "container_of(m, struct mount, mnt)",
        doc: "A pointer to the struct around the member that a pointer points to.",
        arguments: (3, 3),
    },
    Function {
        name: "has_any",
        form: "has_any(flags, O_CREAT | O_TRUNC)",
        doc: "True if at least one of these bits is set.",
        arguments: (2, 2),
    },
    Function {
        name: "has_all",
        form: "has_all(flags, O_CREAT | O_TRUNC)",
        doc: "True if all of these bits are set.",
        arguments: (2, 2),
    },
    Function { name: "size", form: "size(buf)", doc: "Bytes of a string or buffer.", arguments: (1, 1) },
    Function {
        name: "descendants",
        form: "pid in descendants(1234)",
        doc: "This process, its children and theirs, those that exist now and those to come.",
        arguments: (1, 1),
    },
    Function {
        name: "kstack",
        form: "kstack(16)",
        doc: "The stack of the kernel, at most 16 functions: 1 to 127.",
        arguments: (1, 1),
    },
    Function {
        name: "ustack",
        form: "ustack(16)",
        doc: "The stack of the process, at most 16 functions.",
        arguments: (1, 1),
    },
];

/// What is asked of a text: `path.startsWith("/etc")`.
pub const METHODS: &[Function] = &[
    Function {
        name: "startsWith",
        form: "path.startsWith(\"/etc\")",
        doc: "True if the string begins with this one.",
        arguments: (1, 1),
    },
    Function {
        name: "endsWith",
        form: "path.endsWith([\".so\", \".ko\"])",
        doc: "True if the string ends with one of these.",
        arguments: (1, 1),
    },
    Function {
        name: "contains",
        form: "path.contains(\"/tmp/\")",
        doc: "True if this string occurs in it.",
        arguments: (1, 1),
    },
    Function {
        name: "glob",
        form: "path.glob(\"/home/*/.ssh/*\")",
        doc: "True if the whole string matches: `*` is any text, `?` one byte.",
        arguments: (1, 1),
    },
    Function {
        name: "under",
        form: "path.under(\"/etc\")",
        doc: "True for this path or cgroup and everything below it.",
        arguments: (1, 1),
    },
];

/// The function or method of this name.
pub(super) fn find(functions: &'static [Function], name: &str) -> Option<&'static Function> {
    functions.iter().find(|function| function.name == name)
}
