// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the arguments of system calls are called, and of which types they are.

use std::fs;

use crate::expr::{Prototype, TraceField, TraceShape, parse_format};
use crate::kernel::host::Host;
use crate::spec::{CallEnd, SyscallAbi, TracepointName};

/// Names of unistd.h, and what the kernel calls the same system call.
const RENAMED: [(&str, &str); 6] = [
    ("stat", "newstat"),
    ("lstat", "newlstat"),
    ("fstat", "newfstat"),
    ("uname", "newuname"),
    ("sendfile", "sendfile64"),
    ("umount2", "umount"),
];

/// The kernel's own name of a system call.
fn kernel_name(call: &str) -> &str {
    RENAMED.iter().find(|(name, _)| *name == call).map_or(call, |(_, own)| own)
}

/// The tracepoint at an end of a system call: `syscalls:sys_enter_openat`.
pub(in crate::kernel) fn event_of(call: &str, end: CallEnd) -> TracepointName {
    let prefix = match end {
        CallEnd::Entry => "sys_enter_",
        CallEnd::Return => "sys_exit_",
    };
    TracepointName { category: "syscalls".to_owned(), name: format!("{prefix}{}", kernel_name(call)) }
}

/// The system call of a tracepoint, and its end; `None` for others, and where nobody knows its number.
pub(in crate::kernel) fn of_event(event: &TracepointName) -> Option<(&str, CallEnd)> {
    if event.category != "syscalls" {
        return None;
    }
    let enter = event.name.strip_prefix("sys_enter_").map(|name| (name, CallEnd::Entry));
    let (own, end) = enter.or_else(|| event.name.strip_prefix("sys_exit_").map(|name| (name, CallEnd::Return)))?;
    let call = RENAMED.iter().find(|(_, renamed)| *renamed == own).map_or(own, |(name, _)| name);
    SyscallAbi::Native.number(call).map(|_| (call, end))
}

impl Host {
    /// The arguments of a system call: by its tracepoint, or where tracefs does not tell, by the kernel's
    /// types of the function; `None` where neither has it.
    pub(in crate::kernel) fn syscall_arguments(&self, call: &str) -> Option<Vec<TraceField>> {
        // Most calls of 32-bit processes have no tracepoint, and nobody is to be told what might be meant.
        let event = event_of(call, CallEnd::Entry);
        let folder = self.tracefs().ok().map(|path| path.join("events").join(event.category));
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            let fields = parse_format(&fs::read_to_string(folder.join(event.name).join("format")).ok()?);
            // Beside the number and the arguments, Linux 6.19 has the text that they point to.
            let is_argument = |field: &TraceField| field.name != "__syscall_nr" && field.shape == TraceShape::Scalar;
            return Some(fields.into_iter().filter(is_argument).collect());
        }
        // To search all types takes long: not for each call beside others that have tracepoints.
        let btf = self.btf()?;
        let name = kernel_name(call);
        let functions = ["__do_sys_", "__se_sys_", "sys_"].map(|prefix| format!("{prefix}{name}"));
        let prototype = functions.iter().find_map(|function| Prototype::of_function(btf, function));
        let argument = |(name, c_type)| TraceField {
            name,
            c_type,
            offset: 0,
            size: 8,
            signed: false,
            shape: TraceShape::Scalar,
            printed: Vec::new(),
        };
        Some(prototype?.declarations().into_iter().map(argument).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tracepoints have the kernel's names, hooks those of unistd.h.
    #[test]
    fn names() {
        for (call, event) in [("openat", "sys_enter_openat"), ("stat", "sys_enter_newstat")] {
            let event = TracepointName { category: "syscalls".to_owned(), name: event.to_owned() };
            if SyscallAbi::Native.number(call).is_some() {
                assert_eq!(of_event(&event), Some((call, CallEnd::Entry)));
            }
            assert_eq!(event_of(call, CallEnd::Entry), event);
        }
        let other = TracepointName { category: "syscalls".to_owned(), name: "sys_enter_nothing".to_owned() };
        assert_eq!(of_event(&other), None);
    }
}
