// SPDX-License-Identifier: MIT OR Apache-2.0
//! `syscall`: system calls by the names of unistd.h, at their return or entry.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::at::{RawEnd, end};
use super::kind::{Kind, no_claim};
use super::names::{as_list, names, stands_for_all, targets};
use super::offers;
use crate::config::Span;
use crate::config::forms::{Names, NamesOr, form_with};
use crate::config::{Cx, TARGET, codes, without_curly};
use crate::spec::{CallEnd, Hook, HookKind, Site, SyscallAbi, SyscallSite, Targets};
use crate::words::{Refusal, nearest};

/// What a system call's arguments are passed in at most.
const MOST_ARGUMENTS: usize = 6;

/// What other tools and the kernel's own functions put before the name.
const PREFIXES: [&str; 11] = [
    "syscalls:sys_enter_",
    "syscalls:sys_exit_",
    "sys_enter_",
    "sys_exit_",
    "__x64_sys_",
    "__arm64_sys_",
    "__do_sys_",
    "__se_sys_",
    "do_sys_",
    "__NR_",
    "sys_",
];

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Syscall,
    doc: "A system call by its name in unistd.h, a list of names, a glob (`\"*\"` is all of them), or a mapping. At the return \
          (unless `at` says otherwise) there are the arguments, what they point to as it is then, and `retval`; the arguments of \
          an `execve` that succeeded are null. What never returns (`exit`, `exit_group`, `rt_sigreturn`) comes at the entry, and has no `duration`. \
          Calls of 32-bit processes are included; what lies in their memory otherwise, members of structs with pointers or `long`s, \
          is null.",
    program: "trace",
    example: "syscall: openat",
    capture: ("error", "retval as errno"),
    how: &["at"],
    elsewhere: &["sys"],
    at: |target| format!("syscall: {}", bare(target)),
    form,
    long,
    check,
    lacks,
    of_current_thread: |_| true,
    claim: no_claim,
};

/// System calls.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Syscall {
    /// The system call, a list of names, or a glob. With anything but one name, events carry a field `syscall`. Of a list, names
    /// that this architecture lacks are left out, which `plan` says.
    #[serde(default)]
    #[schemars(extend("examples" = ["openat", ["unlink", "unlinkat", "rmdir"], "*"]))]
    name: Option<Names>,
    /// The first of these system calls that this architecture has.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("examples" = [["openat2", "openat"]]))]
    first_of: Option<Vec<String>>,
    /// `return`: when it is done, with `retval`. `entry`: before the kernel does anything. `span`: when it is done, with `retval` and
    /// `duration`.
    #[serde(default)]
    #[schemars(extend("default" = "return"))]
    at: Option<RawEnd>,
}

fn form(generator: &mut SchemaGenerator) -> Schema {
    form_with::<NamesOr<Syscall>>(
        generator,
        json!(["openat", ["open", "openat", "openat2"], "*", { "name": "clock_nanosleep", "at": "entry" }]),
    )
}

/// `{ name: NAME, at: return }` for a name or a list of them.
fn long(value: Value) -> Value {
    match value {
        Value::String(_) | Value::Array(_) => json!({ "name": value, "at": "return" }),
        Value::Object(mut long) => {
            long.entry("at").or_insert_with(|| "return".into());
            long.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<Syscall>>(&["hook", "syscall"])?;
    let (given, first_of, at) = match &raw {
        NamesOr::Names(given) => (Some(given), None, None),
        NamesOr::Long(long) => (long.name.as_ref(), long.first_of.as_deref(), long.at),
    };
    let one_of = |cx: &mut Cx<'_>, found: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", "syscall"]), format!("`syscall` {found}"));
        cx.report(problem.label("needs exactly one of `name` and `first_of`"));
        None
    };
    let names = match (given, first_of) {
        (Some(given), None) => names(cx, &["hook", "syscall", "name"], given),
        (None, Some(first_of)) => names(cx, &["hook", "syscall", "first_of"], &Names::Several(first_of.to_vec())),
        (Some(_), Some(_)) => return one_of(cx, "has both `name` and `first_of`"),
        (None, None) => return one_of(cx, "names no system call"),
    };
    let mut good = true;
    for (name, span) in &names {
        good &= check_name(cx, name, *span, first_of.is_none());
    }
    let end = end(at, CallEnd::Return);
    let calls: Vec<String> = names.iter().map(|(name, _)| name.clone()).collect();
    let targets = match first_of {
        Some(names) => Targets::FirstOf(names.to_vec()),
        None => targets(names)?.1,
    };
    let site = Site::Syscall(SyscallSite { calls, end, as_tracepoint: false });
    good.then_some((Hook { kind: HookKind::Syscall, site }, targets))
}

fn check_name(cx: &mut Cx<'_>, name: &str, span: Span, patterns: bool) -> bool {
    let is_glob = patterns && name.contains(['*', '?']);
    let is_word =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_glob && is_word(&name.replace(['*', '?'], "_")) || stands_for_all(name) && patterns {
        return true;
    }
    if SyscallAbi::is_known(name) {
        return true;
    }
    let known = [SyscallAbi::Native, SyscallAbi::Compat].into_iter().flat_map(SyscallAbi::all).map(|(_, name)| *name);
    let bare = bare(name);
    let help = if !patterns && name.contains(['*', '?']) {
        "write full names here; globs go into `name`".to_owned()
    } else if let Some(list) = as_list(name) {
        format!("write a list: `syscall: {list}`")
    } else if SyscallAbi::is_known(&bare) {
        format!("write the name alone: `{bare}`")
    } else if let Some(near) = nearest(&bare.to_lowercase(), known) {
        format!("did you mean `{near}`?")
    } else {
        "`ebpf-run hooks --kind syscall PATTERN` lists the matches".to_owned()
    };
    let message = if name.is_empty() {
        "the name of the system call is empty".to_owned()
    } else {
        format!("there is no system call `{name}`")
    };
    let problem = cx.error(TARGET, span, message);
    cx.report(problem.label("expected a name of unistd.h").help(help));
    false
}

/// `openat` of `__x64_sys_openat`, `sys_enter_openat`, `tracepoint:syscalls:sys_enter_openat`, `openat(2)`.
fn bare(name: &str) -> String {
    let name = without_curly(name).trim();
    let name = name.split_once('(').map_or(name, |(name, _)| name);
    let name = name.strip_prefix("tracepoint:").or_else(|| name.strip_prefix("SYS_")).unwrap_or(name);
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).to_owned()
}

fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    let Site::Syscall(site) = &hook.site else { return None };
    if base == "retval" && site.end == CallEnd::Entry {
        let help = "leave out `at: entry`: the return has the arguments as well";
        return Some(Refusal::new("there is no `retval` at the entry of a system call").help(help));
    }
    if base == "ret" {
        return Some(Refusal::new("a system call has no `ret`").help("did you mean `retval`?"));
    }
    offers::number_of(base).filter(|number| *number >= MOST_ARGUMENTS)?;
    let message = format!("no system call has as many arguments as `{base}` says");
    Some(Refusal::new(message).help(format!("`arg0` to `arg{}` can be captured", MOST_ARGUMENTS - 1)))
}
