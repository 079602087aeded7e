// SPDX-License-Identifier: MIT OR Apache-2.0
//! `interval: 500ms`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key, Need, needless};
use crate::catalog::Program;
use crate::config::{codes, pattern};
use crate::spec::{AT_THE_END, HookKind, ONCE};

const LEAST: Duration = Duration::from_millis(10);
/// What `aggregate` counts is exchanged at each interval, for which the kernel waits.
const LEAST_OF_TABLES: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) const INTERVAL: Key = Key {
    word: "interval",
    schema: |schemas| schemas.subschema_for::<Interval>(),
    in_defaults: Some(InDefaults {
        rank: 3,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::Replaced,
    }),
    needs: Some(Need {
        // Of those that only capture, snapshots have one.
        met: |program| program.counters.is_some() || program.counts() || program.captures(),
        refuse: |cx, program| needless(cx, program, "interval", "has no counters to report"),
    }),
    at_kind: has_interval,
    check,
    ..Key::PLAIN
};

/// How often counters are reported and snapshots (`iter`) taken, with a unit: from 10ms (100ms with `aggregate`) to 24h; `end` reports what
/// `aggregate` counted once, when the probe ends. The default is 1s for what counts; a snapshot is taken once, at the start. For probes that
/// count, and for `iter`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("pattern" = pattern::INTERVAL.regex, "examples" = ["500ms", "1s", "2m", "1h", "end"], "default" = "1s"))]
struct Interval(String);

/// How often counters are reported and snapshots taken, with a unit: from 10ms to 24h.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = pattern::DURATION.regex, "examples" = ["500ms", "1s", "2m", "1h"]))]
#[expect(dead_code, reason = "for the schema")]
struct Default(String);

/// True where a program at a hook of this kind does something at intervals.
fn has_interval(program: &Program, kind: HookKind) -> bool {
    program.counters.is_some() || program.counts() || program.captures() && kind == HookKind::Iter
}

/// The schema has seen to the form.
fn check(checking: &mut Checking<'_>) {
    let kind = checking.hook.as_ref().and_then(|(hook, _)| Some(hook.as_ref()?.kind));
    let Some(Interval(text)) = checking.own("interval") else {
        if kind == Some(HookKind::Iter) && checking.default_of("interval").is_none() {
            checking.then(|draft| draft.spec.interval = ONCE);
        }
        return;
    };
    if let (Some(program), Some(kind)) = (checking.program, kind)
        && !has_interval(program, kind)
    {
        let cx = &mut checking.cx;
        let why = format!("reports what happens at a `{kind}` when it does");
        needless(cx, program, "interval", &why).into_iter().for_each(|problem| cx.report(problem));
        return;
    }
    let counts = checking.program.is_some_and(Program::counts);
    if text == pattern::AT_THE_END {
        if counts {
            return checking.then(|draft| draft.spec.interval = AT_THE_END);
        }
        let cx = &mut checking.cx;
        if cx.node.at(&["aggregate"]).is_some() {
            // Why nothing is counted has been said.
            return;
        }
        let problem = cx.error(codes::DURATION, cx.value(&["interval"]), "`end` is an interval of `aggregate` only");
        return cx.report(problem.help("write how often, for example `interval: 10s`"));
    }
    let interval = pattern::duration(&text);
    let least = if counts { LEAST_OF_TABLES } else { LEAST };
    if (least..=MOST).contains(&interval) {
        checking.then(move |draft| draft.spec.interval = interval);
        return;
    }
    let too = if interval < least { "short" } else { "long" };
    let cx = &mut checking.cx;
    let problem = cx.error(codes::DURATION, cx.value(&["interval"]), format!("an interval of {text} is too {too}"));
    cx.report(problem.label(format!("must be from {}ms to 24h", least.as_millis())));
}
