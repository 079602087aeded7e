// SPDX-License-Identifier: MIT OR Apache-2.0
//! `buffer: 16MiB`

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, InDefaults, Joined, Key, Need, needless};
use crate::config::{codes, pattern};

const LEAST_BYTES: u64 = 4 << 10;
const MOST_BYTES: u64 = 1 << 30;

pub(super) const BUFFER: Key = Key {
    word: "buffer",
    schema: |schemas| schemas.subschema_for::<Buffer>(),
    in_defaults: Some(InDefaults {
        rank: 4,
        schema: |schemas| schemas.subschema_for::<Default>(),
        joined: Joined::Replaced,
    }),
    needs: Some(Need {
        met: |program| program.event.is_some(),
        refuse: |cx, program| needless(cx, program, "buffer", "has no events to buffer"),
    }),
    check,
    ..Key::PLAIN
};

/// The size of the ring buffer for events: a power of two from 4KiB to 1GiB. The default is 4MiB.
/// For programs that emit events.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("pattern" = pattern::SIZE.regex, "examples" = ["256KiB", "16MiB"], "default" = "4MiB"))]
struct Buffer(String);

/// The size of the ring buffer of each probe: a power of two from 4KiB to 1GiB.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = pattern::SIZE.regex, "examples" = ["256KiB", "16MiB"]))]
#[expect(dead_code, reason = "for the schema")]
struct Default(String);

/// The schema has seen to the form.
fn check(checking: &mut Checking<'_>) {
    let Some(Buffer(text)) = checking.own("buffer") else { return };
    let (digits, unit) = pattern::split_unit(&text);
    let value: u64 = digits.parse().unwrap_or(0);
    let bytes = match unit {
        "KiB" => value << 10,
        "GiB" => value << 30,
        _mebibytes => value << 20,
    };
    let in_range = (LEAST_BYTES..=MOST_BYTES).contains(&bytes);
    if let (true, true, Ok(bytes)) = (in_range, bytes.is_power_of_two(), u32::try_from(bytes)) {
        checking.then(move |draft| draft.spec.buffer_bytes = Some(bytes));
        return;
    }
    let cx = &mut checking.cx;
    let problem = cx.error(codes::BUFFER, cx.value(&["buffer"]), format!("a ring buffer cannot have a size of {text}"));
    let problem = problem.label("must be a power of two from 4KiB to 1GiB");
    let better = bytes.clamp(LEAST_BYTES, MOST_BYTES).next_power_of_two();
    cx.report(problem.help(format!("write `{}`", size(better))));
}

/// A power of two in its largest whole unit.
fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 => format!("{}GiB", bytes >> 30),
        bytes if bytes >= 1 << 20 => format!("{}MiB", bytes >> 20),
        bytes => format!("{}KiB", bytes >> 10),
    }
}
