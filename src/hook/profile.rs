// SPDX-License-Identifier: MIT OR Apache-2.0
//! `profile`: what each CPU does, so often a second.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{Kind, as_written, no_claim};
use super::offers;
use crate::config::Cx;
use crate::config::forms::form;
use crate::spec::{Hook, HookKind, Site, Targets};

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Profile,
    doc: "What each CPU does, `frequency` times a second: the event's process is the one that was interrupted; process 0 is an idle CPU. \
          It counts cycles where the CPU has counters, which an idle CPU does not, and time where it has none.",
    program: "trace",
    example: "profile: { frequency: 99 }",
    capture: ("cpu", "cpu"),
    how: &["frequency"],
    elsewhere: &["hertz", "sampling"],
    at: |target| {
        // `hz:99` of bpftrace.
        let frequency = target.rsplit(':').next().filter(|number| number.parse::<u32>().is_ok()).unwrap_or("99");
        format!("profile: {{ frequency: {frequency} }}")
    },
    form: form::<Profile>,
    long: as_written,
    check,
    lacks: |_, base| offers::nothing_of_its_own(base, "a sample", true),
    of_current_thread: |_| false,
    claim: no_claim,
};

/// What each CPU does, so often a second.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Profile {
    /// How often a second, on each CPU: 1 to 10000. A number that nothing else runs at, such as 99, keeps clear of what happens at
    /// round intervals.
    #[schemars(range(min = 1, max = 10_000), extend("examples" = [99, 997]))]
    frequency: u32,
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let Profile { frequency } = cx.decode(&["hook", "profile"])?;
    Some((Hook { kind: HookKind::Profile, site: Site::Profile(frequency) }, Targets::One))
}
