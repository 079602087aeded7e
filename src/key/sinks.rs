// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sinks: [stdout, "jsonl:events.jsonl"]`: which of the file's sinks, or short forms. What they are, [`FileSinks`] knows.
//!
//! [`FileSinks`]: crate::config::FileSinks

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key};
use crate::config::short_forms;
use crate::spec::Place;

pub(super) const SINKS: Key = Key {
    word: "sinks",
    schema: |schemas| schemas.subschema_for::<Sinks>(),
    in_defaults: Some(InDefaults {
        rank: 1,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::Replaced,
    }),
    check,
    ..Key::PLAIN
};

/// Where the events go.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("description" = description(), "examples" = [["stdout"], ["jsonl:/var/log/ebpf-run/events.jsonl"]], "default" = ["stdout"]))]
struct Sinks(#[schemars(length(min = 1, max = 16))] Vec<String>);

/// Where the events go: names of `sinks`, or short forms. A probe's own `sinks` replace these.
#[derive(JsonSchema)]
#[schemars(extend("examples" = [["stdout"], ["jsonl:/var/log/ebpf-run/events.jsonl"]]))]
#[expect(dead_code, reason = "for the schema")]
struct Default(#[schemars(length(min = 1, max = 16))] Vec<String>);

fn description() -> String {
    format!(
        "Where the events go: names of `sinks`, or short forms {}. A relative PATH counts from the directory where ebpf-run was \
         started. The default is `stdout`.",
        short_forms()
    )
}

fn check(checking: &mut Checking<'_>) {
    let Some(Sinks(names)) = checking.own("sinks") else { return };
    let found = checking.sinks.resolve(&mut checking.cx, &names, checking.run);
    checking.then(move |draft| {
        draft.places.extend(found.iter().map(|(sink, span)| (Place::Sink(sink.name.clone()), *span)));
        draft.sinks = found.iter().map(|(sink, _)| sink.clone()).collect();
    });
}
