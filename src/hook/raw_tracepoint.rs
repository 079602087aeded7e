// SPDX-License-Identifier: MIT OR Apache-2.0
//! `raw_tracepoint`: an event of the kernel before its fields are made, with the arguments that the kernel has.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::kind::{Kind, as_written, no_claim};
use super::names::{is_event_word, target};
use super::offers;
use crate::config::{Cx, TARGET};
use crate::spec::{Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// Events that are what the current thread does.
const OF_CURRENT_THREAD: [&str; 4] = ["sys_enter", "sys_exit", "page_fault_user", "page_fault_kernel"];

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::RawTracepoint,
    doc: "The same event with the kernel's own arguments, without its category; cheaper than `tracepoint`. \
          `sys_enter` and `sys_exit` also see 32-bit processes, whose calls have numbers of their own table.",
    program: "trace",
    example: "raw_tracepoint: sched_switch",
    capture: ("next", "next->comm"),
    how: &[],
    elsewhere: &["raw_tp", "rawtracepoint"],
    at: |target| format!("raw_tracepoint: {target}"),
    form,
    long: as_written,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

fn form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "examples": ["sched_switch"] })
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let name = cx.decode::<String>(&["hook", "raw_tracepoint"])?;
    let name = name.as_str();
    let span = target(cx, &["hook", "raw_tracepoint"]);
    if is_event_word(name) {
        let site = Site::RawEvent(name.to_owned());
        return Some((Hook { kind: HookKind::RawTracepoint, site }, Targets::One));
    }
    let bare = name.rsplit([':', '/']).next().unwrap_or_default();
    let help = if is_event_word(bare) {
        format!("a raw tracepoint has no category: write `raw_tracepoint: {bare}`")
    } else {
        "for example `raw_tracepoint: sched_switch`".to_owned()
    };
    let problem = cx.error(TARGET, span, format!("`{name}` is not a valid raw tracepoint name"));
    cx.report(problem.help(help));
    None
}

fn lacks(_: &Hook, base: &str) -> Option<Refusal> {
    offers::beyond_words(base, "raw tracepoint")
}

fn of_current_thread(site: &Site) -> bool {
    matches!(site, Site::RawEvent(name) if OF_CURRENT_THREAD.contains(&name.as_str()))
}
