// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: an event of the kernel before its fields are made, with the arguments that the kernel has.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::event::{self, Written, long, without_stars};
use super::kind::{Kind, no_claim};
use super::names::{as_list, is_event_word};
use super::offers;
use crate::config::{Cx, TARGET};
use crate::spec::{Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// Events that are what the current thread does.
const OF_CURRENT_THREAD: [&str; 4] = ["sys_enter", "sys_exit", "page_fault_user", "page_fault_kernel"];

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::RawTracepoint,
    doc: "The same event with the kernel's own arguments, without its category: a name, a list of names, a glob, or a \
          mapping with `first_of`. Cheaper than `tracepoint`. \
          `sys_enter` and `sys_exit` also see 32-bit processes, whose calls have numbers of their own table.",
    program: "trace",
    example: "raw_tracepoint: sched_switch",
    capture: ("next", "next->comm"),
    how: &[],
    elsewhere: &["raw_tp", "rawtracepoint"],
    at: |target| format!("raw_tracepoint: {target}"),
    form,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn form(generator: &mut SchemaGenerator) -> Schema {
    event::form(generator, json!(["sched_switch", ["sched_wakeup", "sched_wakeup_new"], "sched_*"]))
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let (name, targets) = event::check(cx, HookKind::RawTracepoint, is_good)?;
    Some((Hook { kind: HookKind::RawTracepoint, site: Site::RawEvent(name) }, targets))
}

fn is_good(cx: &mut Cx<'_>, Written { name, span, may_be_glob }: Written<'_>) -> bool {
    let is_word = |word: &str| is_event_word(&without_stars(word, may_be_glob));
    if is_word(name) {
        return true;
    }
    let bare = name.rsplit([':', '/']).next().unwrap_or_default();
    let help = if let Some(list) = as_list(name).filter(|_| name.contains(',')) {
        format!("write a list: `raw_tracepoint: {list}`")
    } else if !may_be_glob && name.contains(['*', '?']) {
        "write full names here; globs go into `name`".to_owned()
    } else if is_word(bare) {
        format!("a raw tracepoint has no category: write `raw_tracepoint: {bare}`")
    } else {
        "for example `raw_tracepoint: sched_switch`".to_owned()
    };
    let problem = cx.error(TARGET, span, format!("`{name}` is not a valid raw tracepoint name"));
    cx.report(problem.help(help));
    false
}

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    offers::beyond_words(base, "raw tracepoint")
}

fn of_current_thread(site: &Site) -> bool {
    matches!(site, Site::RawEvent(name) if OF_CURRENT_THREAD.contains(&name.as_str()))
}
