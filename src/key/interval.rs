// SPDX-License-Identifier: MIT OR Apache-2.0
//! `interval: 500ms`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key, Need, needless};
use crate::config::{codes, pattern};

const LEAST: Duration = Duration::from_millis(10);
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
        met: |program| program.counters.is_some(),
        refuse: |cx, program| needless(cx, program, "interval", "has no counters to report"),
    }),
    check,
    ..Key::PLAIN
};

/// How often counters are reported, with a unit: from 10ms to 24h. The default is 1s. For programs that count.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("pattern" = pattern::DURATION.regex, "examples" = ["500ms", "1s", "2m", "1h"], "default" = "1s"))]
struct Interval(String);

/// How often counters are reported, with a unit: from 10ms to 24h.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = pattern::DURATION.regex, "examples" = ["500ms", "1s", "2m", "1h"]))]
#[expect(dead_code, reason = "for the schema")]
struct Default(String);

/// The schema has seen to the form.
fn check(checking: &mut Checking<'_>) {
    let Some(Interval(text)) = checking.own("interval") else { return };
    let interval = pattern::duration(&text);
    if (LEAST..=MOST).contains(&interval) {
        checking.then(move |draft| draft.spec.interval = interval);
        return;
    }
    let too = if interval < LEAST { "short" } else { "long" };
    let cx = &mut checking.cx;
    let problem = cx.error(codes::DURATION, cx.value(&["interval"]), format!("an interval of {text} is too {too}"));
    cx.report(problem.label("must be from 10ms to 24h"));
}
