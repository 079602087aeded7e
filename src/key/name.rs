// SPDX-License-Identifier: MIT OR Apache-2.0
//! `name: opens`

use schemars::JsonSchema;

use super::definition::{Checking, Key};
use crate::config::pattern;
use crate::spec::{Place, ProbeId};

pub(super) const NAME: Key =
    Key { word: "name", required: true, schema: |schemas| schemas.subschema_for::<Name>(), check, ..Key::PLAIN };

/// The probe's name, unique in a run and usable as a file name: letters, digits, `.`, `_`, `-`, at most 64 characters.
/// Every event carries it.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = pattern::NAME.regex, "examples" = ["opens", "eth0-packets"]))]
#[expect(dead_code, reason = "for the schema; a name needs no decoding")]
struct Name(String);

fn check(checking: &mut Checking<'_>) {
    checking.cx.note_place(Place::Probe, checking.cx.name());
    let name = checking.cx.node.at(&["name"]).and_then(|node| node.text());
    checking.id = name.map(|name| ProbeId { name: name.to_owned() });
}
