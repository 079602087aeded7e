// SPDX-License-Identifier: MIT OR Apache-2.0
//! `perf`: each time that a counter has counted so many.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::kind::{Kind, as_written, no_claim};
use super::offers;
use crate::config::forms::form;
use crate::config::{Cx, TARGET};
use crate::spec::{Hook, HookKind, PerfEvent, Site, Targets};

/// The kernel makes a shorter period of a clock this long without a word (`perf_swevent_hrtimer`).
const LEAST_CLOCK_NS: u64 = 10_000;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Perf,
    doc: "Each time that a counter has counted `every` of an event on a CPU, by its name in perf-list(1). The kernel's own: `page-faults`, \
          `minor-faults`, `major-faults`, `context-switches`, `cpu-migrations`, `alignment-faults`, `emulation-faults`, and \
          `cpu-clock` and `task-clock` in nanoseconds. Those of the CPU, where this machine lets us have its counters: `cycles`, \
          `instructions`, `cache-misses`, `branch-misses` and others. The event's process is the one that ran then.",
    program: "trace",
    example: "perf: { event: page-faults, every: 1000 }",
    capture: ("cpu", "cpu"),
    how: &["every"],
    elsewhere: &["software", "hardware", "perf_event"],
    at: |target| {
        // `page-faults:100` of bpftrace.
        let (event, every) = target.split_once(':').unwrap_or((target, "1000"));
        format!("perf: {{ event: {event}, every: {every} }}")
    },
    form: form::<Perf>,
    long: as_written,
    check,
    lacks: |_, base| offers::nothing_of_its_own(base, "a sample", true),
    of_current_thread,
    claim: no_claim,
};

/// Each time that a counter has counted so many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Perf {
    /// What is counted, by its name in perf-list(1).
    event: RawEvent,
    /// How many of them make an event of the probe, on each CPU; of a clock, nanoseconds (at least 10000).
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64), extend("examples" = [1000, 1]))]
    every: u64,
}

/// One of the words of [`PerfEvent`].
#[derive(Debug)]
struct RawEvent(PerfEvent);

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let found = PerfEvent::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(event, _)| Self(*event)).ok_or_else(|| D::Error::custom("no such event"))
    }
}

impl JsonSchema for RawEvent {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "PerfEvent".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = PerfEvent::WORDS.map(|(_, word)| word);
        json_schema!({ "type": "string", "enum": words.as_slice(), "examples": ["page-faults", "context-switches"] })
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let Perf { event: RawEvent(event), every } = cx.decode(&["hook", "perf"])?;
    if event.is_clock() && every < LEAST_CLOCK_NS {
        let span = cx.value(&["hook", "perf", "every"]);
        let problem = cx.error(TARGET, span, format!("`{}` fires at most once every 10000 ns", event.word()));
        cx.report(problem.label("nanoseconds").help("write at least `every: 10000`; 1000000 is a millisecond"));
        return None;
    }
    Some((Hook { kind: HookKind::Perf, site: Site::Perf { event, every } }, Targets::One))
}

/// Faults and switches are what the thread does; a clock and the CPU's counters interrupt it.
fn of_current_thread(site: &Site) -> bool {
    matches!(site, Site::Perf { event, .. } if !event.is_clock() && !event.is_of_hardware())
}
