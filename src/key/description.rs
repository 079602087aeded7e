// SPDX-License-Identifier: MIT OR Apache-2.0
//! `description: opens of files, for the audit`: for the people who read the file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, Key};

pub(super) const DESCRIPTION: Key =
    Key { word: "description", schema: |schemas| schemas.subschema_for::<Description>(), check, ..Key::PLAIN };

/// What the probe is for, in a sentence. The help text of its metrics.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("examples" = ["opens of files, for the audit"]))]
struct Description(String);

fn check(checking: &mut Checking<'_>) {
    let Some(Description(text)) = checking.own("description") else { return };
    checking.then(move |draft| draft.spec.description.clone_from(&text));
}
