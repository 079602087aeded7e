// SPDX-License-Identifier: MIT OR Apache-2.0
//! What hooks offer to captures on every kernel. What their functions and tracepoints have on this one is asked later.

use super::kind;
use crate::config::{Cx, codes};
use crate::expr::{BUILTINS, MOST_RAW_ARGUMENTS, REGISTER_ARGUMENTS, beyond_registers, builtin, first_name};
use crate::spec::{Capture, CgroupPoint, Hook, HookKind, Items, Site};
use crate::words::{Refusal, suggest};

/// Complains about the captures that the hook cannot have, and keeps the others.
pub(crate) fn keep_offered(cx: &mut Cx<'_>, hook: &Hook, captures: &mut Vec<Capture>) {
    let lacks = kind(hook.kind).lacks;
    captures.retain(|capture| {
        let Some(base) = first_name(&capture.expr) else { return true };
        let own = || lacks(hook, base).filter(|_| builtin(base).is_none());
        let Some(lack) = no_process_at(hook, base).or_else(|| no_stack_at(hook, base)).or_else(own) else {
            return true;
        };
        let problem = cx.error(codes::HOOK_CAPTURE, cx.value(&["capture", &capture.name]), lack.message);
        cx.report(problem.maybe_help(lack.help));
        false
    });
}

/// Builtins that are about the process that runs.
const OF_PROCESS: [&str; 17] = [
    "pid",
    "tid",
    "uid",
    "gid",
    "euid",
    "comm",
    "ppid",
    "parent_comm",
    "exe",
    "pidns",
    "mntns",
    "netns",
    "caps",
    "task",
    "kstack",
    "ustack",
    "container",
];
/// Of those that are about its cgroup, which is the socket's where packets of a cgroup pass.
const OF_CGROUP: [&str; 3] = ["cgroup", "cgroup_id", "container_id"];

/// That a builtin is about a process, where none runs: packets pass in interrupts as well, whichever process runs then.
fn no_process_at(hook: &Hook, base: &str) -> Option<Refusal> {
    let is_of_any = OF_PROCESS.contains(&base) || OF_CGROUP.contains(&base) || base == "kstack";
    let help = match &hook.site {
        Site::Timer(_) => {
            let message =
                format!("there is no `{base}` at a timer: it fires in an interrupt, whichever process runs then");
            let refusal = Refusal::new(message).help("`profile: { frequency: 99 }` has the process that each CPU runs");
            return is_of_any.then_some(refusal);
        }
        Site::Items(items) if !items.have_process() => {
            // A socket's owner is `uid`.
            if !is_of_any || base == "uid" && matches!(items, Items::Tcp | Items::Udp) {
                return None;
            }
            let message = format!("there is no `{base}` at `iter: {}`: these do not belong to a process", items.word());
            let help = match items {
                Items::Tcp | Items::Udp => {
                    "`iter: task_file` has the files of each process; those of sockets are `socket:[INODE]`"
                }
                Items::Task | Items::TaskFile | Items::BpfProg | Items::BpfMap => {
                    "`iter: task` and `iter: task_file` are about processes"
                }
            };
            return Some(Refusal::new(message).help(help));
        }
        Site::Items(items) => {
            let help = match base {
                "kstack" | "ustack" => "`profile` has the stacks of what runs",
                _other => return None,
            };
            let message = format!("there is no `{base}` at `iter: {}`: the thread does not run here", items.word());
            return Some(Refusal::new(message).help(help));
        }
        Site::Interface { .. } | Site::Traffic { .. } => {
            if !OF_PROCESS.contains(&base) && !OF_CGROUP.contains(&base) {
                return None;
            }
            "a `cgroup` hook knows the cgroup of each packet, and with `call: connect` the process of each connection"
        }
        Site::Cgroup { point: CgroupPoint::Packets(_), .. } => {
            if !OF_PROCESS.contains(&base) {
                return None;
            }
            "there is `cgroup`, which is that of the socket; `call: connect` knows the process of each connection"
        }
        Site::Cgroup { .. }
        | Site::Function { .. }
        | Site::Event(_)
        | Site::RawEvent(_)
        | Site::SecurityHook(_)
        | Site::Binary(_)
        | Site::Call { .. }
        | Site::Syscall(_)
        | Site::Profile(_)
        | Site::Perf { .. } => return None,
    };
    let is_stack = matches!(base, "kstack" | "ustack");
    let help =
        if is_stack { "hook what sends or receives it: `function: tcp_sendmsg`, `syscall: sendto`" } else { help };
    let message =
        format!("there is no `{base}` at a packet: it passes in an interrupt, or in whichever process runs then");
    Some(Refusal::new(message).help(help))
}

/// That no function of the kernel led to what a program does by itself.
fn no_stack_at(hook: &Hook, base: &str) -> Option<Refusal> {
    let is_of_kernel = base == "kstack" && matches!(hook.site, Site::Binary(_));
    let message = "there is no `kstack` where a program calls its own function: the kernel is not part of it";
    is_of_kernel.then(|| Refusal::new(message).help("`ustack` has the functions of the program"))
}

/// True where the process that runs has nothing to do with what happens: a packet, a timer, an item of a snapshot, which may be of
/// another process.
pub fn is_without_process(hook: &Hook) -> bool {
    matches!(hook.site, Site::Items(_)) || no_process_at(hook, "pid").is_some()
}

/// Any name but that of a builtin, at hooks that offer nothing else.
pub(super) fn nothing_of_its_own(base: &str, what: &str, has_process: bool) -> Option<Refusal> {
    if ["args", "current", "kernel"].contains(&base) || builtin(base).is_some() {
        return None;
    }
    let message = format!("there is no `{base}`: {what} has no names of its own");
    let known = BUILTINS.iter().filter(|builtin| has_process || !builtin.of_process).map(|builtin| builtin.name);
    Some(Refusal::new(message).maybe_help(suggest(base, known, "there are")))
}

/// 12 of `arg12`; a number that is too large stands for the greatest there is.
pub(super) fn number_of(base: &str) -> Option<usize> {
    let number = base.strip_prefix("arg")?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| number.parse().unwrap_or(usize::MAX))
}

/// The return of a function has `retval` and no arguments any more.
pub(super) fn at_return(base: &str, entry: HookKind, on_return: HookKind) -> Option<Refusal> {
    match base {
        "retval" => None,
        "ret" => Some(Refusal::new("there is no `ret` at the return of a function").help("did you mean `retval`?")),
        _argument => {
            let help = format!("capture arguments with a `{entry}`; a `{on_return}` has `retval`");
            Some(Refusal::new(format!("there is no `{base}` at the return of a function")).help(help))
        }
    }
}

/// An instruction inside a function has no names at all.
pub(super) fn inside(base: &str) -> Refusal {
    let message = format!("there is no `{base}` inside a function: with an `offset`, arguments have no names");
    Refusal::new(message).help("remove `offset` to probe the entry of the function, which has the arguments")
}

/// An argument by a number that no register holds.
pub(super) fn beyond_registers_of(base: &str) -> Option<Refusal> {
    let number = number_of(base).filter(|number| *number >= REGISTER_ARGUMENTS)?;
    let help = format!("`arg0` to `arg{}` can be captured", REGISTER_ARGUMENTS - 1);
    Some(Refusal::new(beyond_registers(base, number)).help(help))
}

/// An argument by a number that no list of arguments of the kernel's own has.
pub(super) fn beyond_words(base: &str, what: &str) -> Option<Refusal> {
    number_of(base).filter(|number| *number >= MOST_RAW_ARGUMENTS)?;
    let message = format!("no {what} has as many arguments as `{base}` says");
    Some(Refusal::new(message).help(format!("`arg0` to `arg{}` can be captured", MOST_RAW_ARGUMENTS - 1)))
}

/// An argument by name, which binaries do not tell.
pub(super) fn nameless(base: &str) -> Option<Refusal> {
    if number_of(base).is_some() {
        return None;
    }
    let message = format!("there is no `{base}`: binaries do not store argument names");
    Some(Refusal::new(message).help("use numbers: `arg0` is the first argument"))
}
