// SPDX-License-Identifier: MIT OR Apache-2.0
//! `limits: { sample: 1/100, rate_limit: 1000/s }`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key, Need};
use crate::catalog::Program;
use crate::config::{Cx, Problem, codes, pattern};
use crate::spec::{Period, RateLimit};

pub(super) const LIMITS: Key = Key {
    word: "limits",
    schema: |schemas| schemas.subschema_for::<OfProbe>(),
    in_defaults: Some(InDefaults {
        rank: 6,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::ByEntry,
    }),
    needs: Some(Need { met: |program| program.limit_table.is_some(), refuse }),
    by_entry: true,
    check,
    ..Key::PLAIN
};

/// Which events pass; the others are only counted, in the kernel. For programs that emit events, such as `trace` and
/// `exec`. By default all events pass.
#[derive(Deserialize, JsonSchema)]
struct OfProbe(Limits);

/// Which events pass, for probes with events. A probe's own `rate_limit` or `sample` replaces that of `defaults`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "for the schema")]
struct Default(Limits);

/// Which events pass: first `sample` chooses, then `rate_limit` holds. What does not pass is counted as lost.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "examples" = [{ "rate_limit": "1000/s" }, { "sample": "1/100" }]))]
struct Limits {
    /// The maximum number of events per second, minute or hour, for all CPUs together; with several targets, for each
    /// target. Exact in each second (minute, hour) since boot, so a burst across the end of one can be twice as
    /// large. `1000/s`, `20/m`, `1/h`; at most 999999999. A `lost` line reports each second how many did not pass.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::RATE.regex, "examples" = ["1000/s", "20/m"]))]
    rate_limit: Option<String>,
    /// Pass one event in N, each chosen independently at random. `1/100` passes about one percent, `1/1` every event.
    /// The summary at the end shows how many were sampled out.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::SAMPLE.regex, "examples" = ["1/100"]))]
    sample: Option<String>,
}

fn refuse(cx: &Cx<'_>, program: &Program) -> Option<Problem> {
    let message = format!("`{}` has no events to limit", program.name);
    let problem = cx.error(codes::NEEDLESS_LIMITS, cx.key(&["limits"]), message).help("remove `limits`");
    let counts = program.counters.is_some();
    let note = "it reports counters each `interval`: set a longer one for fewer reports";
    Some(if counts { problem.note(note) } else { problem })
}

/// The schema has seen to the forms.
fn check(checking: &mut Checking<'_>) {
    let Some(OfProbe(limits)) = checking.own("limits") else { return };
    if checking.is_needless(&LIMITS) {
        return;
    }
    let sample: Option<u32> = limits.sample.and_then(|text| text.strip_prefix("1/")?.parse().ok());
    let rate = limits.rate_limit.and_then(|text| rate(&text));
    checking.then(move |draft| {
        let limits = &mut draft.spec.limits;
        limits.sample = sample.or(limits.sample);
        limits.rate = rate.or(limits.rate);
    });
}

/// `1000/s`
fn rate(text: &str) -> Option<RateLimit> {
    let (digits, per) = text.split_once('/')?;
    let per = match per {
        "m" => Period::Minute,
        "h" => Period::Hour,
        _second => Period::Second,
    };
    Some(RateLimit { events: digits.parse().ok()?, per })
}
