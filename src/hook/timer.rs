// SPDX-License-Identifier: MIT OR Apache-2.0
//! `timer: 1s`: one CPU, at intervals.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{Kind, as_written, no_claim};
use super::offers;
use crate::config::forms::form;
use crate::config::{Cx, TARGET, pattern};
use crate::spec::{Hook, HookKind, Site, Targets};

/// What interrupts more often would leave little time for anything else.
const LEAST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Timer,
    doc: "An interval, from 1ms to 24h: one CPU fires so often, the first time after one interval. For variables of the kernel \
          (`kernel.avenrun[0]`). It fires in an interrupt, so there is no process.",
    program: "trace",
    example: "timer: 1s",
    capture: ("at", "ktime"),
    how: &[],
    elsewhere: &["interval", "tick"],
    at: |target| format!("timer: {}", interval(target)),
    form: form::<Timer>,
    long: as_written,
    check,
    lacks: |_, base| offers::nothing_of_its_own(base, "a timer", false),
    of_current_thread: |_| false,
    claim: no_claim,
};

/// An interval, with a unit: from 1ms to 24h.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline, extend("pattern" = pattern::DURATION.regex, "examples" = ["1s", "100ms", "1m"]))]
struct Timer(String);

/// The schema has seen to the form.
fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let Timer(text) = cx.decode(&["hook", "timer"])?;
    let every = pattern::duration(&text);
    if !(LEAST..=MOST).contains(&every) {
        let message = format!("a timer of {text} is too {}", if every < LEAST { "short" } else { "long" });
        let problem = cx.error(TARGET, cx.value(&["hook", "timer"]), message);
        cx.report(problem.label("must be from 1ms to 24h"));
        return None;
    }
    Some((Hook { kind: HookKind::Timer, site: Site::Timer(every) }, Targets::One))
}

/// `s:1` and `ms:100` of bpftrace.
fn interval(target: &str) -> String {
    match target.split_once(':') {
        Some((unit, number)) => format!("{number}{unit}"),
        None => target.to_owned(),
    }
}
