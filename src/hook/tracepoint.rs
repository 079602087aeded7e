// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a stable event of the kernel, with named fields.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::kind::{Kind, as_written, no_claim};
use super::names::{is_event_word, target};
use crate::config::without_curly;
use crate::config::{Cx, TARGET};
use crate::spec::{Hook, HookKind, Site, Targets, TracepointName};
use crate::words::Refusal;

/// Names of a tracepoint at the exit of a system call.
const OF_EXIT: [&str; 2] = ["ret", "__syscall_nr"];
/// What people call the value that a function returns.
const RETURNED: [&str; 2] = ["ret", "retval"];
/// Categories whose events are what the current thread does.
const OF_CURRENT_THREAD: [&str; 15] = [
    "syscalls",
    "raw_syscalls",
    "exceptions",
    "9p",
    "btrfs",
    "erofs",
    "ext4",
    "f2fs",
    "filelock",
    "filemap",
    "fuse",
    "iomap",
    "netfs",
    "nfs",
    "xfs",
];

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Tracepoint,
    doc: "A stable event of the kernel, written `category:name`; its fields can be captured by name. Those of the \
          category `syscalls` do not see 32-bit processes, which use system calls of their own.",
    program: "trace",
    example: "tracepoint: sched:sched_switch",
    capture: ("next", "next_comm"),
    how: &[],
    elsewhere: &["tp"],
    at: |target| format!("tracepoint: \"{}\"", target.replacen('/', ":", 1)),
    form,
    long: as_written,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "examples": ["sched:sched_switch", "syscalls:sys_enter_openat"] })
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let text = cx.decode::<String>(&["hook", "tracepoint"])?;
    let text = text.as_str();
    let span = target(cx, &["hook", "tracepoint"]);
    if let Some((category, name)) = text.split_once(':')
        && is_event_word(category)
        && is_event_word(name)
    {
        let name = TracepointName { category: category.to_owned(), name: name.to_owned() };
        return Some((Hook { kind: HookKind::Tracepoint, site: Site::Event(name) }, Targets::One));
    }
    let parts: Vec<&str> = without_curly(text).split([':', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let help = match parts.as_slice() {
        _ if text.contains(['*', '?']) => {
            format!("write one tracepoint: `ebpf-run hooks '{text}'` lists the matches")
        }
        ["tracepoint" | "tp", category, name] | [category, name] if is_event_word(category) && is_event_word(name) => {
            format!("write `tracepoint: {category}:{name}`")
        }
        [name] if name.starts_with("sys_enter_") || name.starts_with("sys_exit_") => {
            format!("write `tracepoint: syscalls:{name}`")
        }
        _other => "for example `tracepoint: sched:sched_switch`; /sys/kernel/tracing/events has a directory for each \
                   category"
            .to_owned(),
    };
    let problem = cx.error(TARGET, span, format!("`{text}` is not `category:name`"));
    cx.report(problem.label("expected a tracepoint's category and name").help(help));
    None
}

fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    let Site::Event(name) = &hook.site else { return None };
    if name.category != "syscalls" {
        return None;
    }
    if let Some(call) = name.name.strip_prefix("sys_enter_").filter(|_| RETURNED.contains(&base)) {
        let message = format!("there is no `{base}` at the entry of a system call");
        return Some(Refusal::new(message).help(format!("`syscalls:sys_exit_{call}` has it, as `ret`")));
    }
    let call = name.name.strip_prefix("sys_exit_").filter(|_| !OF_EXIT.contains(&base))?;
    let help = if base == "retval" {
        "did you mean `ret`?".to_owned()
    } else {
        format!("there is `ret`; `syscalls:sys_enter_{call}` has the arguments")
    };
    Some(Refusal::new(format!("there is no `{base}` at the exit of a system call")).help(help))
}

fn of_current_thread(site: &Site) -> bool {
    matches!(site, Site::Event(name) if OF_CURRENT_THREAD.contains(&name.category.as_str()))
}
