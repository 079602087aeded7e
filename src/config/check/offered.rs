// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook offers to captures on every kernel. What its functions and tracepoints have on this one is asked later.

use crate::config::{Cx, codes};
use crate::expr::{BUILTINS, MOST_RAW_ARGUMENTS, REGISTER_ARGUMENTS, beyond_registers};
use crate::spec::{Capture, Hook, HookKind, Site, UserPlace};

/// Names of a tracepoint at the exit of a system call.
const OF_EXIT: [&str; 2] = ["ret", "__syscall_nr"];
/// What people call the value that a function returns.
const RETURNED: [&str; 2] = ["ret", "retval"];

/// Complains about the captures that the hook cannot have, and keeps the others.
pub(crate) fn keep(cx: &mut Cx<'_>, hook: &Hook, captures: &mut Vec<Capture>) {
    captures.retain(|capture| {
        let base = capture.expr.base.as_str();
        let Some((message, help)) = missing(hook, base).filter(|_| !BUILTINS.contains(&base)) else { return true };
        let problem = cx.error(codes::HOOK_CAPTURE, cx.value(&["capture", &capture.name]), message).help(help);
        cx.report(problem);
        false
    });
}

/// 12 of `arg12`; a number that is too large stands for the greatest there is.
fn number_of(base: &str) -> Option<usize> {
    let number = base.strip_prefix("arg")?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| number.parse().unwrap_or(usize::MAX))
}

/// That no hook of this kind has the name, and what would work.
fn missing(hook: &Hook, base: &str) -> Option<(String, String)> {
    let inside = match &hook.site {
        Site::Function { offset, .. } => *offset > 0,
        Site::Binary(point) => matches!(point.place, UserPlace::Symbol { offset: 1.., .. }),
        Site::Interface { .. } | Site::Event(_) | Site::RawEvent(_) => false,
    };
    match hook.kind {
        HookKind::Kretprobe | HookKind::Uretprobe if base == "ret" => {
            Some(("there is no `ret` at the return of a function".to_owned(), "did you mean `retval`?".to_owned()))
        }
        HookKind::Kretprobe if base != "retval" => {
            let help = "capture arguments with a `kprobe`; a `kretprobe` has `retval`";
            Some((format!("there is no `{base}` at the return of a function"), help.to_owned()))
        }
        HookKind::Uretprobe if base != "retval" => {
            let help = "capture arguments with a `uprobe`; a `uretprobe` has `retval`";
            Some((format!("there is no `{base}` at the return of a function"), help.to_owned()))
        }
        HookKind::Kprobe | HookKind::Uprobe if inside => {
            let message = format!("there is no `{base}` inside a function: with an `offset`, arguments have no names");
            Some((message, "remove `offset` to probe the entry of the function, which has the arguments".to_owned()))
        }
        HookKind::Uprobe if base == "retval" => {
            let help = "capture `retval` with a `uretprobe`";
            Some(("there is no `retval` at the entry of a function".to_owned(), help.to_owned()))
        }
        HookKind::Kprobe | HookKind::Uprobe if number_of(base).is_some_and(|number| number >= REGISTER_ARGUMENTS) => {
            let message = beyond_registers(base, number_of(base).unwrap_or_default());
            Some((message, format!("`arg0` to `arg{}` can be captured", REGISTER_ARGUMENTS - 1)))
        }
        HookKind::RawTracepoint if number_of(base).is_some_and(|number| number >= MOST_RAW_ARGUMENTS) => {
            let message = format!("no raw tracepoint has as many arguments as `{base}` says");
            Some((message, format!("`arg0` to `arg{}` can be captured", MOST_RAW_ARGUMENTS - 1)))
        }
        HookKind::Uprobe if number_of(base).is_none() => {
            let message = format!("there is no `{base}`: a binary does not tell the names of its arguments");
            Some((message, "arguments have numbers here: `arg0` is the first one".to_owned()))
        }
        HookKind::Tracepoint => {
            let Site::Event(name) = &hook.site else { return None };
            if name.category != "syscalls" {
                return None;
            }
            if let Some(call) = name.name.strip_prefix("sys_enter_").filter(|_| RETURNED.contains(&base)) {
                let message = format!("there is no `{base}` at the entry of a system call");
                return Some((message, format!("`syscalls:sys_exit_{call}` has it, as `ret`")));
            }
            let call = name.name.strip_prefix("sys_exit_").filter(|_| !OF_EXIT.contains(&base))?;
            let help = if base == "retval" {
                "did you mean `ret`?".to_owned()
            } else {
                format!("there is `ret`; `syscalls:sys_enter_{call}` has the arguments")
            };
            Some((format!("there is no `{base}` at the exit of a system call"), help))
        }
        HookKind::Xdp
        | HookKind::Kprobe
        | HookKind::Kretprobe
        | HookKind::RawTracepoint
        | HookKind::Uprobe
        | HookKind::Uretprobe => None,
    }
}
