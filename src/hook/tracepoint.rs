// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracepoint`: a stable event of the kernel, with named fields.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::event::{self, Written, long, without_stars};
use super::kind::{Kind, no_claim};
use super::names::{as_events, is_event_word};
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
    doc: "A stable event of the kernel, written `category:name`, a list of them, a glob, or a mapping with `first_of`; its \
          fields can be captured by name. Those of the category `syscalls` do not see 32-bit processes, which use system calls of their own.",
    program: "trace",
    example: "tracepoint: sched:sched_switch",
    capture: ("next", "next_comm"),
    how: &[],
    elsewhere: &["tp"],
    at: |target| format!("tracepoint: \"{}\"", target.replacen('/', ":", 1)),
    form,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn form(generator: &mut SchemaGenerator) -> Schema {
    let examples = json!(["sched:sched_switch", ["sched:sched_wakeup", "sched:sched_wakeup_new"], "block:block_rq_*"]);
    event::form(generator, examples)
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let (name, targets) = event::check(cx, HookKind::Tracepoint, is_good)?;
    let name = TracepointName::parse(&name)?;
    Some((Hook { kind: HookKind::Tracepoint, site: Site::Event(name) }, targets))
}

fn is_good(cx: &mut Cx<'_>, Written { name: text, span, may_be_glob }: Written<'_>) -> bool {
    let is_word = |word: &str| is_event_word(&without_stars(word, may_be_glob));
    if text.split_once(':').is_some_and(|(category, name)| is_word(category) && is_word(name)) {
        return true;
    }
    let parts: Vec<&str> = without_curly(text).split([':', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let help = match parts.as_slice() {
        _ if text.contains(',') && as_events(text).is_some() => {
            format!("write a list: `tracepoint: {}`", as_events(text).unwrap_or_default())
        }
        _ if !may_be_glob && text.contains(['*', '?']) => "write full names here; globs go into `name`".to_owned(),
        ["tracepoint" | "tp", category, name] | [category, name] if is_word(category) && is_word(name) => {
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
    false
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
